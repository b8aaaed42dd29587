package io.tokenswap.session;

import org.jspecify.annotations.Nullable;

/**
 * Wakes a session that has stayed in one phase until something is due.
 *
 * <p>It sleeps in slices of at most 30 s and looks at the clocks after each: timers stand still while a computer
 * sleeps, and a wall clock may be set. The phase compares with both clocks, so that a clock that was set back does not
 * postpone anything.
 */
final class RefreshTimer extends SharedTimer.Task {

    private static final int SLICE = 30_000;

    private final SessionEngine session;
    private final Phase phase;
    private volatile boolean cancelled;

    /**
     * Sets a timer.
     *
     * @param session is called once, when something is due or when the scheduler rejects a later slice
     * @param phase the phase to leave
     * @throws java.util.concurrent.RejectedExecutionException if the scheduler rejects the first slice: it has been shut down
     *     or is full
     */
    RefreshTimer(SessionEngine session, Phase phase) {
        this.session = session;
        this.phase = phase;
        sleep(phase.delay(session.moment()));
    }

    private void sleep(long wait) {
        session.settings().timer().schedule(this, Math.max(0, Math.min(wait, SLICE)));
        if (cancelled) { // by another thread, while this one began the next slice
            cancelTimer();
        }
    }

    /** The end of a slice. */
    @Override
    public void run() {
        if (cancelled) {
            return;
        }
        long wait = phase.delay(session.moment());
        if (wait <= 0) {
            session.wake(phase);
        } else {
            try {
                sleep(wait);
            } catch (RuntimeException rejected) {
                cancelled = true;
                session.setTimer(); // tries once more, and fails the subscribers if it is in vain
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // an equal phase that was entered anew has another time to leave
    boolean isFor(@Nullable Phase other) {
        return phase == other && !cancelled;
    }

    void cancel() {
        cancelled = true;
        cancelTimer();
    }
}
