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
 * Time limit of an operation. The process may have been frozen for longer than the limit, with the result already in a socket:
 * a result that is there counts, however late the timer is. So the timer runs twice, shortly before the limit and at the
 * limit. If one of them is late, the operation gets more time to deliver the result.
 *
 * <pre>
 *  time      |---------------------------1--2                 1: is the timer in time? 2: the end of the operation
 *  frozen    |------ xxxxxxxxxxxxxxxxxxxxxxxxxx 1--------2    a result that came meanwhile is delivered before 2
 * </pre>
 *
 * @param <T> the type of the result of the operation
 * @param <R> the type to which that result is converted
 */
final class AttemptLimit<T, R> extends Mono<R> {

    /** The shortest delay that shows that the process was frozen. The first timer runs that long before the limit. */
    private static final long LATE = 200;

    /** Time to deliver a result that had arrived before the process continued. */
    private static final long SECOND_CHANCE = 2_000;

    /** Meaning of the signals of an operation. By default an error and an empty end are passed on. */
    interface Outcome<T, R> {

        R result(T result);

        default Throwable error(Throwable error) {
            return error;
        }

        /** Returns the error for an operation that completes without a result, or null if that is none. */
        default @Nullable Throwable empty() {
            return null;
        }
    }

    private static final Outcome<Object, Object> PASSED_ON = result -> result;

    private final Mono<T> operation;
    private final Outcome<T, R> outcome;
    private final long limit;
    private final SessionSettings settings;

    /** True if the application gets the result: its code must not run on a thread of the store or of the timers. */
    private final boolean foreign;

    private AttemptLimit(
            Mono<T> operation, Outcome<T, R> outcome, Duration limit, SessionSettings settings, boolean foreign) {
        this.operation = operation;
        this.outcome = outcome;
        this.limit = limit.toMillis();
        this.settings = settings;
        this.foreign = foreign;
    }

    /**
     * Returns the result of an operation, or a {@link TimeoutException}. After the end of the scheduler the operation has no
     * limit: there are no timers then.
     */
    static <T> Mono<T> apply(Mono<T> operation, Duration limit, SessionSettings settings) {
        return onAssembly(new AttemptLimit<>(operation, passedOn(), limit, settings, false));
    }

    static <T, R> Mono<R> apply(Mono<T> operation, Outcome<T, R> outcome, Duration limit, SessionSettings settings) {
        return onAssembly(new AttemptLimit<>(operation, outcome, limit, settings, false));
    }

    @SuppressWarnings("unchecked") // for all types
    private static <T> Outcome<T, T> passedOn() {
        return (Outcome<T, T>) (Outcome<?, ?>) PASSED_ON;
    }

    /** Does the same for a result that the application gets: at once on its own thread, later on a thread for calls. */
    static <T> Mono<T> applyForCaller(Mono<T> operation, Duration limit, SessionSettings settings) {
        return onAssembly(new AttemptLimit<>(operation, passedOn(), limit, settings, true));
    }

    @Override
    public void subscribe(CoreSubscriber<? super R> actual) {
        actual.onSubscribe(new Limited<>(this, actual));
    }

    /** The operation and its timer, which run from the first request on. */
    @SuppressWarnings("ReferenceEquality") // threads have an identity
    private static final class Limited<T, R> extends SharedTimer.Limit
            implements CoreSubscriber<T>, Subscription, Scannable {

        @SuppressWarnings("rawtypes")
        private static final AtomicIntegerFieldUpdater<Limited> STATE =
                AtomicIntegerFieldUpdater.newUpdater(Limited.class, "state");

        private static final int IDLE = 0;
        private static final int RUNNING = 1;
        private static final int ENDED = 2;

        private final AttemptLimit<T, R> options;
        private final CoreSubscriber<? super R> actual;
        private long started;
        private volatile int state;
        private volatile @Nullable Subscription running;

        /** The thread that starts the operation, while it does so. */
        private volatile @Nullable Thread starting;

        /** True after a timer that was in time. Only touched by the timer. */
        private boolean inTime;

        /** True while a second chance is given. Only touched by the timer. */
        private boolean delayed;

        Limited(AttemptLimit<T, R> options, CoreSubscriber<? super R> actual) {
            this.options = options;
            this.actual = actual;
        }

        @Override
        public void request(long n) {
            if (Operators.validate(n) && STATE.compareAndSet(this, IDLE, RUNNING)) {
                started = options.settings.elapsed();
                // Before the operation: it may block this thread.
                options.settings.timer().limit(this, options.limit - LATE);
                starting = Thread.currentThread();
                options.operation.subscribe(this);
                starting = null;
            }
        }

        /** Passes a result on, or else an error, or else the end. */
        private void emit(@Nullable R result, @Nullable Throwable error) {
            if (options.foreign && starting != Thread.currentThread()) {
                options.settings.calls().execute(() -> signal(result, error));
            } else {
                signal(result, error);
            }
        }

        private void signal(@Nullable R result, @Nullable Throwable error) {
            if (result != null) {
                actual.onNext(result);
                actual.onComplete();
            } else if (error != null) {
                actual.onError(error);
            } else {
                actual.onComplete();
            }
        }

        private void setTimer(long delay, long now) {
            try {
                options.settings.timer().schedule(this, delay, now);
            } catch (RejectedExecutionException shutDown) {
                return; // no timer, no limit
            }
            if (state == ENDED) {
                cancelTimer();
            }
        }

        /** Ends the operation, as its time has passed. */
        @Override
        public void run() {
            if (state == ENDED) {
                return;
            }
            long now = options.settings.elapsed();
            long left = options.limit - (now - started);
            if (left > 0) {
                inTime = true;
                setTimer(left, now);
            } else if (!delayed && (!inTime || left < -LATE)) {
                delayed = true;
                setTimer(SECOND_CHANCE, now);
            } else if (end()) {
                options.settings.work().execute(this::expire); // foreign code must not stop this timer
            }
        }

        private void expire() {
            emit(null, options.outcome.error(new TimeoutException("No response within " + options.limit + " ms")));
            cancelOperation();
        }

        @Override
        boolean isRunning() {
            return state != ENDED;
        }

        @Override
        void startTimer() {
            long now = options.settings.elapsed();
            setTimer(Math.max(0, options.limit - LATE - (now - started)), now);
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
                R mapped;
                try {
                    mapped = options.outcome.result(result);
                } catch (Throwable thrown) {
                    emit(null, options.outcome.error(thrown));
                    return;
                }
                emit(mapped, null);
            } else {
                Operators.onNextDropped(result, currentContext());
            }
        }

        @Override
        public void onError(Throwable error) {
            if (end()) {
                cancelTimer();
                emit(null, options.outcome.error(error));
            } else {
                SafeCall.drop(error, currentContext());
            }
        }

        @Override
        public void onComplete() {
            if (end()) {
                cancelTimer();
                emit(null, options.outcome.empty());
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
