package io.tokenswap.internal;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that run tasks in the order in which the tasks come. A task that blocks delays the others for some milliseconds
 * only.
 *
 * <p>As many threads as there are processors suffice while no task blocks. While tasks wait, a look every 10 ms finds out
 * whether one of them has begun since the look before. If three looks find that none has, all threads are occupied, and as
 * many threads again may run.
 *
 * <p>Waking a thread costs more than most tasks. So at most one thread at a time is on its way to the queue. It wakes the next
 * one if it leaves tasks behind. The thread that became idle last is woken first, so that threads in excess stay idle and end.
 */
final class Workers implements Executor {

    /** The most threads, however many tasks block. */
    static final int MOST = 1_024;

    private static final int FEWEST = Math.max(2, Runtime.getRuntime().availableProcessors());
    private static final long LOOK_MILLIS = 10;

    /** Fewer looks without a change may mean that the processors have other work. */
    private static final int STALL = 2;

    private static final long IDLE_MILLIS = 10_000;

    private final ThreadFactory factory;
    private final ScheduledExecutorService clock;
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedDeque<Worker> idle = new ConcurrentLinkedDeque<>();

    /** The number of threads that are not idle. */
    private final AtomicInteger running = new AtomicInteger();

    /** True while a thread that was woken or started is on its way to the queue. */
    private final AtomicBoolean searching = new AtomicBoolean();

    /** True while a look is scheduled. */
    private final AtomicBoolean watched = new AtomicBoolean();

    /** True while a look is scheduled that may find that fewer threads suffice. */
    private final AtomicBoolean adapting = new AtomicBoolean();

    /** The most threads that may run. Only changed by the thread of the clock. */
    private volatile int limit = FEWEST;

    /** The task that waited longest at the last look, and the number of looks in a row that found it. */
    private @Nullable Runnable seen;

    private int stalled;

    Workers(ThreadFactory factory, ScheduledExecutorService clock) {
        this.factory = factory;
        this.clock = clock;
    }

    @Override
    public void execute(Runnable task) {
        waiting.add(task);
        wake();
    }

    /** Wakes or starts a thread if tasks wait, unless a thread is on its way or enough threads run. */
    private void wake() {
        do {
            if (searching.get() || waiting.isEmpty() || !searching.compareAndSet(false, true)) {
                return; // a thread that is on its way looks at the queue after it has said that it no longer is
            }
            if (running.get() < limit) {
                running.incrementAndGet();
                Worker worker = idle.pollFirst();
                if (worker != null) {
                    worker.wakeUp();
                    return;
                }
                if (isStarted()) {
                    return;
                }
                running.decrementAndGet();
                searching.set(false);
                watch();
                return;
            }
            searching.set(false);
            watch();
        } while (running.get() < limit); // a thread became idle meanwhile
    }

    private boolean isStarted() {
        try {
            factory.newThread(new Worker()).start();
            return true;
        } catch (OutOfMemoryError noThread) { // the tasks wait for the threads that there are
            return false;
        }
    }

    private void watch() {
        if (!waiting.isEmpty() && watched.compareAndSet(false, true)) {
            later(this::look, LOOK_MILLIS);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // neither look throws anything or is ever cancelled
    private void later(Runnable look, long millis) {
        clock.schedule(look, millis, TimeUnit.MILLISECONDS);
    }

    @SuppressWarnings("ReferenceEquality") // the very task
    private void look() {
        Runnable first = waiting.peek();
        if (first == null) {
            seen = null;
            adapt();
            watched.set(false);
            watch(); // a task may have come while this was the look that it relied on
            return;
        }
        stalled = first == seen ? stalled + 1 : 0;
        seen = first;
        if (stalled == STALL) {
            stalled = 0;
            limit = Math.min(MOST, 2 * Math.max(limit, running.get()));
        }
        wake();
        later(this::look, LOOK_MILLIS);
    }

    /** After a stall, allows for some threads beside those that are occupied, and looks again later how many that are. */
    private void adapt() {
        limit = Math.min(limit, FEWEST + running.get());
        if (limit > FEWEST && adapting.compareAndSet(false, true)) {
            later(
                    () -> {
                        adapting.set(false);
                        adapt();
                    },
                    IDLE_MILLIS);
        }
    }

    private final class Worker implements Runnable {

        private @Nullable Thread thread;
        private volatile boolean woken;

        void wakeUp() {
            woken = true;
            LockSupport.unpark(thread);
        }

        @Override
        public void run() {
            thread = Thread.currentThread();
            do {
                Runnable task = waiting.poll();
                searching.set(false); // this thread was on its way, and no longer is
                while (task != null) {
                    wake();
                    run(task);
                    task = waiting.poll();
                }
            } while (isWoken());
        }

        private void run(Runnable task) {
            try {
                task.run();
            } catch (Throwable thrown) { // the tasks behind it still run
                Thread current = Thread.currentThread();
                current.getUncaughtExceptionHandler().uncaughtException(current, thrown);
            }
        }

        /** Waits to be woken. Returns false if this thread ends. */
        private boolean isWoken() {
            woken = false;
            idle.addFirst(this);
            running.decrementAndGet();
            wake(); // a task may have come while this thread seemed to run
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(IDLE_MILLIS);
            while (!woken) {
                long left = end - System.nanoTime();
                if (left <= 0 && idle.remove(this)) {
                    return false;
                }
                LockSupport.parkNanos(this, Math.max(left, 1_000_000));
            }
            return true;
        }
    }
}
