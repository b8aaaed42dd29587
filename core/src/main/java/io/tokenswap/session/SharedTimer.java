package io.tokenswap.session;

import io.tokenswap.internal.Timers;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/**
 * Timers of all sessions on one scheduler. Tasks that are due within the same ten milliseconds share one timer, so a million
 * sessions cost the scheduler at most a hundred timers a second. Tasks that call foreign code have a timer of their kind, whose
 * ticks run on the threads for calls: there a task that blocks holds up no other.
 *
 * <pre>
 *  tasks       a  b c      d         e
 *  timers   |---------|---------|---------|
 *              runs abc ^  runs d ^  runs e ^
 * </pre>
 */
final class SharedTimer {

    private static final long TICK = 10;

    /** Time after which a limit gets a tick, if its task still runs. */
    private static final long YOUNG = 100;

    /** The shortest limit that may wait for that. */
    private static final long SHORTEST_LIMIT = 1_000;

    private static final Map<Scheduler, WeakReference<SharedTimer>> OF_SCHEDULERS = new WeakHashMap<>();
    private static final Map<Scheduler, WeakReference<SharedTimer>> FOR_CALLS = new WeakHashMap<>();

    private final Scheduler scheduler;

    /** Runs the tasks of a tick that is due. */
    private final Executor executor;

    /** Ticks to come, by their due time on the monotonic clock. */
    private final ConcurrentMap<Long, Tick> ticks = new ConcurrentHashMap<>();

    /** Limits of tasks that have just begun, the last one first. */
    private final AtomicReference<@Nullable Limit> young = new AtomicReference<>();

    /** True while a look at them is scheduled. More than one does no harm. */
    private volatile boolean ages;

    /** True if a tick stays until its time though no task is left. Our own timers would keep it until then in any case. */
    private final boolean keepsTicks;

    private SharedTimer(Scheduler scheduler, Executor executor) {
        this.scheduler = scheduler;
        this.executor = executor;
        this.keepsTicks = scheduler.equals(Timers.scheduler());
    }

    /** Returns the timer of a scheduler for tasks that do not block. It is kept as long as it is in use. */
    static SharedTimer of(Scheduler scheduler) {
        return known(OF_SCHEDULERS, scheduler, Runnable::run);
    }

    /**
     * Returns the timer of a scheduler for tasks that call foreign code. It is kept as long as it is in use.
     *
     * @param calls runs them: while one blocks, another thread continues with the next
     */
    static SharedTimer forCalls(Scheduler scheduler, Executor calls) {
        return known(FOR_CALLS, scheduler, calls);
    }

    private static SharedTimer known(
            Map<Scheduler, WeakReference<SharedTimer>> timers, Scheduler scheduler, Executor executor) {
        synchronized (timers) {
            WeakReference<SharedTimer> known = timers.get(scheduler);
            SharedTimer timer = known == null ? null : known.get();
            if (timer == null) {
                timer = new SharedTimer(scheduler, executor);
                timers.put(scheduler, new WeakReference<>(timer));
            }
            return timer;
        }
    }

    /**
     * Runs a task once. A task that waits already must not be scheduled again.
     *
     * @param delay in milliseconds; the task runs then or less than a tick later
     * @param now the time by the {@linkplain SessionClock#elapsed monotonic clock}
     * @throws RejectedExecutionException if the scheduler has been shut down
     */
    void schedule(Task task, long delay, long now) {
        long due = Math.floorDiv(now + delay + TICK - 1, TICK) * TICK;
        Tick tick;
        do { // again if that tick has ended meanwhile
            tick = ticks.get(due); // most often there is one, and this does not lock
            if (tick == null) {
                tick = ticks.computeIfAbsent(due, Tick::new);
            }
        } while (!tick.add(task, due - now));
    }

