package io.tokenswap.session;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** Stream of a session's states: the current state first, then each later one. A slow subscriber gets the latest only. */
final class StateStream extends Flux<SessionState> implements Scannable {

    private final SessionEngine session;

    static Flux<SessionState> of(SessionEngine session) {
        return onAssembly(new StateStream(session));
    }

    private StateStream(SessionEngine session) {
        this.session = session;
    }

    @Override
    public void subscribe(CoreSubscriber<? super SessionState> actual) {
        Observer observer = new Observer(session, actual);
        session.add(observer);
        observer.begin();
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }

    private static final class Observer extends SessionObserver<SessionState> {

        private @Nullable SessionState last;

        Observer(SessionEngine session, CoreSubscriber<? super SessionState> actual) {
            super(session, actual);
        }

        @Override
        boolean needsTokens() {
            return false;
        }

        @Override
        boolean isConcerned(Phase before, Phase after) {
            return true;
        }

        @Override
        void emit() {
            SessionState state = session.state();
            if (isRequested() && !state.equals(last)) {
                last = state;
                next(state);
            }
            boolean closed = state.status() == SessionState.Status.CLOSED;
            if (closed && state.equals(last) && !isTerminated()) {
                cancel();
                actual.onComplete();
            }
        }
    }
}
