package io.tokenswap.session;

import io.tokenswap.Token;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The store of one process: a map of tokens, and for each key in use a queue of those who wait for their turn. */
final class LegacyInMemoryTokenStore implements LegacyTokenStore {

    private final Map<String, Token> tokens = new ConcurrentHashMap<>();

    /** A key is present while somebody has the turn; only touched inside {@code compute}, which makes each step atomic. */
    private final Map<String, Queue<Turn>> waiting = new ConcurrentHashMap<>();

    @Override
    public Mono<Token> load(String key) {
        return Mono.fromSupplier(() -> tokens.get(key));
    }

    @Override
    public Mono<Boolean> save(String key, @Nullable Token consumed, Token next) {
        return Mono.fromSupplier(() -> {
            Token kept = tokens.compute(key, (k, stored) -> replaces(stored, consumed) ? next : stored);
            return next.equals(kept);
        });
    }

    private static boolean replaces(@Nullable Token stored, @Nullable Token consumed) {
        return consumed == null || (stored != null && Objects.equals(stored.refreshToken(), consumed.refreshToken()));
    }

    @Override
    public Mono<Void> clear(String key) {
        return Mono.fromRunnable(() -> tokens.remove(key));
    }

    @Override
    public Mono<Boolean> clear(String key, Token dead) {
        return Mono.fromSupplier(() -> {
            Token stored = tokens.get(key);
            return stored != null && replaces(stored, dead) && tokens.remove(key, stored);
        });
    }

    @Override
    public <T> Mono<T> exclusive(String key, Mono<T> section) {
        return Mono.defer(() -> {
            Turn turn = enter(key);
            return turn.begin.asMono().then(section).doFinally(signal -> leave(key, turn));
        });
    }

    private Turn enter(String key) {
        Turn turn = new Turn();
        waiting.compute(key, (k, queue) -> {
            if (queue == null) {
                turn.begin();
                return new ArrayDeque<>(1);
            }
            queue.add(turn);
            return queue;
        });
        return turn;
    }

    /** Passes the turn on; in a loop, so that a long queue of sections that end at once takes no deep stack. */
    private void leave(String key, Turn turn) {
        if (turn.isOver()) {
            Turn next;
            do {
                next = next(key);
            } while (next != null && next.begin());
        }
    }

    private @Nullable Turn next(String key) {
        Turn[] next = new Turn[1];
        waiting.computeIfPresent(key, (k, queue) -> {
            next[0] = queue.poll();
            return next[0] == null ? null : queue;
        });
        return next[0];
    }

    /** Over when it has been begun and its section has ended or was cancelled: that may happen while it is being begun. */
    private static final class Turn {

        private final Sinks.Empty<Void> begin = Sinks.empty();
        private final AtomicBoolean half = new AtomicBoolean();

        /** Runs the section; true if it is over already. */
        boolean begin() {
            begin.tryEmitEmpty();
            return isOver();
        }

        /** True for the second who asks: the one who begins it and the one who ends it ask once each. */
        boolean isOver() {
            return half.getAndSet(true);
        }
    }
}
