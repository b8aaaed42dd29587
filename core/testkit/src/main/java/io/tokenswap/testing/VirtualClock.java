package io.tokenswap.testing;

import io.tokenswap.TokenEndpoint;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import reactor.core.scheduler.Scheduler;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * Wall clock and scheduler that a test controls. {@link #advance} lets time pass for both. {@link #jump} moves the wall
 * clock alone, as if a user had set the clock, or as if the computer had been asleep with its timers.
 *
 * <p>The clock begins at the start of 2030. Any thread may read the clock; one thread may move it.
 */
public final class VirtualClock implements InstantSource {

    private static final Instant START = Instant.parse("2030-01-01T00:00:00Z");

    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final CountingScheduler scheduler = new CountingScheduler(time);
    private volatile Duration shift = Duration.ZERO;

    /** Creates a clock at the start of 2030. */
    public VirtualClock() {}

    /**
     * Returns a builder of a session that takes its time from this clock.
     *
     * @param endpoint the endpoint that refreshes the tokens, for example a {@link ScriptedEndpoint}
     * @return a new builder, whose clock and scheduler are set
     */
    public TokenSession.Builder session(TokenEndpoint endpoint) {
        return TokenSession.builder(endpoint).clock(this).scheduler(scheduler);
    }

    /**
     * Returns the scheduler whose timers {@link #advance} fires.
     *
     * @return the scheduler
     */
    public Scheduler scheduler() {
        return scheduler;
    }

    /**
     * Returns the number of timers that wait.
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
     * Lets time pass. Tasks that become due run on the calling thread.
     *
     * @param duration the time that passes
     */
    public void advance(Duration duration) {
        time.advanceTimeBy(duration);
    }

    /**
     * Moves the wall clock; no timer moves.
     *
     * @param distance the distance: forward, or backward if negative
     */
    public void jump(Duration distance) {
        shift = shift.plus(distance);
    }
}
