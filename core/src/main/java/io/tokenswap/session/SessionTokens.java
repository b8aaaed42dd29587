package io.tokenswap.session;

import io.tokenswap.Token;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * The stream of a session's tokens.
 *
 * <p>Nothing is queued for anybody. Each subscriber is told that something has changed, and looks at the session itself: at the
 * latest token, whether it is still usable, whether it has had it, and whether it has asked for one. So a slow subscriber gets
 * the latest token only, and never one that went stale while it was busy.
 */
final class SessionTokens extends Flux<Token> {

    private final DefaultTokenSession session;

    SessionTokens(DefaultTokenSession session) {
        this.session = session;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Token> actual) {
        Inner inner = new Inner(session, actual);
        session.add(inner);
        inner.begin();
    }

    /** One subscriber. */
    static final class Inner implements Subscription {

        private static final AtomicLongFieldUpdater<Inner> REQUESTED =
                AtomicLongFieldUpdater.newUpdater(Inner.class, "requested");
        private static final AtomicIntegerFieldUpdater<Inner> LOOKS =
                AtomicIntegerFieldUpdater.newUpdater(Inner.class, "looks");

        private final DefaultTokenSession session;
        private final CoreSubscriber<? super Token> actual;
        private volatile long requested;
        private volatile boolean over;

        /**
         * How often something has changed since the thread that is looking began: one thread looks for all. It starts as if
         * one were looking, so that nothing is emitted before {@link #begin}.
         */
        private volatile int looks = 1;

        /** Only touched by the thread that is looking. */
        private @Nullable String last;

        Inner(DefaultTokenSession session, CoreSubscriber<? super Token> actual) {
            this.session = session;
            this.actual = actual;
        }

        @Override
        public void request(long n) {
            if (Operators.validate(n)) {
                Operators.addCap(REQUESTED, this, n);
                look();
            }
        }

        @Override
        public void cancel() {
            if (!over) {
                over = true;
                session.remove(this);
            }
        }

        void begin() {
            if (!Guarded.run(() -> actual.onSubscribe(this), actual.currentContext())) {
                cancel();
            }
            lookForAll();
        }

        /** Something has changed: emits what there is to emit. */
        void look() {
            if (LOOKS.getAndIncrement(this) == 0) {
                lookForAll();
            }
        }

        private void lookForAll() {
            int seen = 1;
            do {
                // A subscriber that throws is let go; it has broken the contract and gets nothing more.
                if (!over && !Guarded.run(this::emit, actual.currentContext())) {
                    cancel();
                }
                seen = LOOKS.addAndGet(this, -seen);
            } while (seen != 0);
        }

        private void emit() {
            SessionState state = session.current();
            if (state instanceof SessionState.Closed) {
                cancel();
                actual.onComplete();
            } else if (state instanceof SessionState.LoginRequired ended) {
                cancel();
                actual.onError(DefaultTokenSession.copy(ended.error()));
            } else {
                if (requested != 0
                        && !state.token().accessToken().secret().equals(last)
                        && state.isUsable(session.now())) {
                    last = state.token().accessToken().secret();
                    Operators.produced(REQUESTED, this, 1);
                    actual.onNext(state.token());
                }
                RuntimeException refusal = session.schedulingRefusal();
                if (refusal != null && !over) { // it may have had enough with that token
                    cancel();
                    actual.onError(DefaultTokenSession.unschedulable(refusal));
                }
            }
        }
    }
}
