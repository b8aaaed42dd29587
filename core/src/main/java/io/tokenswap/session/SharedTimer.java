package io.tokenswap.session;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * Timers of all sessions on one scheduler. Tasks that are due within the same ten milliseconds share one timer, so a million
 * sessions cost the scheduler at most a hundred timers a second.
 *
 * <pre>
 *  tasks       a  b c      d         e
 *  timers   |---------|---------|---------|
 *              runs abc ^  runs d ^  runs e ^
 * </pre>
 */
final class SharedTimer {

    private static final long TICK = 10;

    private static final Map<Scheduler, WeakReference<SharedTimer>> OF_SCHEDULERS = new WeakHashMap<>();

    private final Scheduler scheduler;

    /** Ticks to come, by their due time on the scheduler's clock. */
    private final ConcurrentMap<Long, Tick> ticks = new ConcurrentHashMap<>();

    private SharedTimer(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** Returns the timer of a scheduler, which is kept as long as it is in use. */
    static SharedTimer of(Scheduler scheduler) {
        synchronized (OF_SCHEDULERS) {
            WeakReference<SharedTimer> known = OF_SCHEDULERS.get(scheduler);
            SharedTimer timer = known == null ? null : known.get();
            if (timer == null) {
                timer = new SharedTimer(scheduler);
                OF_SCHEDULERS.put(scheduler, new WeakReference<>(timer));
            }
            return timer;
        }
    }

    /**
     * Runs a task once.
     *
     * @param delay in milliseconds; the task runs then or less than a tick later
     * @return the tick that it waits for
     * @throws RejectedExecutionException if the scheduler has been shut down
     */
    Tick schedule(Runnable task, long delay) {
        long now = scheduler.now(TimeUnit.MILLISECONDS);
        long due = Math.floorDiv(now + delay + TICK - 1, TICK) * TICK;
        while (true) {
            Tick tick = ticks.computeIfAbsent(due, Tick::new);
            if (tick.add(task, due - now)) {
                return tick;
            }
        }
    }

    /**
     * Fails with a {@link TimeoutException} after a time. Never fails after the end of the scheduler: the operation then runs
     * without a limit.
     */
    <T> Mono<T> timeout(Duration limit) {
        return Mono.create(sink -> {
            Runnable expire = () -> sink.error(new TimeoutException("No result within " + limit));
            try {
                Tick tick = schedule(expire, limit.toMillis());
                sink.onDispose(() -> tick.remove(expire));
            } catch (RejectedExecutionException shutDown) {
                // nothing will expire
            }
        });
    }

    /**
     * Tasks that are due at the same time. The timer runs while there is a task; a tick that has ended accepts no more tasks.
     */
    final class Tick implements Runnable {

        private final long due;
        private final Set<Runnable> tasks = new HashSet<>();
        private @Nullable Disposable timer;
        private boolean over;

        private Tick(long due) {
            this.due = due;
        }

        /** Adds a task. Returns false if this tick has ended meanwhile. */
        private synchronized boolean add(Runnable task, long delay) {
            if (over) {
                return false;
            }
            tasks.add(task);
            if (timer == null) {
                try {
                    timer = scheduler.schedule(this, delay, TimeUnit.MILLISECONDS);
                } catch (RuntimeException refused) { // a tick without a timer would keep its tasks for ever
                    end();
                    throw refused;
                }
            }
            return true;
        }

        /** Removes a task. Does nothing after the tick has ended. */
        synchronized void remove(Runnable task) {
            if (tasks.remove(task) && tasks.isEmpty() && timer != null) {
                end();
                timer.dispose();
            }
        }

        @Override
        public void run() {
            for (Runnable task : end()) {
                SafeCall.run(task, Context.empty());
            }
        }

        /** Ends the tick and returns its tasks. The tick keeps none of them, because it may itself be referenced for longer. */
        private synchronized List<Runnable> end() {
            over = true;
            ticks.remove(due, this);
            List<Runnable> ended = List.copyOf(tasks);
            tasks.clear();
            return ended;
        }
    }
}
