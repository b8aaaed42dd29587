package io.tokenswap.session;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;

/**
 * Subscriber of something that a session shows: its tokens or its states. Nothing is queued. The session reports that something
 * has changed, and the observer reads the session. A slow subscriber therefore gets the latest value only.
 *
 * @param <T> the type of the values
 */
abstract class SessionObserver<T> implements Subscription {

    @SuppressWarnings("rawtypes")
    private static final AtomicLongFieldUpdater<SessionObserver> REQUESTED =
            AtomicLongFieldUpdater.newUpdater(SessionObserver.class, "requested");

    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<SessionObserver> LOOKS =
            AtomicIntegerFieldUpdater.newUpdater(SessionObserver.class, "looks");

    final SessionEngine session;
    final CoreSubscriber<? super T> actual;
    private volatile long requested;
    private volatile boolean terminated;

    /**
     * Number of changes since the looking thread began: one thread looks for all. It starts at 1, as if a thread were looking,
     * so that nothing is emitted before {@link #begin}.
     */
    private volatile int looks = 1;

    SessionObserver(SessionEngine session, CoreSubscriber<? super T> actual) {
        this.session = session;
        this.actual = actual;
    }

    /** Returns true if this observer needs the token to be refreshed ahead of expiry. */
    abstract boolean needsTokens();

    /** Looks at the session and emits what there is to emit. Runs on one thread at a time. */
    abstract void emit();

    final boolean isRequested() {
        return requested != 0;
    }

    final boolean isTerminated() {
        return terminated;
    }

    final void next(T value) {
        Operators.produced(REQUESTED, this, 1);
        actual.onNext(value);
    }

    @Override
    public final void request(long n) {
        if (Operators.validate(n)) {
            Operators.addCap(REQUESTED, this, n);
            look();
        }
    }

    @Override
    public final void cancel() {
        if (!terminated) {
            terminated = true;
            session.remove(this);
        }
    }

    final void begin() {
        if (!SafeCall.run(() -> actual.onSubscribe(this), actual.currentContext())) {
            cancel();
        }
        lookForAll();
    }

    /** Something has changed. */
    final void look() {
        if (LOOKS.getAndIncrement(this) == 0) {
            lookForAll();
        }
    }

    private void lookForAll() {
        int seen = 1;
        do {
            // A subscriber that throws has broken the contract and gets nothing more.
            if (!terminated && !SafeCall.run(this::emit, actual.currentContext())) {
                cancel();
            }
            seen = LOOKS.addAndGet(this, -seen);
        } while (seen != 0);
    }
}
