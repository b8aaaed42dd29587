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
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
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
 *
 * <p>A caller may have so little of its stack left that any call in here throws. Such an error must not stop the threads for
 * all others: a thread that is woken counts itself, and a flag is taken back by a plain write, which needs no stack.
 */
final class Workers implements Executor {

    /** The most threads, however many tasks block. */
    static final int MOST = 1_024;

    private static final int FEWEST = Math.max(2, Runtime.getRuntime().availableProcessors());
    private static final long LOOK_MILLIS = 10;

    /** Fewer looks without a change may mean that the processors have other work. */
    private static final int STALL = 2;

    private static final long IDLE_MILLIS = 10_000;

    private static final AtomicIntegerFieldUpdater<Workers> SEARCHING =
            AtomicIntegerFieldUpdater.newUpdater(Workers.class, "searching");
    private static final AtomicIntegerFieldUpdater<Workers> WATCHED =
            AtomicIntegerFieldUpdater.newUpdater(Workers.class, "watched");
    private static final AtomicIntegerFieldUpdater<Worker> STATE =
            AtomicIntegerFieldUpdater.newUpdater(Worker.class, "state");

    private final ThreadFactory factory;
    private final ScheduledExecutorService clock;
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedDeque<Worker> idle = new ConcurrentLinkedDeque<>();

    /** The number of threads that are not idle. */
    private final AtomicInteger running = new AtomicInteger();

    /** 1 while a thread that was woken or started is on its way to the queue, else 0. */
    private volatile int searching;

    /** 1 while a look is scheduled, else 0. */
    private volatile int watched;

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
            if (searching != 0 || waiting.isEmpty() || !SEARCHING.compareAndSet(this, 0, 1)) {
                return; // a thread that is on its way looks at the queue after it has said that it no longer is
            }
            boolean comes = false;
            boolean mayCome;
            try {
                mayCome = running.get() < limit;
                comes = mayCome && (isIdleWoken() || isStarted());
            } finally {
                if (!comes) {
                    searching = 0;
                }
            }
            if (comes) {
                return;
            }
            watch();
            if (mayCome) {
                return; // there is no memory for a thread
            }
        } while (running.get() < limit); // a thread became idle meanwhile
    }

    private boolean isIdleWoken() {
        for (Worker worker = idle.pollFirst(); worker != null; worker = idle.pollFirst()) {
            if (worker.wakesUp()) {
                return true;
            }
        }
        return false;
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
        if (!waiting.isEmpty() && WATCHED.compareAndSet(this, 0, 1)) {
            boolean scheduled = false;
            try {
                later(this::look, LOOK_MILLIS);
                scheduled = true;
            } finally {
                if (!scheduled) {
                    watched = 0;
                }
            }
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // neither look throws anything or is ever cancelled
    private void later(Runnable look, long millis) {
        StackReserve.check();
        clock.schedule(look, millis, TimeUnit.MILLISECONDS);
    }

    @SuppressWarnings("ReferenceEquality") // the very task
    private void look() {
        Runnable first = waiting.peek();
        if (first == null) {
            seen = null;
            adapt();
            watched = 0;
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

        private static final int IDLE = 0;
        private static final int WOKEN = 1;
        private static final int ENDED = 2;

        private @Nullable Thread thread;
        private volatile int state = WOKEN;

        /** True while this thread counts as running. */
        private boolean counted;

        /** Wakes this thread. Returns false if it has ended. */
        boolean wakesUp() {
            if (!STATE.compareAndSet(this, IDLE, WOKEN)) {
                return false;
            }
            LockSupport.unpark(thread);
            return true;
        }

        @Override
        public void run() {
            thread = Thread.currentThread();
            try {
                do {
                    count(true);
                    Runnable task = waiting.poll();
                    searching = 0; // this thread was on its way, and no longer is
                    while (task != null) {
                        wake();
                        run(task);
                        task = waiting.poll();
                    }
                } while (isWoken());
            } finally {
                count(false);
            }
        }

        private void count(boolean counts) {
            if (counted != counts) {
                counted = counts;
                running.addAndGet(counts ? 1 : -1);
            }
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
            state = IDLE;
            idle.addFirst(this);
            count(false);
            wake(); // a task may have come while this thread seemed to run
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(IDLE_MILLIS);
            while (state == IDLE) {
                long left = end - System.nanoTime();
                if (left > 0) {
                    LockSupport.parkNanos(this, left);
                } else if (STATE.compareAndSet(this, IDLE, ENDED)) {
                    idle.remove(this);
                    return false;
                }
            }
            return true;
        }
    }
}
