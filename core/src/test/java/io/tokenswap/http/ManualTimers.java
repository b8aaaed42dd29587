package io.tokenswap.http;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;

/** Keeps the timers that it is asked for, and runs one when a test says so. Its clock stands still between calls of advance. */
final class ManualTimers implements Scheduler {

    private record Timer(Runnable task, Duration delay, Disposable disposable) {}

    private final List<Timer> timers = new CopyOnWriteArrayList<>();
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1); // a monotonic clock may overflow

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        Timer timer = new Timer(task, Duration.ofNanos(unit.toNanos(delay)), Disposables.single());
        timers.add(timer);
        return timer.disposable();
    }

    @Override
    public Disposable schedule(Runnable task) {
        return schedule(task, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public Worker createWorker() {
        throw new AssertionError("Nothing needs a worker");
    }

    @Override
    public long now(TimeUnit unit) {
        return unit.convert(nanos.get(), TimeUnit.NANOSECONDS);
    }

    void advance(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    /** Passes the delay of a timer, and runs it. */
    void expire(int timer) {
        advance(timers.get(timer).delay());
        run(timer);
    }

    void run(int timer) {
        timers.get(timer).task().run();
    }

    List<Duration> delays() {
        return timers.stream().map(Timer::delay).toList();
    }

    List<Boolean> disposed() {
        return timers.stream().map(timer -> timer.disposable().isDisposed()).toList();
    }
}
