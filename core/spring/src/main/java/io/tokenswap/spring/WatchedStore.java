package io.tokenswap.spring;

import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Remembers since when the operations of a store have failed. */
final class WatchedStore implements TokenStore {

    private final TokenStore store;
    private final AtomicReference<@Nullable Instant> downSince = new AtomicReference<>();

    WatchedStore(TokenStore store) {
        this.store = store;
    }

    /** Returns the time of the first failure since the last success; null if the last operation succeeded. */
    @Nullable Instant downSince() {
        return downSince.get();
    }

    @Override
    public Mono<Entry> load(String key) {
        return watched(store.load(key));
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        return watched(store.acquire(key, owner, view, lease));
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return watched(store.extend(key, owner, attempt, lease));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return watched(store.put(key, next, kind, owner, attempt));
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return watched(store.release(key, owner, attempt, pause, sent));
    }

    @Override
    public Flux<String> changes() {
        return store.changes();
    }

    @Override
    public Duration grace() {
        return store.grace();
    }

    @Override
    public Rotates rotates() {
        return store.rotates();
    }

    @Override
    public boolean mayLoseWrites() {
        return store.mayLoseWrites();
    }

    @Override
    public String toString() {
        return store.toString();
    }

    /** A mock of a store returns null, which counts as an empty result. */
    private <T> Mono<T> watched(@Nullable Mono<T> operation) {
        return (operation == null ? Mono.<T>empty() : operation)
                .doOnSuccess(result -> downSince.set(null))
                .doOnError(error -> {
                    // A record that cannot be read is no failure of the store.
                    if (!(error instanceof UnreadableRecordException)) {
                        downSince.compareAndSet(null, Instant.now());
                    }
                });
    }
}
