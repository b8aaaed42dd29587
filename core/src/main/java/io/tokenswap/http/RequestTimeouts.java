package io.tokenswap.http;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;

/**
 * Starts the timeouts of the requests of one client.
 *
 * <p>A timer that becomes the next one due wakes the thread of the timers, which takes about as long as a whole request
 * over loopback. The timer of the request that ended last is therefore kept and expires without effect. While it
 * exists, no later timer is the next one due.
 *
 * <pre>
 *  requests   a|--|  b|---|    c|--|         d|--|
 *  timers     a|-----x (b ended)               .
 *                    b|---------x (c ended)    .
 *                              c|--------------x (d ended)
 * </pre>
 */
final class RequestTimeouts {

    private final Duration limit;
    private final Scheduler timers;
    private final AtomicReference<Disposable> last = new AtomicReference<>(Disposables.disposed());

    /**
     * Creates timeouts of one length.
     *
     * @param timers runs the expired timeouts, and has a monotonic clock
     */
    RequestTimeouts(Duration limit, Scheduler timers) {
        this.limit = limit;
        this.timers = timers;
    }

    Duration limit() {
        return limit;
    }

    /** Runs a task when the limit has passed, unless the timeout is cancelled before. */
    Timeout start(Runnable task) {
        Timeout timeout = new Timeout(task, timers.now(TimeUnit.NANOSECONDS) + limit.toNanos());
        timeout.timer = timers.schedule(timeout, limit.toNanos(), TimeUnit.NANOSECONDS);
        return timeout;
    }

    /** Runs a task after a time that does not depend on the limit. */
    void after(Duration delay, Runnable task) {
        timers.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** One running timeout. It keeps nothing of a request that has ended, because its timer may be left to expire. */
    final class Timeout implements Runnable {

        private final long deadline;
        private volatile @Nullable Runnable task;
        private Disposable timer = Disposables.disposed();

        private Timeout(Runnable task, long deadline) {
            this.task = task;
            this.deadline = deadline;
        }

        /** Returns whether the limit has passed, also while the timer itself is late. */
        boolean hasExpired() {
            return timers.now(TimeUnit.NANOSECONDS) - deadline >= 0;
        }

        /** Ends the timeout. Called once, when the request has ended. */
        void cancel() {
            task = null;
            last.getAndSet(timer).dispose();
        }

        @Override
        public void run() {
            Runnable waiting = task;
            if (waiting != null) {
                waiting.run();
            }
        }
    }
}
