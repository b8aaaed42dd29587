package io.tokenswap.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.scheduler.Scheduler;

/**
 * Hints of one store for all sessions of this process. There is one subscription to {@link TokenStore#changes()} while at
 * least one session listens. A hint for a key reaches the sessions of that key, so that its cost does not depend on the
 * number of sessions.
 *
 * <p>A hint for all keys follows a reconnect. The first sessions get it at once, the others at a limited rate: if all of
 * them looked at the same moment, their looks would fail at their time limit in an engine that has just come back.
 */
final class ChangeHints {

    /** Sessions that get a hint for all keys at once. */
    static final int AT_ONCE = 100;

    /** Sessions that get a hint for all keys in a second after that. */
    static final int A_SECOND = 10_000;

    private static final long NANOS_EACH = Duration.ofSeconds(1).toNanos() / A_SECOND;

    /** Guarded by itself. Stores are told apart by identity: each has its own connection. */
    private static final IdentityHashMap<TokenStore, ChangeHints> IN_USE = new IdentityHashMap<>();

    private final TokenStore store;
    private final Map<String, List<Listener>> listeners = new ConcurrentHashMap<>();
    private final Disposable.Swap subscription = Disposables.swap();
    private final AtomicBoolean subscribed = new AtomicBoolean();

    /** Guarded by {@link #IN_USE}. */
    private int users;

    private ChangeHints(TokenStore store) {
        this.store = store;
    }

    private record Listener(String key, FluxSink<String> sink, Scheduler scheduler) {}

    /**
     * Returns the hints for one key.
     *
     * @param store the store
     * @param key the key
     * @param scheduler runs the delay of a hint for all keys
     * @return the key, or {@link TokenStore#ANY_KEY}, whenever the record may have changed. Never ends. A subscriber keeps the
     *     latest hint that it has not requested
     */
    static Flux<String> of(TokenStore store, String key, Scheduler scheduler) {
        return Flux.create(
                sink -> {
                    ChangeHints hints = enter(store);
                    Listener listener = new Listener(key, sink, scheduler);
                    hints.add(listener);
                    sink.onDispose(() -> {
                        hints.remove(listener);
                        hints.leave();
                    });
                    hints.subscribe();
                },
                FluxSink.OverflowStrategy.LATEST);
    }

    private static ChangeHints enter(TokenStore store) {
        synchronized (IN_USE) {
            ChangeHints hints = IN_USE.computeIfAbsent(store, ChangeHints::new);
            hints.users++;
            return hints;
        }
    }

    private void leave() {
        synchronized (IN_USE) {
            if (--users > 0) {
                return;
            }
            IN_USE.remove(store);
        }
        subscription.dispose();
    }

    private void add(Listener listener) {
        listeners.merge(listener.key, List.of(listener), (before, one) -> {
            List<Listener> all = new ArrayList<>(before);
            all.addAll(one);
            return all;
        });
    }

    private void remove(Listener listener) {
        listeners.computeIfPresent(listener.key, (key, before) -> {
            List<Listener> left = new ArrayList<>(before);
            left.remove(listener);
            return left.isEmpty() ? null : left;
        });
    }

    /** Subscribes to the store unless that is done. A store whose hints ended or failed is asked again by the next session. */
    private void subscribe() {
        if (subscribed.compareAndSet(false, true)) {
            subscription.update(Flux.defer(store::changes)
                    .subscribe(this::emit, error -> subscribed.set(false), () -> subscribed.set(false)));
        }
    }

    private void emit(String changed) {
        if (changed.equals(TokenStore.ANY_KEY)) {
            emitToAll();
        } else {
            listeners.getOrDefault(changed, List.of()).forEach(listener -> listener.sink.next(changed));
        }
    }

    private void emitToAll() {
        int position = 0;
        for (List<Listener> ofOneKey : listeners.values()) {
            for (Listener listener : ofOneKey) {
                emitLater(listener, NANOS_EACH * Math.max(position - AT_ONCE, 0));
                position++;
            }
        }
    }

    private static void emitLater(Listener listener, long nanos) {
        FluxSink<String> sink = listener.sink;
        if (nanos == 0) {
            sink.next(TokenStore.ANY_KEY);
            return;
        }
        try {
            listener.scheduler.schedule(() -> sink.next(TokenStore.ANY_KEY), nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException shutDown) {
            sink.next(TokenStore.ANY_KEY);
        }
    }
}
