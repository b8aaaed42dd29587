package io.tokenswap.testing;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import reactor.core.scheduler.Scheduler;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * A wall clock and a scheduler under the control of a test. {@link #advance} lets time pass for both; {@link #jump} moves the wall
 * clock alone, as setting it does, and as a computer does that was asleep: its timers stood still meanwhile.
 */
public final class VirtualClock implements InstantSource {

    private static final Instant START = Instant.parse("2030-01-01T00:00:00Z");

    private final VirtualTimeScheduler scheduler = VirtualTimeScheduler.create();
    private volatile Duration shift = Duration.ZERO;

    /** The scheduler whose timers {@link #advance} lets fire. */
    public Scheduler scheduler() {
        return scheduler;
    }

    @Override
    public Instant instant() {
        return START.plusMillis(scheduler.now(TimeUnit.MILLISECONDS)).plus(shift);
    }

    /** Lets time pass; whatever is due meanwhile runs on the calling thread. */
    public void advance(Duration time) {
        scheduler.advanceTimeBy(time);
    }

    /** Moves the wall clock, forward or backward, while no timer moves. */
    public void jump(Duration distance) {
        shift = shift.plus(distance);
    }
}
