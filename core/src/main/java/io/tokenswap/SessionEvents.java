package io.tokenswap;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/** The events of one session, for those who listen: hot, without replay, the oldest dropped for a slow subscriber. */
final class SessionEvents {

    private static final int KEPT_FOR_A_SLOW_SUBSCRIBER = 256;

    private final List<FluxSink<SessionEvent>> listeners = new CopyOnWriteArrayList<>();
    private volatile boolean complete;

    Flux<SessionEvent> flux() {
        return Flux.<SessionEvent>create(this::add, FluxSink.OverflowStrategy.IGNORE)
                .onBackpressureBuffer(KEPT_FOR_A_SLOW_SUBSCRIBER, dropped -> {}, BufferOverflowStrategy.DROP_OLDEST);
    }

    private void add(FluxSink<SessionEvent> listener) {
        listeners.add(listener);
        listener.onDispose(() -> listeners.remove(listener));
        if (complete) { // perhaps since before it was added
            listener.complete();
        }
    }

    boolean isHeard() {
        return !listeners.isEmpty();
    }

    void publish(SessionEvent event) {
        for (FluxSink<SessionEvent> listener : listeners) {
            Guarded.run(() -> listener.next(event), listener.contextView());
        }
    }

    void complete() {
        complete = true;
        for (FluxSink<SessionEvent> listener : listeners) {
            Guarded.run(listener::complete, listener.contextView());
        }
    }
}
