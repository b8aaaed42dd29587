package io.tokenswap.session;

import java.util.concurrent.Executor;
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

    /** The phase to leave; null once the timer is cancelled. */
    private volatile @Nullable Phase phase;

    /**
     * Sets a timer.
     *
     * @param session is called once, when something is due or when the scheduler rejects a later slice
     * @param phase the phase to leave
     * @param moment now
     * @throws java.util.concurrent.RejectedExecutionException if the scheduler rejects the first slice: it has been shut down
     *     or is full
     */
    RefreshTimer(SessionEngine session, Phase phase, Moment moment) {
        this.session = session;
        this.phase = phase;
        sleep(phase.delay(moment), moment);
    }

    private void sleep(long wait, Moment moment) {
        session.settings().refreshTimers().schedule(this, Math.max(0, Math.min(wait, SLICE)), moment.elapsed());
        if (phase == null) { // cancelled by another thread, while this one began the next slice
            cancelTimer();
        }
    }

    /** The end of a slice. */
    @Override
    public void run() {
        Phase expected = phase;
        if (expected == null) {
            return;
        }
        Moment moment = session.moment();
        long wait = expected.delay(moment);
        if (wait <= 0) {
            Later attempt = new Later();
            session.wake(expected, moment, attempt);
            attempt.run();
        } else {
            try {
                sleep(wait, moment);
            } catch (RuntimeException rejected) {
                phase = null;
                session.setTimer(moment); // tries once more, and fails the subscribers if it is in vain
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // an equal phase that was entered anew has another time to leave
    boolean isFor(@Nullable Phase other) {
        return other != null && phase == other;
    }

    void cancel() {
        phase = null;
        cancelTimer();
    }

    /**
     * Keeps an attempt until the session has carried out its effects. This thread may call foreign code, so that it need not
     * hand the attempt to another one.
     */
    private static final class Later implements Executor {

        private @Nullable Runnable attempt;

        @Override
        public void execute(Runnable begun) {
            attempt = begun;
        }

        void run() {
            if (attempt != null) {
                attempt.run();
            }
        }
    }
}
