package io.tokenswap.testing;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/**
 * The scheduler of one process that can be paused and ended. While it is paused, time passes and no task runs, as in a
 * process that was stopped by a signal. {@link #resume} runs the tasks that became due meanwhile, in their order. Under
 * virtual time, used by one thread.
 */
public final class PausableScheduler implements Scheduler {

    private final Scheduler time;
    private final Queue<Task> due = new ArrayDeque<>();
    private boolean paused;
    private boolean ended;

    /**
     * Creates a scheduler that runs.
     *
     * @param time the scheduler whose time it follows
     */
    public PausableScheduler(Scheduler time) {
        this.time = Objects.requireNonNull(time, "time");
    }

    /** Stops all tasks until {@link #resume}. */
    public void pause() {
        paused = true;
    }

    /** Runs the tasks that became due during a pause, and runs others in time from now on. */
    public void resume() {
        paused = false;
        for (Task task = due.poll(); task != null; task = due.poll()) {
            task.run();
        }
    }

    /** Ends the process: no task runs any more. */
    public void crash() {
        ended = true;
        due.clear();
    }

    /**
     * Returns true if tasks run.
     *
     * @return false during a pause and after a crash
     */
    public boolean isRunning() {
        return !paused && !ended;
    }

    @Override
    public Disposable schedule(Runnable task) {
        return new Task(task).by(time::schedule);
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        return new Task(task).by(scheduled -> time.schedule(scheduled, delay, unit));
    }

    @Override
    public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
        return new Task(task).by(scheduled -> time.schedulePeriodically(scheduled, initialDelay, period, unit));
    }

    @Override
    public Worker createWorker() {
        Worker worker = time.createWorker();
        return new Worker() {
            @Override
            public Disposable schedule(Runnable task) {
                return new Task(task).by(worker::schedule);
            }

            @Override
            public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
                return new Task(task).by(scheduled -> worker.schedule(scheduled, delay, unit));
            }

            @Override
            public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
                return new Task(task)
                        .by(scheduled -> worker.schedulePeriodically(scheduled, initialDelay, period, unit));
            }

            @Override
            public void dispose() {
                worker.dispose();
            }
        };
    }

    @Override
    public long now(TimeUnit unit) {
        return time.now(unit);
    }

    @Override
    public void dispose() {
        crash();
    }

    private interface Start {
        Disposable of(Runnable task);
    }

    private final class Task implements Runnable, Disposable {

        private final Runnable body;
        private final Disposable.Swap scheduled = reactor.core.Disposables.swap();

        Task(Runnable body) {
            this.body = body;
        }

        Task by(Start start) {
            scheduled.replace(start.of(this));
            return this;
        }

        @Override
        public void run() {
            if (ended || scheduled.isDisposed()) {
                return;
            }
            if (paused) {
                due.add(this);
            } else {
                body.run();
            }
        }

        @Override
        public void dispose() {
            scheduled.dispose();
        }

        @Override
        public boolean isDisposed() {
            return scheduled.isDisposed();
        }
    }
}
