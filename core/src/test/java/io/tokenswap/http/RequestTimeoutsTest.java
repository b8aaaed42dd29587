package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RequestTimeoutsTest {

    private final ManualTimers timers = new ManualTimers();
    private final RequestTimeouts timeouts = new RequestTimeouts(Duration.ofSeconds(15), timers);
    private final AtomicInteger expired = new AtomicInteger();

    private RequestTimeouts.Timeout started() {
        return timeouts.start(expired::incrementAndGet);
    }

    @Test
    void aTimeoutRunsItsTaskWhenTheLimitHasPassed() {
        started();

        assertThat(timers.delays()).containsExactly(Duration.ofSeconds(15));
        timers.run(0);
        assertThat(expired).hasValue(1);
    }

    @Test
    void eachTimeoutCountsFromItsOwnStart() {
        started();
        started();

        timers.run(0);
        assertThat(expired).hasValue(1);
        timers.run(1);
        assertThat(expired).hasValue(2);
    }

    /** Because it keeps the thread of the timers from being woken for the next one. */
    @Test
    void theTimerOfTheLastRequestIsLeftAndNoOther() {
        started().cancel();
        assertThat(timers.disposed()).containsExactly(false);
        started().cancel();
        assertThat(timers.disposed()).containsExactly(true, false);
        started().cancel();
        assertThat(timers.disposed()).containsExactly(true, true, false);
    }

    @Test
    void aTimerThatWasLeftDoesNothing() {
        started().cancel();
        timers.run(0);

        assertThat(expired).hasValue(0);
    }

    @Test
    void theLimitHasPassedThoughTheTimerIsLate() {
        RequestTimeouts.Timeout timeout = started();

        timers.advance(Duration.ofSeconds(15).minusNanos(1));
        assertThat(timeout.hasExpired()).isFalse();
        timers.advance(Duration.ofNanos(1));
        assertThat(timeout.hasExpired()).isTrue();
        assertThat(expired).hasValue(0);
    }
}
