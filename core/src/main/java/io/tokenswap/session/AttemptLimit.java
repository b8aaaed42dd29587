package io.tokenswap.session;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Time limit of an operation. A limit that fires late does not end the operation at once: the process may have been frozen for
 * longer than the limit, with the result already in a socket. The operation then gets a little more time to deliver the result.
 */
final class AttemptLimit<T> extends Mono<T> {

    /** Delay of a timer that shows that the whole process was held up. */
    private static final long LATE = 1_000;

    /** Time to deliver a result that had arrived before the process continued. */
    private static final long SECOND_CHANCE = 2_000;

    private final Mono<T> operation;
    private final long limit;
    private final SessionSettings settings;

    /** True if the application gets the result: its code must not run on a thread of the store or of the timers. */
    private final boolean foreign;

    private AttemptLimit(Mono<T> operation, Duration limit, SessionSettings settings, boolean foreign) {
        this.operation = operation;
        this.limit = limit.toMillis();
        this.settings = settings;
        this.foreign = foreign;
    }

    /**
     * Returns the result of an operation, or a {@link TimeoutException}. After the end of the scheduler the operation has no limit: there
     * are no timers then.
     */
    static <T> Mono<T> apply(Mono<T> operation, Duration limit, SessionSettings settings) {
        return onAssembly(new AttemptLimit<>(operation, limit, settings, false));
    }

    /** Does the same for a result that the application gets: at once on its own thread, later on a thread for calls. */
    static <T> Mono<T> applyForCaller(Mono<T> operation, Duration limit, SessionSettings settings) {
        return onAssembly(new AttemptLimit<>(operation, limit, settings, true));
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new Limited<>(this, actual));
    }

    /** The operation and its timer, which run from the first request on. */
    @SuppressWarnings("ReferenceEquality") // threads have an identity
    private static final class Limited<T> extends SharedTimer.Task
            implements CoreSubscriber<T>, Subscription, Scannable {

        @SuppressWarnings("rawtypes")
        private static final AtomicIntegerFieldUpdater<Limited> STATE =
                AtomicIntegerFieldUpdater.newUpdater(Limited.class, "state");

        private static final int IDLE = 0;
        private static final int RUNNING = 1;
        private static final int ENDED = 2;

        private final AttemptLimit<T> options;
        private final CoreSubscriber<? super T> actual;
        private final long started;
        private volatile int state;
        private volatile @Nullable Subscription running;

        /** The thread that starts the operation, while it does so. */
        private volatile @Nullable Thread starting;

        /** True while a second chance is given. Only touched by the timer. */
        private boolean delayed;

        Limited(AttemptLimit<T> options, CoreSubscriber<? super T> actual) {
            this.options = options;
            this.actual = actual;
            this.started = options.settings.elapsed();
        }

        @Override
        public void request(long n) {
            if (Operators.validate(n) && STATE.compareAndSet(this, IDLE, RUNNING)) {
                // Before the operation: it may block this thread.
                schedule(options.limit);
                starting = Thread.currentThread();
                options.operation.subscribe(this);
                starting = null;
            }
        }

        /** Calls the subscriber. */
        private void deliver(Runnable call) {
            if (options.foreign && starting != Thread.currentThread()) {
                options.settings.calls().execute(call);
            } else {
                call.run();
            }
        }

        private void schedule(long delay) {
            try {
                options.settings.timer().schedule(this, delay);
            } catch (RejectedExecutionException shutDown) {
                return; // no timer, no limit
            }
            if (state == ENDED) {
                cancelTimer();
            }
        }

        /** The time is over. */
        @Override
        public void run() {
            if (state == ENDED) {
                return;
            }
            boolean late = options.settings.elapsed() - started > options.limit + LATE;
            if (late && !delayed) {
                delayed = true;
                schedule(SECOND_CHANCE);
            } else if (end()) {
                deliver(() -> actual.onError(new TimeoutException("No response within " + options.limit + " ms")));
                cancelOperation();
            }
        }

        private boolean end() {
            return STATE.getAndSet(this, ENDED) != ENDED;
        }

        private void cancelOperation() {
            Subscription subscription = running;
            if (subscription != null) {
                subscription.cancel();
            }
        }

        @Override
        public void cancel() {
            if (end()) {
                cancelTimer();
                cancelOperation();
            }
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            running = subscription;
            if (state == ENDED) {
                subscription.cancel();
            } else {
                subscription.request(Long.MAX_VALUE);
            }
        }

        @Override
        public void onNext(T result) {
            if (end()) {
                cancelTimer();
                deliver(() -> {
                    actual.onNext(result);
                    actual.onComplete();
                });
            } else {
                Operators.onNextDropped(result, currentContext());
            }
        }

        @Override
        public void onError(Throwable error) {
            if (end()) {
                cancelTimer();
                deliver(() -> actual.onError(error));
            } else {
                SafeCall.drop(error, currentContext());
            }
        }

        @Override
        public void onComplete() {
            if (end()) {
                cancelTimer();
                deliver(actual::onComplete);
            }
        }

        @Override
        @SuppressWarnings("rawtypes") // as Reactor declares it
        public @Nullable Object scanUnsafe(Attr key) {
            if (Attr.ACTUAL.equals(key)) {
                return actual;
            }
            if (Attr.PARENT.equals(key)) {
                return running;
            }
            if (Attr.TERMINATED.equals(key)) {
                return state == ENDED;
            }
            return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
        }
    }
}
