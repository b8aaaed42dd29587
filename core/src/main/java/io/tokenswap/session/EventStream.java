package io.tokenswap.session;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/** The stream of a session's events: hot, without replay, the oldest dropped for a slow subscriber. */
final class EventStream extends Flux<SessionEvent> implements Scannable {

    private static final int KEPT_FOR_A_SLOW_SUBSCRIBER = 256;

    private final SessionEngine session;

    static Flux<SessionEvent> of(SessionEngine session) {
        return onAssembly(new EventStream(session));
    }

    private EventStream(SessionEngine session) {
        this.session = session;
    }

    @Override
    public void subscribe(CoreSubscriber<? super SessionEvent> actual) {
        SessionEvents events = session.heard();
        Listener listener = new Listener(session, events, actual);
        events.add(listener);
        listener.begin();
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }

    /** A subscriber of the events, with those that it has not requested yet. */
    static final class Listener extends SessionObserver<SessionEvent> {

        private final SessionEvents events;

        /** Guarded by itself. */
        private final Queue<SessionEvent> waiting = new ArrayDeque<>(2);

        private volatile boolean complete;

        Listener(SessionEngine session, SessionEvents events, CoreSubscriber<? super SessionEvent> actual) {
            super(session, actual);
            this.events = events;
        }

        void add(SessionEvent event) {
            SessionEvent dropped;
            synchronized (waiting) {
                dropped = waiting.size() == KEPT_FOR_A_SLOW_SUBSCRIBER ? waiting.poll() : null;
                waiting.add(event);
            }
            if (dropped != null) {
                Operators.onDiscard(dropped, actual.currentContext());
            }
        }

        private @Nullable SessionEvent poll() {
            synchronized (waiting) {
                return waiting.poll();
            }
        }

        /** No event follows those that were added. */
        void complete() {
            complete = true;
        }

        @Override
        public void cancel() {
            if (!isTerminated()) {
                terminate();
                events.remove(this);
            }
        }

        @Override
        boolean needsTokens() {
            return false;
        }

        @Override
        boolean isConcerned(Phase before, Phase after) {
            return false; // it hears of changes by events
        }

        @Override
        void emit() {
            boolean last = complete; // read before the queue, to which nothing is added later
            while (isRequested() && !isTerminated()) {
                SessionEvent event = poll();
                if (event == null) {
                    break;
                }
                next(event);
            }
            if (last && !isTerminated() && isEmpty()) {
                cancel();
                actual.onComplete();
            }
        }

        private boolean isEmpty() {
            synchronized (waiting) {
                return waiting.isEmpty();
            }
        }
    }
}
