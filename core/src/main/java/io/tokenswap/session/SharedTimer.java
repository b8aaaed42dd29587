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
 * The timers of all sessions on one scheduler. Tasks that are due within the same ten milliseconds share one timer, so that a
 * million sessions keep the scheduler no busier than a hundred timers a second do.
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

    /** The ticks to come, by when they are due in the scheduler's time. */
    private final ConcurrentMap<Long, Tick> ticks = new ConcurrentHashMap<>();

    private SharedTimer(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** The one of a scheduler, for as long as anybody uses it. */
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
     * Fails with a {@link TimeoutException} after a time. After the end of the scheduler it stays silent: what it was to limit
     * goes on without.
     */
    <T> Mono<T> timeout(Duration limit) {
        return Mono.create(sink -> {
            Runnable expire = () -> sink.error(new TimeoutException("No answer within " + limit));
            try {
                Tick tick = schedule(expire, limit.toMillis());
                sink.onDispose(() -> tick.remove(expire));
            } catch (RejectedExecutionException shutDown) {
                // nothing will expire
            }
        });
    }

    /** What is due at the same time. Its timer runs while there is a task; a tick that is over takes no more. */
    final class Tick implements Runnable {

        private final long due;
        private final Set<Runnable> tasks = new HashSet<>();
        private @Nullable Disposable timer;
        private boolean over;

        private Tick(long due) {
            this.due = due;
        }

        /** False if this tick ended meanwhile. */
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

        /** Takes a task back; after its time this does nothing. */
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

        /** Nothing is left behind: who keeps the tick for a while keeps none of its tasks. */
        private synchronized List<Runnable> end() {
            over = true;
            ticks.remove(due, this);
            List<Runnable> ended = List.copyOf(tasks);
            tasks.clear();
            return ended;
        }
    }
}
