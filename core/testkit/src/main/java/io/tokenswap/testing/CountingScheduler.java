package io.tokenswap.testing;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/** Scheduler that passes tasks to another scheduler and counts the waiting timers. */
final class CountingScheduler implements Scheduler {

    private final Scheduler scheduler;
    private final AtomicInteger pending = new AtomicInteger();

    CountingScheduler(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    int pending() {
        return pending.get();
    }

    @Override
    public Disposable schedule(Runnable task) {
        return scheduler.schedule(task);
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        Timer timer = new Timer(task);
        pending.incrementAndGet();
        Disposable scheduled;
        try {
            scheduled = scheduler.schedule(timer, delay, unit);
        } catch (RuntimeException refused) {
            timer.isFirst();
            throw refused;
        }
        return () -> {
            timer.isFirst();
            scheduled.dispose();
        };
    }

    @Override
    public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
        return scheduler.schedulePeriodically(task, initialDelay, period, unit);
    }

    @Override
    public Worker createWorker() {
        return scheduler.createWorker();
    }

    @Override
    public long now(TimeUnit unit) {
        return scheduler.now(unit);
    }

    @Override
    public boolean isDisposed() {
        return scheduler.isDisposed();
    }

    @Override
    public void dispose() {
        scheduler.dispose();
    }

    /** Task that is counted until it begins, is cancelled or is refused, whichever comes first. */
    private final class Timer implements Runnable {

        private final Runnable task;
        private final AtomicBoolean over = new AtomicBoolean();

        Timer(Runnable task) {
            this.task = task;
        }

        @Override
        public void run() {
            if (isFirst()) {
                task.run();
            }
        }

        boolean isFirst() {
            boolean first = over.compareAndSet(false, true);
            if (first) {
                pending.decrementAndGet();
            }
            return first;
        }
    }
}
