package io.tokenswap.testing;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import reactor.core.scheduler.Scheduler;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * A wall clock and a scheduler under the control of a test. {@link #advance} lets time pass for both; {@link #jump} moves the wall
 * clock alone, as setting it does, and as a computer does that was asleep: its timers stood still meanwhile. It begins at the start
 * of 2030. Read it from any thread; move it from one.
 */
public final class VirtualClock implements InstantSource {

    private static final Instant START = Instant.parse("2030-01-01T00:00:00Z");

    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final CountingScheduler scheduler = new CountingScheduler(time);
    private volatile Duration shift = Duration.ZERO;

    /** A clock at the start of 2030. */
    public VirtualClock() {}

    /**
     * The scheduler whose timers {@link #advance} lets fire.
     *
     * @return the scheduler
     */
    public Scheduler scheduler() {
        return scheduler;
    }

    /**
     * How many timers wait for their time.
     *
     * @return the number of tasks that were scheduled and have neither begun nor been cancelled
     */
    public int timers() {
        return scheduler.pending();
    }

    @Override
    public Instant instant() {
        return START.plusMillis(time.now(TimeUnit.MILLISECONDS)).plus(shift);
    }

    /**
     * Lets time pass; whatever is due meanwhile runs on the calling thread.
     *
     * @param duration how much
     */
    public void advance(Duration duration) {
        time.advanceTimeBy(duration);
    }

    /**
     * Moves the wall clock while no timer moves.
     *
     * @param distance how far: forward, or backward if negative
     */
    public void jump(Duration distance) {
        shift = shift.plus(distance);
    }
}
