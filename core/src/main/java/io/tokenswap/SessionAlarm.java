package io.tokenswap;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * Wakes a session that has been left in one state until the time for it has come.
 *
 * <p>It sleeps in slices and looks at the wall clock after each, because timers stand still while a computer sleeps, and a clock
 * may be set. It fires when the clock says so, and also when it has slept for as long as it meant to at first: a clock that was
 * set back does not postpone it.
 */
final class SessionAlarm {

    private static final long SLICE = 30_000;

    private final SessionState state;
    private final SessionSettings settings;
    private final Consumer<SessionState> wake;
    private final Runnable rejected;
    private volatile boolean cancelled;

    /** The slice being slept; when it ends at once this may name it for a moment longer, and then the flag stops the next. */
    private volatile @Nullable Disposable slice;

    /** Only touched by one slice after another. */
    private long remaining;

    /**
     * Sets an alarm.
     *
     * @param state the state to leave at its {@code wakeAt}
     * @param wake called with that state, once
     * @param rejected called if the scheduler is shut down later
     * @throws java.util.concurrent.RejectedExecutionException if the scheduler has been shut down
     */
    SessionAlarm(SessionState state, SessionSettings settings, Consumer<SessionState> wake, Runnable rejected) {
        this.state = state;
        this.settings = settings;
        this.wake = wake;
        this.rejected = rejected;
        this.remaining = Math.max(0, state.wakeAt() - settings.now());
        sleep(remaining);
    }

    private void sleep(long wait) {
        long length = Math.min(wait, SLICE);
        slice = settings.scheduler().schedule(() -> look(length), length, TimeUnit.MILLISECONDS);
    }

    private void look(long slept) {
        if (cancelled) {
            return;
        }
        remaining -= slept;
        long wait = Math.min(remaining, state.wakeAt() - settings.now());
        if (wait <= 0) {
            wake.accept(state);
        } else {
            try {
                sleep(wait);
            } catch (RejectedExecutionException shutDown) {
                rejected.run();
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // an equal state that was entered anew has another time to leave
    boolean isFor(@Nullable SessionState other) {
        return state == other;
    }

    void cancel() {
        cancelled = true;
        Disposable pending = slice;
        if (pending != null) {
            pending.dispose();
        }
    }
}
