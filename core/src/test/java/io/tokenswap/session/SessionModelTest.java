package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSwapException;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Random things happen to a session, and it does what its {@linkplain SessionModel model} does. */
class SessionModelTest {

    private static final int STEPS = 60;

    static LongStream seeds() {
        return LongStream.range(0, 200);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void aSessionDoesWhatTheModelDoes(long seed) {
        new Run(seed).run();
    }

    @Test
    @Tag("stress")
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void aSessionDoesWhatTheModelDoesForVeryLong() {
        LongStream.range(1_000, 21_000).forEach(seed -> new Run(seed).run());
    }

    /** One session and its model, and what happened to them. */
    private static final class Run {

        private final long seed;
        private final Random random;
        private final VirtualClock clock = new VirtualClock();
        private final ScriptedEndpoint tokens = new ScriptedEndpoint(clock, null);
        private final List<Sinks.One<Token>> responses = new ArrayList<>();
        private final TokenSession session;
        private final SessionModel model;
        private final List<List<String>> outcomes = new ArrayList<>();
        private final List<SessionModel.Caller> expected = new ArrayList<>();
        private final List<String> seen = new ArrayList<>();
        private final List<String> log = new ArrayList<>();
        private @Nullable Disposable subscriber;
        private Sinks.@Nullable One<Token> current;
        private int requests;

        Run(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
            RefreshPolicy policy = RefreshPolicy.builder()
                    .backoff(Duration.ofSeconds(random.nextBoolean() ? 1 : 5), Duration.ofSeconds(60))
                    .build();
            Token first = token();
            session = TokenSession.builder(new Held())
                    .policy(policy)
                    .clock(clock)
                    .scheduler(clock.scheduler())
                    .random(() -> 0)
                    .build(first);
            model = new SessionModel(policy, first, clock.instant());
        }

        void run() {
            for (int step = 0; step < STEPS; step++) {
                act();
                compare();
            }
        }

        private void act() {
            int dice = random.nextInt(100);
            if (dice < 25) {
                log.add("ask");
                expect(session.token(), model.ask());
            } else if (dice < 32) {
                log.add("demand");
                expect(session.refresh(), model.demand());
            } else if (dice < 42) {
                String refused = random.nextInt(4) > 0
                        ? model.token().accessToken().secret()
                        : "access-" + (1 + random.nextInt(5));
                log.add("invalidate " + refused);
                model.invalidate(refused);
                session.invalidate(Token.builder(refused, clock.instant()).build());
            } else if (dice < 62) {
                land();
            } else if (dice < 66) {
                Token next = token();
                log.add("renew " + next);
                model.renew(next);
                session.renew(next).onErrorComplete().block(Duration.ZERO);
            } else if (dice < 74) {
                toggleSubscriber();
            } else if (dice < 75) {
                log.add("dispose");
                model.dispose();
                session.dispose();
            } else {
                // In the steps of the timers, so that these are exact.
                Duration time = Duration.ofMillis(10 * (long) Math.pow(10, random.nextDouble() * 6));
                log.add("advance " + time);
                model.advance(time);
                clock.advance(time);
            }
        }

        private void expect(Mono<Token> asked, SessionModel.Caller caller) {
            outcomes.add(SessionFixture.ask(asked));
            expected.add(caller);
        }

        private void land() {
            if (responses.isEmpty()) {
                return;
            }
            // The responses to attempts for which no caller waits any more arrive as well, and change nothing.
            boolean latest = random.nextInt(4) > 0;
            Sinks.One<Token> response = responses.remove(latest ? responses.size() - 1 : 0);
            boolean wanted = model.isFlying() && response.currentSubscriberCount() > 0 && response == current;
            if (random.nextBoolean()) {
                Token next = token();
                log.add("land " + next);
                if (wanted) {
                    model.land(next);
                }
                response.tryEmitValue(next);
            } else {
                TokenSwapException error = List.of(
                                ScriptedEndpoint.notSent(),
                                ScriptedEndpoint.responseLost(),
                                ScriptedEndpoint.throttled(clock.instant().plusSeconds(random.nextInt(100))),
                                ScriptedEndpoint.invalidGrant())
                        .get(random.nextInt(random.nextInt(3) == 0 ? 4 : 3));
                log.add("fail " + error);
                if (wanted) {
                    model.fail(error);
                }
                response.tryEmitError(error);
            }
        }

        private void toggleSubscriber() {
            if (subscriber == null || subscriber.isDisposed()) {
                log.add("subscribe");
                model.subscribe();
                subscriber = session.tokens()
                        .map(token -> token.accessToken().secret())
                        .subscribe(
                                seen::add,
                                error -> seen.add(error.getClass().getSimpleName()),
                                () -> seen.add("complete"));
                clock.advance(Duration.ZERO);
            } else {
                log.add("unsubscribe");
                model.unsubscribe();
                subscriber.dispose();
            }
        }

        private Token token() {
            return tokens.grant(Duration.ofSeconds(
                    List.of(0, 1, 5, 100, 3_600, 3_600, 3_600, 100_000).get(random.nextInt(8))));
        }

        private void compare() {
            String story = "seed " + seed + ": " + log;
            assertThat(session.state().status()).as(story).isEqualTo(model.state());
            assertThat(requests).as(story).isEqualTo(model.requests);
            assertThat(seen).as(story).isEqualTo(model.seen);
            IntStream.range(0, outcomes.size())
                    .forEach(i -> assertThat(outcomes.get(i))
                            .as(story)
                            .isEqualTo(
                                    expected.get(i).outcome == null
                                            ? List.of()
                                            : List.of(String.valueOf(expected.get(i).outcome))));
        }

        /** Responds when the run says so. */
        private final class Held implements TokenEndpoint {

            @Override
            public Mono<Token> swap(AuthorizationCode code) {
                return Mono.error(new UnsupportedOperationException());
            }

            @Override
            public Mono<Token> refresh(RefreshToken token) {
                requests++;
                Sinks.One<Token> response = Sinks.one();
                responses.add(response);
                current = response;
                return response.asMono();
            }
        }
    }
}
