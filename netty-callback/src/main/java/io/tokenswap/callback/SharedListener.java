package io.tokenswap.callback;

import io.tokenswap.callback.Listener.Limits;
import io.tokenswap.callback.Listener.Place;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
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
    private record State(@Nullable Binding binding, int holders, Mono<Void> before) {}

    private final Place place;
    private final Limits limits;
    private final AtomicReference<State> state = new AtomicReference<>(new State(null, 0, Mono.empty()));

    private SharedListener(Place place, Limits limits) {
        this.place = place;
        this.limits = limits;
    }

    /**
     * Uses the listener at a place. The listener is given back before the end is passed on, so that nothing the
     * subscriber does then can keep the port.
     *
     * @param scheduler runs the timer that frees the port
     * @return the result of the use, or the error that kept the listener from being bound
     */
    static <T> Flux<T> use(
            Place place, Limits limits, Scheduler scheduler, Function<? super Listener, ? extends Publisher<T>> use) {
        SharedListener shared = place.port() == 0
                ? new SharedListener(place, limits)
                : PLACES.computeIfAbsent(place, p -> new SharedListener(p, limits));
        return Flux.using(
                shared::take,
                binding -> binding.listener.flatMapMany(use),
                binding -> shared.giveBack(binding, scheduler));
    }

    private Binding take() {
        State taken = state.updateAndGet(now -> now.binding == null
                ? new State(new Binding(now.before), 1, now.before)
                : new State(now.binding, now.holders + 1, now.before));
        return Objects.requireNonNull(taken.binding);
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
    private final class Binding {

        /** Cached: every subscriber gets the same listener, and cancelling affects no other subscriber. */
        private final Mono<Listener> listener;

        private volatile @Nullable Listener bound;

        Binding(Mono<Void> before) {
            listener = before.then(Listener.bind(place, limits))
                    .doOnNext(ready -> bound = ready)
                    .doOnError(error -> forget())
                    .cache();
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
        private void forget() {
            state.updateAndGet(now -> equals(now.binding) ? new State(null, 0, now.before) : now);
        }
    }
}
