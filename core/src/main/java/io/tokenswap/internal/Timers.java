package io.tokenswap.internal;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;

/**
 * Timers that no application can delay. Reactor's shared schedulers also run code of the application, so a deadline on
 * one of them may never come.
 *
 * <pre>
 *  one clock thread   waits, and hands each task that is due to a worker; it runs no task itself
 *  workers            run the tasks; a task that blocks occupies its own worker only
 *  threads for calls  the same for code of the application, so that it cannot even occupy all workers
 * </pre>
 *
 * <p>Tasks do not inherit thread locals from the thread that scheduled them, and Reactor's scheduler hooks do not see
 * them. The threads are daemons and end when they have been idle for a while. The scheduler's {@link Scheduler#now} is
 * monotonic: a change of the system clock does not move it.
 */
public final class Timers {

    private static final long IDLE_SECONDS = 10;

    /** A disposed timer that is due earlier is left to expire with nothing to do. */
    private static final long LONG_SECONDS = 30;

    private static final long ORIGIN = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - System.nanoTime();

    private static final ScheduledThreadPoolExecutor CLOCK = clock();
    private static final Executor WORKERS = new Workers(threads("tokenswap-timer-"), CLOCK);
    private static final Executor CALLS = new Workers(threads("tokenswap-call-"), CLOCK);

    private static final Scheduler SCHEDULER = new TimerScheduler();

    private Timers() {}

    /**
     * Returns the scheduler of these timers. It cannot be disposed.
     *
     * @return always the same scheduler
     */
    public static Scheduler scheduler() {
        return SCHEDULER;
    }

    /**
     * Returns threads that run code of the application: subscribers, callers, endpoints. Code that blocks there delays no
     * timer, and other calls for some milliseconds only.
     *
     * @return always the same threads
     */
    public static Executor calls() {
        return CALLS;
    }

    private static ScheduledThreadPoolExecutor clock() {
        ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, threads("tokenswap-clock-"));
        clock.setRemoveOnCancelPolicy(true);
        clock.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
        clock.allowCoreThreadTimeOut(true);
        return clock;
    }

    private static ThreadFactory threads(String prefix) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(null, task, prefix + count.incrementAndGet(), 0, false);
            thread.setDaemon(true);
            return thread;
        };
    }

    private static final class TimerScheduler implements Scheduler {

        @Override
        public Disposable schedule(Runnable task) {
            Task once = new Task(task);
            WORKERS.execute(once);
            return once;
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            Task once = new Task(task);
            once.after(delay, unit);
            return once;
        }

        @Override
        public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
            return new SerialWorker(this).schedulePeriodically(task, initialDelay, period, unit);
        }

        @Override
        public Worker createWorker() {
            return new SerialWorker(this);
        }

        @Override
        public long now(TimeUnit unit) {
            return unit.convert(System.nanoTime() + ORIGIN, TimeUnit.NANOSECONDS);
        }

        @Override
        public String toString() {
            return "Timers";
        }
    }

    /** Runs once, unless it is disposed first. Keeps nothing of a task that has ended. */
    private static final class Task implements Runnable, Disposable {

        private final AtomicReference<@Nullable Runnable> task;
        private boolean isLong;
        private volatile @Nullable Future<?> timer;

        Task(Runnable task) {
            this.task = new AtomicReference<>(task);
        }

        void after(long delay, TimeUnit unit) {
            isLong = unit.toSeconds(delay) >= LONG_SECONDS;
            StackReserve.check();
            timer = CLOCK.schedule(this::handOver, delay, unit);
        }

        private void handOver() {
            if (!isDisposed()) {
                WORKERS.execute(this);
            }
        }

        @Override
        public void run() {
            Runnable due = task.getAndSet(null);
            if (due != null) {
                due.run();
            }
        }

        /** Takes no lock, so that an event loop may call it: the clock thread removes the timer, now or when it is due. */
        @Override
        public void dispose() {
            Future<?> waiting = timer;
            if (task.getAndSet(null) != null && waiting != null && isLong) {
                StackReserve.check();
                CLOCK.execute(() -> waiting.cancel(false));
            }
        }

        @Override
        public boolean isDisposed() {
            return task.get() == null;
        }
    }

    /** Runs one task at a time, in the order in which they are due. */
    private static final class SerialWorker implements Scheduler.Worker {

        private final Scheduler scheduler;
        private final Disposable.Composite tasks = Disposables.composite();
        private final Queue<Task> due = new ConcurrentLinkedQueue<>();
        private final AtomicInteger pending = new AtomicInteger();

        SerialWorker(Scheduler scheduler) {
            this.scheduler = scheduler;
        }

        @Override
        public Disposable schedule(Runnable task) {
            return schedule(task, 0, TimeUnit.NANOSECONDS);
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            Disposable.Swap handle = Disposables.swap();
            if (!tasks.add(handle)) {
                throw new RejectedExecutionException("The worker is disposed");
            }
            Task once = new Task(() -> {
                tasks.remove(handle);
                task.run();
            });
            if (delay <= 0) {
                handle.replace(once);
                enqueue(once);
            } else {
                handle.replace(Disposables.composite(once, scheduler.schedule(() -> enqueue(once), delay, unit)));
            }
            return handle;
        }

        @Override
        public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
            Disposable.Swap next = Disposables.swap();
            repeat(task, initialDelay, period, unit, next);
            return next;
        }

        /** Counts the period from the end of a run, so that a slow task never runs twice at a time. */
        private void repeat(Runnable task, long delay, long period, TimeUnit unit, Disposable.Swap next) {
            next.replace(schedule(
                    () -> {
                        task.run();
                        if (!next.isDisposed() && !isDisposed()) {
                            repeat(task, period, period, unit, next);
                        }
                    },
                    delay,
                    unit));
        }

        private void enqueue(Task task) {
            due.add(task);
            if (pending.getAndIncrement() == 0) {
                WORKERS.execute(this::drain);
            }
        }

        private void drain() {
            int seen = 1;
            do {
                for (int i = 0; i < seen; i++) {
                    run(due.poll());
                }
                seen = pending.addAndGet(-seen);
            } while (seen > 0);
        }

        private static void run(@Nullable Task task) {
            try {
                if (task != null) {
                    task.run();
                }
            } catch (Throwable thrown) { // the tasks behind it still run
                Thread thread = Thread.currentThread();
                thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
            }
        }

        @Override
        public void dispose() {
            tasks.dispose();
        }

        @Override
        public boolean isDisposed() {
            return tasks.isDisposed();
        }
    }
}
