package io.tokenswap.session;

import org.jspecify.annotations.Nullable;

/**
 * Wakes a session that has been left in one state until the time for it has come.
 *
 * <p>It sleeps in slices and looks at the wall clock after each, because timers stand still while a computer sleeps, and a clock
 * may be set. It fires when the clock says so, and also when it has slept for as long as it meant to at first: a clock that was
 * set back does not postpone it.
 */
final class SessionAlarm implements Runnable {

    private static final int SLICE = 30_000;

    private final DefaultTokenSession session;
    private final SessionState state;
    private volatile boolean cancelled;

    /** What it waits for; when a slice ends at once this may name it for a moment longer, and then the flag stops the next. */
    private volatile SharedTimer.@Nullable Tick tick;

    /** Only touched by one slice after another. */
    private long remaining;

    private int slice;

    /**
     * Sets an alarm.
     *
     * @param session told when the time has come, once, or when the scheduler refuses a later slice
     * @param state the state to leave at its {@code wakeAt}
     * @throws java.util.concurrent.RejectedExecutionException if the scheduler refuses the first slice, being shut down or full
     */
    SessionAlarm(DefaultTokenSession session, SessionState state) {
        this.session = session;
        this.state = state;
        this.remaining = Math.max(0, state.wakeAt() - session.now());
        sleep(remaining);
    }

    private void sleep(long wait) {
        slice = (int) Math.min(wait, SLICE);
        tick = session.timer().schedule(this, slice);
    }

    /** The end of a slice. */
    @Override
    public void run() {
        if (cancelled) {
            return;
        }
        remaining -= slice;
        long wait = Math.min(remaining, state.wakeAt() - session.now());
        if (wait <= 0) {
            session.wake(state);
        } else {
            try {
                sleep(wait);
            } catch (RuntimeException refused) {
                cancelled = true;
                session.setAlarm(); // tries once more, and tells the subscribers if it is in vain
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // an equal state that was entered anew has another time to leave
    boolean isFor(@Nullable SessionState other) {
        return state == other && !cancelled;
    }

    void cancel() {
        cancelled = true;
        SharedTimer.Tick pending = tick;
        if (pending != null) {
            pending.remove(this);
        }
    }
}
