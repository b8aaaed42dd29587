package io.tokenswap.session;

import io.tokenswap.internal.ReadySubscription;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * Subscriber of something that a session shows: its tokens or its states. Nothing is queued. The session reports that something
 * has changed, and the observer reads the session. A slow subscriber therefore gets the latest value only.
 *
 * @param <T> the type of the values
 */
abstract class SessionObserver<T> implements Subscription, Scannable, Runnable {

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
    private volatile boolean requestedWrongly;

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

    /** Returns true if a change may bring something to emit. */
    abstract boolean isConcerned(Phase before, Phase after);

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
        if (n > 0) {
            Operators.addCap(REQUESTED, this, n);
        } else {
            requestedWrongly = true;
        }
        look();
    }

    @Override
    public void cancel() {
        if (!terminated) {
            terminate();
            session.remove(this);
        }
    }

    final void terminate() {
        terminated = true;
    }

    final void begin() {
        if (!SafeCall.run(() -> actual.onSubscribe(this), actual.currentContext())) {
            cancel();
        }
        run();
    }

    /** Something has changed: looks at once. */
    final void look() {
        if (beginsLook()) {
            run();
        }
    }

    /** Something has changed. Returns true if {@link #run} must follow, false if the thread that looks will notice. */
    final boolean beginsLook() {
        return LOOKS.getAndIncrement(this) == 0;
    }

    @Override
    public final void run() {
        int seen = 1;
        do {
            // A subscriber that throws has broken the contract and gets nothing more.
            if (!terminated && !SafeCall.run(this::emitUnlessRequestedWrongly, actual.currentContext())) {
                cancel();
            }
            seen = LOOKS.addAndGet(this, -seen);
        } while (seen != 0);
    }

    private void emitUnlessRequestedWrongly() {
        if (requestedWrongly) {
            cancel();
            actual.onError(ReadySubscription.invalidRequest(0));
        } else {
            emit();
        }
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        if (Attr.ACTUAL.equals(key)) {
            return actual;
        }
        if (Attr.REQUESTED_FROM_DOWNSTREAM.equals(key)) {
            return requested;
        }
        if (Attr.CANCELLED.equals(key)) {
            return terminated;
        }
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }
}
