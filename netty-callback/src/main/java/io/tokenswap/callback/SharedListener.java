package io.tokenswap.callback;

import io.tokenswap.callback.Listener.Limits;
import io.tokenswap.callback.Listener.Place;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * Listener on a port, shared by the logins of this JVM. The first login binds the port. The port is free again a moment
 * after the last login: half a second, or two seconds after a login that got its response, so that its page can be
 * reloaded.
 *
 * <pre>
 *  login 1   |--------------x
 *  login 2        |------------------x
 *  port      bound                    . linger . free
 * </pre>
 */
final class SharedListener {

    /** A port belongs to the whole process, and so does this map. It has one small entry for each port that was ever used. */
    private static final ConcurrentMap<Place, SharedListener> PLACES = new ConcurrentHashMap<>();

    /**
     * The listener if there is one, the number of its holders, and a signal that must complete before another can be
     * bound.
     */
    private record State(
            @Nullable Binding binding,
            int holders,
            @Nullable Mono<Void> before) {}

    private final Place place;
    private final Limits limits;
    private final AtomicReference<State> state = new AtomicReference<>(new State(null, 0, null));

    private SharedListener(Place place, Limits limits) {
        this.place = place;
        this.limits = limits;
    }

    /**
     * Takes the listener at a place, and binds it if there is none.
     *
     * @param scheduler runs the timer that frees the port
     */
    static Lease take(Place place, Limits limits, Scheduler scheduler) {
        SharedListener shared = place.port() == 0
                ? new SharedListener(place, limits)
                : PLACES.computeIfAbsent(place, p -> new SharedListener(p, limits));
        return shared.new Lease(shared.take(), scheduler);
    }

    /** A listener that is held until it is given back, which {@link #dispose()} does, once. */
    final class Lease implements Disposable {

        private final Binding binding;
        private final Scheduler scheduler;

        private Lease(Binding binding, Scheduler scheduler) {
            this.binding = binding;
            this.scheduler = scheduler;
        }

        /** Returns the listener, or the error that kept it from being bound. */
        Mono<Listener> listener() {
            return binding.listener;
        }

        @Override
        public void dispose() {
            giveBack(binding, scheduler);
        }
    }

    private Binding take() {
        while (true) {
            State now = state.get();
            Binding binding = now.binding == null ? new Binding(now.before) : now.binding;
            if (state.compareAndSet(now, new State(binding, now.holders + 1, now.before))) {
                return binding;
            }
        }
    }

    private void giveBack(Binding binding, Scheduler scheduler) {
        State left = state.updateAndGet(
                now -> binding.equals(now.binding) ? new State(binding, now.holders - 1, now.before) : now);
        if (binding.equals(left.binding) && left.holders == 0) {
            Mono.delay(binding.linger(scheduler), scheduler).subscribe(late -> close(binding, left));
        }
    }

    private void close(Binding binding, State unused) {
        // Does not refer to the listener: the map would otherwise keep its logins in memory.
        Sinks.Empty<Void> closed = Sinks.empty();
        // Fails if the listener was taken meanwhile, even if it was given back: that holder has its own timer.
        if (state.compareAndSet(unused, new State(null, 0, closed.asMono()))) {
            binding.listener
                    .flatMap(Listener::close)
                    // A listener that could not be bound has nothing to close, and its users got the error.
                    .onErrorComplete()
                    .doFinally(signal -> closed.tryEmitEmpty())
                    .subscribe();
        }
    }

    /** One listener, being bound or bound. */
    final class Binding {

        /** Cached: every subscriber gets the same listener, and cancelling affects no other subscriber. */
        private final Mono<Listener> listener;

        private volatile @Nullable Listener bound;

        private Binding(@Nullable Mono<Void> before) {
            Mono<Listener> binding = Listener.bind(place, limits, this);
            listener = (before == null ? binding : before.then(binding)).cache();
        }

        /** Called before any subscriber gets the listener. */
        void bound(Listener ready) {
            bound = ready;
        }

        private Duration linger(Scheduler scheduler) {
            Listener listening = bound;
            Duration idle = limits.idleLinger();
            if (listening == null) {
                return idle;
            }
            Duration reloads = limits.linger().minus(listening.logins().sinceLastGrant(scheduler));
            return reloads.compareTo(idle) < 0 ? idle : reloads;
        }

        /** Called before any subscriber gets the error, so that a subscriber that tries again binds anew. */
        void failed() {
            state.updateAndGet(now -> equals(now.binding) ? new State(null, 0, now.before) : now);
        }
    }
}