    /**
     * Runs a limit if its task takes too long. Most tasks end soon and never reach their limit. So a limit only gets a tick after
     * a while, together with those that began at about the same time.
     *
     * @param delay in milliseconds; the limit runs then or less than a tick later
     */
    void limit(Limit limit, long delay) {
        if (!keepsTicks || delay < SHORTEST_LIMIT) {
            limit.startTimer();
            return;
        }
        Limit before;
        do {
            before = young.get();
            limit.older = before;
        } while (!young.compareAndSet(before, limit));
        if (!ages) {
            ages = true;
            boolean scheduled = false;
            try {
                scheduler.schedule(this::ageLimits, YOUNG, TimeUnit.MILLISECONDS);
                scheduled = true;
            } finally { // a caller may have too little stack left for a timer; the next one tries again
                if (!scheduled) {
                    ages = false;
                }
            }
        }
    }

    /** Gives a tick to each limit whose task still runs. */
    private void ageLimits() {
        ages = false;
        Limit limit = young.getAndSet(null);
        while (limit != null) {
            Limit older = limit.older;
            limit.older = null;
            if (limit.isRunning()) {
                limit.startTimer();
            }
            limit = older;
        }
    }

    /**
     * Runs a task once.
     *
     * @return the scheduled task, to cancel it
     */
    Task schedule(Runnable task, long delay, long now) {
        Task scheduled = new Task() {
            @Override
            public void run() {
                task.run();
            }
        };
        schedule(scheduled, delay, now);
        return scheduled;
    }

    /**
     * A task that runs at a time. The links to its neighbours in the list of a tick are its own, so that waiting costs no more
     * memory.
     */
    abstract static class Task implements Runnable {

        /** The tick that this task waits for. This and the links are changed under the lock of that tick. */
        private volatile @Nullable Tick tick;

        private @Nullable Task previous;
        private @Nullable Task next;

        /** Takes the task back. After its time this does nothing. */
        final void cancelTimer() {
            Tick waitsFor = tick;
            if (waitsFor != null) {
                waitsFor.remove(this);
            }
        }
    }

    /** A limit of a task, which runs only if the task takes too long. */
    abstract static class Limit extends Task {

        /** The limit that was set before this one. It is read by the thread that has taken the list. */
        private @Nullable Limit older;

        /** Returns true while the limit may still be reached. */
        abstract boolean isRunning();

        /** Schedules this limit for the time that is left. */
        abstract void startTimer();
    }

    /** The tasks of one time. The timer runs while there is a task. A tick that has ended takes no more. */
    private final class Tick implements Runnable, CallBatch.Calls {

        private final long due;
        private @Nullable Task first;
        private @Nullable Disposable timer;
        private boolean ended;

        private Tick(long due) {
            this.due = due;
        }

        /** Returns false if this tick has ended. */
        synchronized boolean add(Task task, long delay) {
            if (ended) {
                return false;
            }
            task.tick = this;
            task.next = first;
            if (first != null) {
                first.previous = task;
            }
            first = task;
            if (timer == null) {
                try {
                    timer = scheduler.schedule(this, delay, TimeUnit.MILLISECONDS);
                } catch (RuntimeException refused) { // a tick without a timer would keep its tasks for ever
                    unlink(task);
                    end();
                    throw refused;
                }
            }
            return true;
        }

        synchronized void remove(Task task) {
            if (task.tick == this) {
                unlink(task);
                if (first == null && !ended && !keepsTicks) {
                    end();
                    if (timer != null) {
                        timer.dispose();
                    }
                }
            }
        }

        private void unlink(Task task) {
            Task before = task.previous;
            Task after = task.next;
            if (before == null) {
                first = after;
            } else {
                before.next = after;
            }
            if (after != null) {
                after.previous = before;
            }
            task.tick = null;
            task.previous = null;
            task.next = null;
        }

        @Override
        public void run() {
            CallBatch.run(executor, this);
        }

        @Override
        public synchronized boolean hasNext() {
            return first != null;
        }

        @Override
        public synchronized @Nullable Runnable next() {
            if (!ended) {
                end();
            }
            Task task = first;
            if (task != null) {
                unlink(task);
            }
            return task;
        }

        private void end() {
            ended = true;
            ticks.remove(due, this);
        }
    }
}
