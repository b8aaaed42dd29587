package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import reactor.core.Disposable;
import reactor.core.publisher.Sinks;

/** Two threads at a time, every outcome that is allowed; the profile {@code stress} does the same for longer. */
@Tag("race")
class SessionRaceTest extends SessionFixture {

    private static final int ROUNDS = 50;

    private final ExecutorService threads = Executors.newFixedThreadPool(2);

    @AfterEach
    void endThreads() {
        threads.shutdownNow();
    }

    private void race(Runnable one, Runnable two) {
        CyclicBarrier start = new CyclicBarrier(2);
        List<Future<?>> ends = new ArrayList<>();
        for (Runnable action : List.of(one, two)) {
            ends.add(threads.submit(() -> {
                start.await();
                action.run();
                return null;
            }));
        }
        for (Future<?> end : ends) {
            try {
                end.get(20, TimeUnit.SECONDS);
            } catch (Exception failed) {
                throw new AssertionError(failed);
            }
        }
    }

    /** Session whose first token was refused and whose refresh waits for this response. */
    private record Waiting(TokenSession session, Sinks.One<Token> response, Token next, ScriptedEndpoint endpoint) {}

    private Waiting refused() {
        ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, HOUR);
        Sinks.One<Token> response = Sinks.one();
        endpoint.then(token -> response.asMono());
        Token first = endpoint.grant();
        TokenSession session = builder(endpoint).build(first);
        session.invalidate(first);
        return new Waiting(session, response, endpoint.grant(), endpoint);
    }

    @RepeatedTest(ROUNDS)
    void askAgainstLanding() {
        Waiting waiting = refused();
        Queue<String> served = new ConcurrentLinkedQueue<>();
        race(
                () -> waiting.session()
                        .token()
                        .subscribe(token -> served.add(token.accessToken().secret())),
                () -> waiting.response().tryEmitValue(waiting.next()));
        assertThat(served).containsExactly("access-2");
        assertThat(waiting.endpoint().refreshes()).isOne();
    }

    @RepeatedTest(ROUNDS)
    void cancellationOfTheFirstCallerAgainstLanding() {
        Waiting waiting = refused();
        Disposable first = waiting.session().token().subscribe();
        List<String> second = ask(waiting.session().token());
        race(first::dispose, () -> waiting.response().tryEmitValue(waiting.next()));
        assertThat(second).containsExactly("access-2");
    }

    @RepeatedTest(ROUNDS)
    void renewalAgainstLanding() {
        Waiting waiting = refused();
        Token renewed = waiting.endpoint().grant();
        race(
                () -> waiting.session().renew(renewed).block(),
                () -> waiting.response().tryEmitValue(waiting.next()));
        assertThat(accessToken(waiting.session())).isEqualTo("access-3");
    }

    @RepeatedTest(ROUNDS)
    void disposalAgainstLanding() {
        Waiting waiting = refused();
        List<String> caller = ask(waiting.session().token());
        List<String> subscriber = record(waiting.session());
        race(waiting.session()::dispose, () -> waiting.response().tryEmitValue(waiting.next()));
        assertThat(caller).isIn(List.of("access-2"), List.of("SessionClosedException"));
        assertThat(subscriber).isIn(List.of("access-2", "complete"), List.of("complete"));
        assertThat(clock.timers()).isZero();
    }

    @RepeatedTest(ROUNDS)
    void twoInvalidationsOfOneToken() {
        TokenSession session = session();
        Token first = session.token().block(Duration.ZERO);
        race(() -> session.invalidate(first), () -> session.invalidate(first));
        assertThat(endpoint.refreshes()).isOne();
        assertThat(accessToken(session)).isEqualTo("access-2");
    }

    @RepeatedTest(ROUNDS)
    void joiningAgainstLanding() {
        Waiting waiting = refused();
        Queue<String> seen = new ConcurrentLinkedQueue<>();
        race(
                () -> waiting.session()
                        .tokens()
                        .subscribe(token -> seen.add(token.accessToken().secret())),
                () -> waiting.response().tryEmitValue(waiting.next()));
        assertThat(seen).containsExactly("access-2");
        assertThat(clock.timers()).isOne();
    }

    @RepeatedTest(ROUNDS)
    void joiningAgainstLeaving() {
        TokenSession session = session();
        Disposable first = session.tokens().subscribe();
        race(first::dispose, () -> session.tokens().subscribe());
        assertThat(clock.timers()).isOne();
    }

    @RepeatedTest(ROUNDS)
    void eventsOfTwoThreadsComeInTheOrderOfTheChanges() {
        TokenSession session = session();
        Queue<String> events = new ConcurrentLinkedQueue<>();
        session.events().subscribe(event -> events.add(event.getClass().getSimpleName()));
        Token first = session.token().block(Duration.ZERO);
        race(() -> session.invalidate(first), session::dispose);
        assertThat(List.copyOf(events))
                .isIn(
                        List.of("Closed"),
                        List.of("Invalidated", "Closed"),
                        List.of("Invalidated", "Refreshed", "Closed"));
    }
}
