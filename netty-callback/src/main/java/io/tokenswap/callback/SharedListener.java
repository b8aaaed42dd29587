package io.tokenswap.callback;

import io.tokenswap.callback.Listener.Limits;
import io.tokenswap.callback.Listener.Place;
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
 * The listener on a port, as the logins of this JVM share it. The first one binds the port, and it is freed when the last one
 * has been gone for a moment, so that a reload of the page still finds somebody.
 *
 * <pre>
 *  login 1   |--------------x
 *  login 2        |------------------x
 *  port      bound                    . linger . free
 * </pre>
 */
final class SharedListener {

    /** A port belongs to the whole process, and so must the knowledge of who uses it. At most one small entry for each port. */
    private static final ConcurrentMap<Place, SharedListener> PLACES = new ConcurrentHashMap<>();

    /** The listener if there is one, how many hold it, and what must have ended before another can be bound. */
    private record State(@Nullable Binding binding, int holders, Mono<Void> before) {}

    private final Place place;
    private final Limits limits;
    private final AtomicReference<State> state = new AtomicReference<>(new State(null, 0, Mono.empty()));

    private SharedListener(Place place, Limits limits) {
        this.place = place;
        this.limits = limits;
    }

    /**
     * Uses the listener at a place. Holds it as long as that lasts, and no longer: it is given back before the end is passed on,
     * so that nothing which the subscriber does then can keep the port.
     *
     * @param scheduler of the time for which the port outlives its last login
     * @return what came of the use, or the error that kept the listener from being bound
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
            Mono.delay(limits.linger(), scheduler).subscribe(late -> close(binding, left));
        }
    }

    private void close(Binding binding, State unused) {
        // Knows nothing of the listener, whose logins would otherwise be kept for as long as the port is remembered.
        Sinks.Empty<Void> closed = Sinks.empty();
        // Fails if anybody took the listener meanwhile, even one who has given it back: that one waits for himself.
        if (state.compareAndSet(unused, new State(null, 0, closed.asMono()))) {
            binding.listener
                    .flatMap(Listener::close)
                    // One that could not be bound has nothing to close, and those who wanted it know.
                    .onErrorComplete()
                    .doFinally(signal -> closed.tryEmitEmpty())
                    .subscribe();
        }
    }

    /** One listener, being bound or bound. */
    private final class Binding {

        /** Cached: who comes second gets the same one, and who cancels meanwhile does not cancel it for the others. */
        private final Mono<Listener> listener;

        Binding(Mono<Void> before) {
            listener = before.then(Listener.bind(place, limits))
                    .doOnError(error -> forget())
                    .cache();
        }

        /** Before anyone learns of the failure, so that who asks because of it tries anew. */
        private void forget() {
            state.updateAndGet(now -> equals(now.binding) ? new State(null, 0, now.before) : now);
        }
    }
}
