package io.tokenswap.session;

import io.tokenswap.internal.Timers;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * Time of a session. All times of a session come from here: the wall clock is that of the application, by default the
 * system's, and the monotonic clock is that of the library's timers, or of a scheduler in virtual time.
 *
 * @param wall the wall clock
 * @param virtual the scheduler whose time is virtual, or null
 */
record SessionClock(InstantSource wall, @Nullable Scheduler virtual) {

    private static final InstantSource SYSTEM = InstantSource.system();

    /** Greatest difference between the time of a scheduler and the system's. A greater one means virtual time. */
    private static final long SAME_TIME = 60_000;

    static SessionClock of(InstantSource wall, Scheduler scheduler) {
        boolean virtual = Math.abs(scheduler.now(TimeUnit.MILLISECONDS) - SYSTEM.millis()) > SAME_TIME;
        return new SessionClock(wall, virtual ? scheduler : null);
    }

    boolean isVirtual() {
        return virtual != null;
    }

    Moment moment() {
        return new Moment(millis(), elapsed());
    }

    /** Returns the time of the wall clock. If that fails, the system's counts: without a time, a session stops for ever. */
    private long millis() {
        try {
            return wall.millis();
        } catch (RuntimeException broken) {
            SafeCall.drop(broken, Context.empty());
            return SYSTEM.millis();
        }
    }

    /** Returns the milliseconds of the monotonic clock. Reactor's real schedulers cannot tell them: theirs is the wall clock. */
    long elapsed() {
        return (virtual == null ? Timers.scheduler() : virtual).now(TimeUnit.MILLISECONDS);
    }
}
