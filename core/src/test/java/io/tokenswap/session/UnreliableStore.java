package io.tokenswap.session;

import io.tokenswap.Token;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A store that fails for a while, in one way or another. */
final class UnreliableStore implements LegacyTokenStore {

    /** How an operation goes wrong. */
    enum Fault {
        NONE,
        ERROR,
        THROWN,
        NULL,
        EMPTY,
        HANGING,
        /** It takes until {@link #disk} says so, and goes well. */
        SLOW
    }

    private final LegacyTokenStore store;
    final AtomicInteger saves = new AtomicInteger();
    volatile Fault loading = Fault.NONE;
    volatile Fault saving = Fault.NONE;
    volatile Fault clearing = Fault.NONE;
    final Sinks.Empty<Void> disk = Sinks.empty();
    volatile boolean losesOutcomes;

    UnreliableStore(LegacyTokenStore store) {
        this.store = store;
    }

    @Override
    public Mono<Token> load(String key) {
        return attempt(loading, () -> store.load(key));
    }

    @Override
    public Mono<Boolean> save(String key, @Nullable Token consumed, Token next) {
        saves.incrementAndGet();
        return attempt(saving, () -> store.save(key, consumed, next));
    }

    @Override
    public Mono<Void> clear(String key) {
        return store.clear(key);
    }

    @Override
    public Mono<Boolean> clear(String key, Token dead) {
        return attempt(clearing, () -> store.clear(key, dead));
    }

    @Override
    public <T> Mono<T> exclusive(String key, Mono<T> section) {
        Mono<T> outcome = store.exclusive(key, section);
        return losesOutcomes ? outcome.then(Mono.never()) : outcome;
    }

    @SuppressWarnings("NullAway") // null is one of the faults
    private <T> Mono<T> attempt(Fault fault, Supplier<Mono<T>> operation) {
        return switch (fault) {
            case NONE -> operation.get();
            case ERROR -> Mono.error(new IllegalStateException("No space left on device"));
            case THROWN -> throw new IllegalStateException("No connection to the store");
            case NULL -> null;
            case EMPTY -> Mono.empty();
            case HANGING -> Mono.never();
            case SLOW -> disk.asMono().then(Mono.defer(operation));
        };
    }
}
