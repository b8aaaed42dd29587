package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class RequestTimeoutsTest {

    private static final Duration LIMIT = Duration.ofSeconds(15);

    private final ManualTimers timers = new ManualTimers();
    private final RequestTimeouts timeouts = new RequestTimeouts(LIMIT, timers);
    private final AtomicInteger expired = new AtomicInteger();

    private RequestTimeouts.Timeout started() {
        return timeouts.start(expired::incrementAndGet);
    }

    @Test
    void aTimeoutRunsItsTaskWhenTheLimitHasPassed() {
        started();

        assertThat(timers.delays()).containsExactly(LIMIT);
        timers.expire(0);
        assertThat(expired).hasValue(1);
    }

    @Test
    void eachTimeoutCountsFromItsOwnStart() {
        started();
        timers.advance(Duration.ofSeconds(6));
        started();
        assertThat(timers.delays()).containsExactly(LIMIT);

        timers.advance(Duration.ofSeconds(9));
        timers.run(0);
        assertThat(expired).hasValue(1);
        assertThat(timers.delays()).containsExactly(LIMIT, Duration.ofSeconds(6));
        timers.expire(1);
        assertThat(expired).hasValue(2);
    }

    @Test
    void timeoutsThatExpireTogetherRunIndependently() {
        List<Runnable> blocked = new ArrayList<>();
        timeouts.start(() -> blocked.add(() -> {}));
        started();
        started();

        timers.expire(0);
        assertThat(blocked).hasSize(1);
        assertThat(expired).hasValue(0);
        timers.run(1);
        timers.run(2);
        assertThat(expired).hasValue(2);
    }

    /** A timer for each request would wake the thread of the timers, and fill its queue. */
    @Test
    void oneTimerServesAllRequests() {
        for (int request = 0; request < 1_000; request++) {
            started().cancel();
            timers.advance(Duration.ofMillis(10));
        }
        RequestTimeouts.Timeout inFlight = started();
        assertThat(timers.delays()).containsExactly(LIMIT);

        timers.advance(Duration.ofSeconds(5));
        timers.run(0);
        assertThat(timers.delays()).containsExactly(LIMIT, Duration.ofSeconds(10));
        inFlight.cancel();
        timers.expire(1);

        assertThat(timers.delays()).hasSize(2);
        assertThat(expired).hasValue(0);
        started();
        timers.expire(2);
        assertThat(expired).hasValue(1);
    }

    @Test
    void aTimeoutThatStartsWhileTheTimerEndsIsNotForgotten() {
        timeouts.start(this::started);
        timers.expire(0);

        assertThat(timers.delays()).containsExactly(LIMIT, LIMIT);
        timers.expire(1);
        assertThat(expired).hasValue(1);
    }

    @Test
    void aTimeoutThatStartsBehindTheLastLookOfTheTimerIsNotForgotten() {
        AtomicReference<Runnable> atTheEnd = new AtomicReference<>(() -> {});
        RequestTimeouts watched = new RequestTimeouts(LIMIT, timers, new WatchedQueue<>(atTheEnd));
        watched.start(expired::incrementAndGet);
        // The timer still counts as armed, so that the new timeout arms none.
        atTheEnd.set(() -> watched.start(expired::incrementAndGet));
        timers.expire(0);

        assertThat(timers.delays()).containsExactly(LIMIT, LIMIT);
        timers.expire(1);
        assertThat(expired).hasValue(2);
    }

    /** Queue that runs a task once, when an iteration has seen its last element. */
    private static final class WatchedQueue<T> extends ConcurrentLinkedQueue<T> {

        private static final long serialVersionUID = 1L;

        private final transient AtomicReference<Runnable> atTheEnd;

        WatchedQueue(AtomicReference<Runnable> atTheEnd) {
            this.atTheEnd = atTheEnd;
        }

        @Override
        public Iterator<T> iterator() {
            Iterator<T> elements = super.iterator();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    if (elements.hasNext()) {
                        return true;
                    }
                    atTheEnd.getAndSet(() -> {}).run();
                    return false;
                }

                @Override
                public T next() {
                    return elements.next();
                }
            };
        }
    }

    @Test
    void nothingOfAnEndedRequestIsKept() {
        RequestTimeouts.Timeout first = started();
        RequestTimeouts.Timeout second = started();
        second.cancel();
        assertThat(timeouts.remembered()).isEqualTo(2);
        first.cancel();
        assertThat(timeouts.remembered()).isZero();
    }

    @Test
    void manyThreadsLoseNoTimeout() throws InterruptedException {
        List<RequestTimeouts.Timeout> left = new CopyOnWriteArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(new Thread(() -> {
                for (int request = 0; request < 2_000; request++) {
                    RequestTimeouts.Timeout timeout = started();
                    if (request % 200 == 0) {
                        left.add(timeout);
                    } else {
                        timeout.cancel();
                    }
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }

        timers.advance(LIMIT);
        for (int timer = 0; timer < timers.delays().size(); timer++) {
            timers.run(timer);
        }
        assertThat(left).hasSize(40);
        assertThat(expired).hasValue(40);
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
