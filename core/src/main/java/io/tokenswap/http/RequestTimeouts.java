package io.tokenswap.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * Starts the timeouts of the requests of one client.
 *
 * <p>All have the same length, so that they expire in the order in which they start. One timer serves them all. A timer
 * for each request would wake the thread of the timers and stay in its queue until the limit has passed, which costs as
 * much as the rest of a request over loopback.
 *
 * <pre>
 *  requests   a|--|  b|---|    c|------ ...
 *  timer      a|------------------>|            finds c as the oldest, and waits for its limit
 *                               c|------------------>|
 * </pre>
 */
final class RequestTimeouts {

    private final Duration limit;
    private final Scheduler timers;
    /** The timeouts of the requests in flight, in the order of their deadlines. Ended ones are removed from its head. */
    private final Queue<Timeout> running;

    private final AtomicBoolean armed = new AtomicBoolean();
    private final AtomicBoolean removing = new AtomicBoolean();

    /**
     * Creates timeouts of one length.
     *
     * @param timers runs the expired timeouts, and has a monotonic clock
     */
    RequestTimeouts(Duration limit, Scheduler timers) {
        this(limit, timers, new ConcurrentLinkedQueue<>());
    }

    /** @param running an empty queue for use by several threads, which a test may watch */
    RequestTimeouts(Duration limit, Scheduler timers, Queue<Timeout> running) {
        this.limit = limit;
        this.timers = timers;
        this.running = running;
    }

    Duration limit() {
        return limit;
    }

    /** Runs a task when the limit has passed, unless the timeout is cancelled before. */
    Timeout start(Runnable task) {
        Timeout timeout = new Timeout(task, now() + limit.toNanos());
        running.add(timeout);
        if (armed.compareAndSet(false, true)) {
            arm(limit.toNanos());
        }
        return timeout;
    }

    /** Runs a task after a time that does not depend on the limit. */
    void after(Duration delay, Runnable task) {
        timers.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Returns the number of timeouts that are kept. */
    int remembered() {
        return running.size();
    }

    private long now() {
        return timers.now(TimeUnit.NANOSECONDS);
    }

    private void arm(long delay) {
        timers.schedule(this::onTimer, delay, TimeUnit.NANOSECONDS);
    }

    /** Waits for the next timeout, and then runs those that have expired. A task that blocks delays no other. */
    private void onTimer() {
        long now = now();
        List<Timeout> expired = new ArrayList<>();
        Timeout next = null;
        for (Timeout timeout : running) {
            if (timeout.isRunning()) {
                if (timeout.deadline - now > 0) {
                    next = timeout;
                    break;
                }
                expired.add(timeout);
            }
        }
        if (next != null) {
            arm(next.deadline - now);
        } else {
            armed.set(false);
            // A request that has started since the look at the queue found the timer armed.
            armForNewcomers(expired);
        }
        for (int i = 1; i < expired.size(); i++) {
            timers.schedule(expired.get(i));
        }
        if (!expired.isEmpty()) {
            expired.get(0).run();
        }
        removeEnded();
    }

    private void armForNewcomers(List<Timeout> expired) {
        for (Timeout timeout : running) {
            if (timeout.isRunning() && !expired.contains(timeout)) {
                if (armed.compareAndSet(false, true)) {
                    arm(Math.max(0, timeout.deadline - now()));
                }
                return;
            }
        }
    }

    /** Removes the oldest timeouts as long as they have ended. One thread at a time; the others leave it to the next. */
    private void removeEnded() {
        if (removing.compareAndSet(false, true)) {
            for (Timeout oldest = running.peek(); oldest != null && !oldest.isRunning(); oldest = running.peek()) {
                running.poll();
            }
            removing.set(false);
        }
    }

    /** One running timeout. It keeps nothing of a request that has ended, because it may stay in the queue for a while. */
    final class Timeout implements Runnable {

        private final long deadline;
        private final AtomicReference<@Nullable Runnable> task;

        private Timeout(Runnable task, long deadline) {
            this.task = new AtomicReference<>(task);
            this.deadline = deadline;
        }

        private boolean isRunning() {
            return task.get() != null;
        }

        /** Returns whether the limit has passed, also while the timer itself is late. */
        boolean hasExpired() {
            return now() - deadline >= 0;
        }

        /** Ends the timeout, when the request has ended. */
        void cancel() {
            task.set(null);
            removeEnded();
        }

        @Override
        public void run() {
            Runnable waiting = task.getAndSet(null);
            if (waiting != null) {
                waiting.run();
            }
        }
    }
}
