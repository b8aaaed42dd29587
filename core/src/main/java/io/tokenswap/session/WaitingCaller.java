package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.internal.ReadySubscription;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;

/**
 * Caller for whom no token is ready. It waits for an attempt to end and then reads the phase, in a loop: other callers may
 * have made the next token useless before this one was served.
 */
final class WaitingCaller implements Subscription, Scannable, Runnable {

    private static final AtomicIntegerFieldUpdater<WaitingCaller> STATE =
            AtomicIntegerFieldUpdater.newUpdater(WaitingCaller.class, "state");

    /** Nothing has been requested yet. */
    private static final int IDLE = 0;

    private static final int WAITING = 1;
    private static final int SERVED = 2;
    private static final int CANCELLED = 3;

    private final SessionEngine session;
    private final CoreSubscriber<? super Token> actual;

    /** True if the current token will do, false if only a new one will. */
    private final boolean any;

    private volatile int state;

    /** The attempt that this caller waits for, and the neighbours in its list; changed under the lock of that attempt. */
    volatile @Nullable RefreshAttempt attempt;

    @Nullable WaitingCaller previous;

    @Nullable WaitingCaller next;

    WaitingCaller(SessionEngine session, CoreSubscriber<? super Token> actual, boolean any) {
        this.session = session;
        this.actual = actual;
        this.any = any;
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            if (end(SERVED)) {
                actual.onError(ReadySubscription.invalidRequest(n));
            }
        } else if (STATE.compareAndSet(this, IDLE, WAITING)) {
            serve(false);
        }
    }

    @Override
    public void cancel() {
        end(CANCELLED);
    }

    /** Ends the waiting from outside. Returns false if it had ended. */
    private boolean end(int end) {
        int before = STATE.getAndUpdate(this, found -> found == CANCELLED ? CANCELLED : end);
        RefreshAttempt waitsFor = attempt;
        if (waitsFor != null) {
            waitsFor.remove(this);
        }
        return before < SERVED;
    }

    /** Reads the phase after the end of the attempt. */
    @Override
    public void run() {
        SafeCall.run(() -> serve(true), actual.currentContext());
    }

    /**
     * Serves the caller, or lets it wait.
     *
     * @param dispatched false within the request, where a caller that wants a new token is not served even if a refresh has ended
     *     since it subscribed: callers that ask once more when they are served would need a deep stack
     */
    private void serve(boolean dispatched) {
        while (state == WAITING) {
            Phase phase = session.current();
            if (phase.isUsable(session.moment()) && (any || phase instanceof IdlePhase)) {
                if (any || dispatched) {
                    succeed(phase.token());
                } else {
                    session.settings().calls().execute(this);
                }
                return;
            }
            Throwable failure = SessionCallers.failure(phase, any);
            if (failure != null) {
                if (STATE.compareAndSet(this, WAITING, SERVED)) {
                    actual.onError(failure);
                }
                return;
            }
            RefreshAttempt inFlight = phase.attempt();
            if (inFlight == null) { // the token went stale while other callers were served, or is not saved yet
                session.change((found, moment) -> found.asked(moment, session.settings()));
            } else if (inFlight.add(this)) {
                if (state != WAITING) { // cancelled meanwhile
                    inFlight.remove(this);
                }
                return;
            }
        }
    }

    private void succeed(Token token) {
        if (STATE.compareAndSet(this, WAITING, SERVED)) {
            actual.onNext(token);
            if (state != CANCELLED) {
                actual.onComplete();
            }
        }
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        if (Attr.ACTUAL.equals(key)) {
            return actual;
        }
        if (Attr.TERMINATED.equals(key)) {
            return state == SERVED;
        }
        if (Attr.CANCELLED.equals(key)) {
            return state == CANCELLED;
        }
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }
}
