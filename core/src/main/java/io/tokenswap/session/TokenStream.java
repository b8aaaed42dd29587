package io.tokenswap.session;

import io.tokenswap.Token;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** The stream of a session's tokens. */
final class TokenStream extends Flux<Token> implements Scannable {

    private final SessionEngine session;
    private final boolean untilClosed;

    /**
     * Creates a stream.
     *
     * @param untilClosed true for a stream that waits for a login where the other one fails
     */
    static Flux<Token> of(SessionEngine session, boolean untilClosed) {
        return onAssembly(new TokenStream(session, untilClosed));
    }

    private TokenStream(SessionEngine session, boolean untilClosed) {
        this.session = session;
        this.untilClosed = untilClosed;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Token> actual) {
        Observer observer = new Observer(session, actual, untilClosed);
        session.add(observer);
        observer.begin();
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }

    private static final class Observer extends SessionObserver<Token> {

        private final boolean untilClosed;

        /** The access token that was emitted last; only touched by the thread that looks. */
        private @Nullable String last;

        Observer(SessionEngine session, CoreSubscriber<? super Token> actual, boolean untilClosed) {
            super(session, actual);
            this.untilClosed = untilClosed;
        }

        @Override
        boolean needsTokens() {
            return true;
        }

        @Override
        @SuppressWarnings("ReferenceEquality") // an unchanged part is the same object
        boolean isConcerned(Phase before, Phase after) {
            return before.served() != after.served()
                    || after instanceof LoginRequiredPhase
                    || after instanceof ClosedPhase;
        }

        @Override
        void emit() {
            Phase phase = session.current();
            if (phase instanceof ClosedPhase) {
                cancel();
                actual.onComplete();
                return;
            }
            if (phase instanceof LoginRequiredPhase ended && !untilClosed) {
                if (ended.look() == null && !session.looksAgain(ended)) {
                    cancel();
                    actual.onError(SessionCallers.copy(ended.error()));
                }
                return;
            }
            String token = phase.token().accessToken().secret();
            if (isRequested() && !token.equals(last) && phase.isUsable(session.moment())) {
                last = token;
                next(phase.token());
            }
            RuntimeException refusal = session.schedulingRefusal();
            if (refusal != null && !isTerminated()) { // the subscriber may have cancelled with that token
                cancel();
                actual.onError(SessionCallers.unschedulable(refusal));
            }
        }
    }
}
