package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.Version;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

class ChangeHintsTest {

    private final VirtualTimeScheduler scheduler = VirtualTimeScheduler.create();
    private final Engine engine = new Engine();
    private final AtomicInteger received = new AtomicInteger();

    private Disposable listen(String key) {
        return ChangeHints.of(engine, key, scheduler).subscribe(changed -> received.incrementAndGet());
    }

    private void emit(String changed) {
        engine.changes.tryEmitNext(changed).orThrow();
    }

    @Test
    void ofAKeyReachTheSessionsOfThatKeyByOneSubscription() {
        List<String> ofAlice = new ArrayList<>();
        ChangeHints.of(engine, "alice", scheduler).subscribe(ofAlice::add);
        ChangeHints.of(engine, "alice", scheduler).subscribe(ofAlice::add);
        listen("bob");

        emit("alice");

        assertThat(ofAlice).containsExactly("alice", "alice");
        assertThat(received).hasValue(0);
        assertThat(engine.subscriptions).hasValue(1);
    }

    @Test
    @Tag("D43")
    void ofAReconnectReachManySessionsOneAfterTheOther() {
        IntStream.range(0, 2_100).forEach(i -> listen("user-" + i));

        emit(TokenStore.ANY_KEY);
        assertThat(received).hasValueBetween(100, 101);
        scheduler.advanceTimeBy(Duration.ofMillis(100));
        assertThat(received).hasValueBetween(1_100, 1_101);
        scheduler.advanceTimeBy(Duration.ofMillis(100));
        assertThat(received).hasValue(2_100);
    }

    @Test
    @Tag("D28")
    void ofAReconnectReachFewSessionsAtOnce() {
        IntStream.range(0, 100).forEach(i -> listen("user-" + i));

        emit(TokenStore.ANY_KEY);

        assertThat(received).hasValue(100);
    }

    @Test
    void endWithTheLastSessionAndBeginAgainWithTheNext() {
        Disposable first = listen("alice");
        Disposable second = listen("alice");
        first.dispose();
        emit("alice");
        assertThat(received).hasValue(1);
        second.dispose();
        assertThat(engine.changes.currentSubscriberCount()).isZero();

        listen("alice");
        emit("alice");

        assertThat(received).hasValue(2);
        assertThat(engine.subscriptions).hasValue(2);
    }

    @Test
    void thatFailedAreAskedForByTheNextSession() {
        engine.fails = true;
        listen("alice");
        engine.fails = false;
        listen("bob");

        emit("alice");
        emit("bob");

        assertThat(received).hasValue(2);
    }

    /** A store of which only the hints are used. */
    private static final class Engine implements TokenStore {

        final Sinks.Many<String> changes = Sinks.many().multicast().directBestEffort();
        final AtomicInteger subscriptions = new AtomicInteger();
        boolean fails;

        @Override
        public Mono<Entry> load(String key) {
            return Mono.never();
        }

        @Override
        public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
            return Mono.never();
        }

        @Override
        public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
            return Mono.never();
        }

        @Override
        public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
            return Mono.never();
        }

        @Override
        public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
            return Mono.never();
        }

        @Override
        public Flux<String> changes() {
            if (fails) {
                throw new IllegalStateException("No hints");
            }
            subscriptions.incrementAndGet();
            return changes.asFlux();
        }
    }
}
