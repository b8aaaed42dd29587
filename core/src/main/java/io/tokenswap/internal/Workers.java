package io.tokenswap.internal;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Threads that run tasks in the order in which the tasks come. A task that blocks delays the others for some milliseconds only.
 *
 * <p>As many threads as there are processors suffice while no task blocks. While tasks wait, a look every 10 ms finds out whether one of
 * them has begun since the look before. If three looks find that none has, all threads are occupied, and as many threads again are
 * started. Threads that are not needed any more end when they have been idle for a while.
 */
final class Workers implements Executor {

    /** The most threads, however many tasks block. */
    static final int MOST = 1_024;

    private static final int FEWEST = Math.max(2, Runtime.getRuntime().availableProcessors());
    private static final long LOOK_MILLIS = 10;

    /** Fewer looks without a change may mean that the processors have other work. */
    private static final int STALL = 2;

    private static final long IDLE_SECONDS = 10;

    private final ThreadPoolExecutor threads;
    private final ScheduledExecutorService clock;

    /** Takes no lock, so that event loops may add to it. */
    private final BlockingQueue<Runnable> waiting = new LinkedTransferQueue<>();

    /** True while a look is scheduled. */
    private final AtomicBoolean watched = new AtomicBoolean();

    /** True while a look is scheduled that may find that fewer threads suffice. */
    private final AtomicBoolean adapting = new AtomicBoolean();

    /** The task that waited longest at the last look. Only touched by the thread of the clock. */
    private @Nullable Runnable seen;

    /** The number of looks in a row that found the same task. Only touched by the thread of the clock. */
    private int stalled;

    Workers(ThreadFactory factory, ScheduledExecutorService clock) {
        this.clock = clock;
        this.threads = new ThreadPoolExecutor(FEWEST, MOST, IDLE_SECONDS, TimeUnit.SECONDS, waiting, factory);
        threads.allowCoreThreadTimeOut(true);
    }

    @Override
    public void execute(Runnable task) {
        threads.execute(task);
        watch();
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
            resize(Math.max(2 * threads.getPoolSize(), FEWEST));
        }
        later(this::look, LOOK_MILLIS);
    }

    /** Keeps some threads beside those that are occupied, and looks again later how many that are. */
    private void adapt() {
        resize(FEWEST + threads.getActiveCount());
        if (threads.getCorePoolSize() > FEWEST && adapting.compareAndSet(false, true)) {
            later(
                    () -> {
                        adapting.set(false);
                        adapt();
                    },
                    TimeUnit.SECONDS.toMillis(IDLE_SECONDS));
        }
    }

    /** Sets how many threads there are before tasks wait. */
    private void resize(int size) {
        try {
            threads.setCorePoolSize(Math.min(size, MOST));
        } catch (OutOfMemoryError noThread) {
            // The system gives no more threads: the tasks wait for those that there are.
        }
    }
}
