package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.internal.DeepStack;
import io.tokenswap.internal.Timers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

class SharedTimerTest {

    /** Virtual time that counts the timers which it is asked for, and those that were taken back. */
    private static final class CountingScheduler implements Scheduler {

        private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
        private int timers;
        private int disposed;

        @Override
        public long now(TimeUnit unit) {
            return time.now(unit);
        }

        @Override
        public Disposable schedule(Runnable task) {
            throw new AssertionError("Nothing runs at once");
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            timers++;
            Disposable timer = time.schedule(task, delay, unit);
            return () -> {
                disposed++;
                timer.dispose();
            };
        }

        @Override
        public Worker createWorker() {
            throw new AssertionError("Nothing needs a worker");
        }
    }

    private final CountingScheduler scheduler = new CountingScheduler();
    private final SharedTimer timer = SharedTimer.of(scheduler);
    private final List<String> ran = new ArrayList<>();

    private long now() {
        return scheduler.now(TimeUnit.MILLISECONDS);
    }

    private void advance(long millis) {
        scheduler.time.advanceTimeBy(Duration.ofMillis(millis));
    }

    @Test
    void runsATaskAtItsTimeWhereThatIsTheEndOfATick() {
        timer.schedule(() -> ran.add("task"), 20, now());
        advance(19);
        assertThat(ran).isEmpty();
        advance(1);
        assertThat(ran).containsExactly("task");
    }

    @Test
    void runsWhatIsDueWithinOneTickByOneTimerAndNeverTooEarly() {
        timer.schedule(() -> ran.add("first"), 11, now());
        timer.schedule(() -> ran.add("second"), 20, now());
        timer.schedule(() -> ran.add("next tick"), 21, now());
        assertThat(scheduler.timers).isEqualTo(2);
        advance(19);
        assertThat(ran).isEmpty();
        advance(1);
        assertThat(ran).containsExactlyInAnyOrder("first", "second");
        advance(10);
        assertThat(ran).hasSize(3);
    }

    @Test
    void stopsTheTimerWhenTheLastTaskIsTakenBack() {
        Runnable first = () -> ran.add("first");
        Runnable second = () -> ran.add("second");
        SharedTimer.Task one = timer.schedule(first, 10, now());
        SharedTimer.Task two = timer.schedule(second, 10, now());
        one.cancelTimer();
        assertThat(scheduler.disposed).isZero();
        two.cancelTimer();
        assertThat(scheduler.disposed).isOne();
        timer.schedule(first, 10, now());
        assertThat(scheduler.timers).isEqualTo(2);
        advance(10);
        assertThat(ran).containsExactly("first");
    }

    @Test
    void runsTheOthersWhenATaskThrows() {
        for (int i = 0; i < 3; i++) {
            timer.schedule(
                    () -> {
                        ran.add("ran");
                        throw new IllegalStateException("thrown out of a task");
                    },
                    10,
                    now());
        }
        advance(10);
        assertThat(ran).hasSize(3);
    }

    @Test
    void saysThatTheSchedulerWasShutDownEachTimeAnew() {
        Scheduler ended = Schedulers.newSingle("ended");
        ended.dispose();
        SharedTimer timer = SharedTimer.of(ended);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> timer.schedule(() -> {}, 10, now()))
                    .isInstanceOf(RejectedExecutionException.class);
        }
    }

    @Test
    @Tag("E11")
    void looksAtLimitsAfterCallersWhoseStackHadNoPlaceForALimit() throws InterruptedException {
        SharedTimer timer = SharedTimer.of(Timers.scheduler());
        timer.limit(new Started(), 10_000);
        DeepStack.overflow(() -> timer.limit(new Started(), 10_000), () -> {});
        Started last = new Started();
        timer.limit(last, 10_000);
        assertThat(last.started.await(30, TimeUnit.SECONDS)).isTrue();
    }

    private static final class Started extends SharedTimer.Limit {

        private final CountDownLatch started = new CountDownLatch(1);

        @Override
        boolean isRunning() {
            return true;
        }

        @Override
        void startTimer() {
            started.countDown();
        }

        @Override
        public void run() {}
    }

    @Test
    void isTheSameForTheSameScheduler() {
        assertThat(SharedTimer.of(scheduler)).isSameAs(timer);
        assertThat(SharedTimer.of(new CountingScheduler())).isNotSameAs(timer);
    }
}
