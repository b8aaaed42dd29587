package io.tokenswap.callback;

import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

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
    private static final ConcurrentMap<Integer, SharedListener> PORTS = new ConcurrentHashMap<>();

    /** The listener if there is one, how many hold it, and what must have ended before another can be bound. */
    private record State(@Nullable Mono<Listener> listener, int holders, Mono<Void> before) {}

    private final int port;
    private final Listener.Limits limits;
    private final AtomicReference<State> state = new AtomicReference<>(new State(null, 0, Mono.empty()));

    private SharedListener(int port, Listener.Limits limits) {
        this.port = port;
        this.limits = limits;
    }

    /**
     * The listener on a port. Holds it as long as the subscription lasts.
     *
     * @return the listener and then nothing until cancelled, or the error that kept it from being bound
     */
    static Flux<Listener> on(int port, Listener.Limits limits) {
        return port == 0
                ? new SharedListener(0, limits).hold()
                : PORTS.computeIfAbsent(port, p -> new SharedListener(p, limits))
                        .hold();
    }

    private Flux<Listener> hold() {
        return Flux.defer(() -> {
            Mono<Listener> listener = take();
            return listener.concatWith(Mono.never())
                    .doOnError(error -> forget(listener))
                    .doFinally(signal -> giveBack(listener));
        });
    }

    private Mono<Listener> take() {
        State taken = state.updateAndGet(now -> now.listener == null
                ? new State(bindAfter(now.before), 1, now.before)
                : new State(now.listener, now.holders + 1, now.before));
        return Objects.requireNonNull(taken.listener);
    }

    private Mono<Listener> bindAfter(Mono<Void> before) {
        // Cached: who comes second gets the same one, and who cancels meanwhile does not cancel it for the others.
        return before.then(Listener.bind(port, limits)).cache();
    }

    private void forget(Mono<Listener> failed) {
        state.updateAndGet(now -> failed.equals(now.listener) ? new State(null, 0, now.before) : now);
    }

    private void giveBack(Mono<Listener> listener) {
        State left = state.updateAndGet(
                now -> listener.equals(now.listener) ? new State(listener, now.holders - 1, now.before) : now);
        if (listener.equals(left.listener) && left.holders == 0) {
            Mono.delay(limits.linger()).subscribe(late -> closeUnused(listener));
        }
    }

    private void closeUnused(Mono<Listener> listener) {
        // Knows nothing of the listener, whose logins would otherwise be kept for as long as the port is remembered.
        Sinks.Empty<Void> closed = Sinks.empty();
        State last = state.getAndUpdate(
                now -> listener.equals(now.listener) && now.holders == 0 ? new State(null, 0, closed.asMono()) : now);
        if (listener.equals(last.listener) && last.holders == 0) {
            listener.flatMap(Listener::close)
                    .doFinally(signal -> closed.tryEmitEmpty())
                    .subscribe();
        }
    }
}
