package io.tokenswap.session;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Time limit of an operation. A limit that fires late does not end the operation at once: the process may have been frozen for
 * longer than the limit, with the result already in a socket. The operation then gets a little more time to deliver the result.
 */
final class AttemptLimit {

    /** Delay of a timer that shows that the whole process was held up. */
    private static final long LATE = 1_000;

    /** Time to deliver a result that had arrived before the process continued. */
    private static final long SECOND_CHANCE = 2_000;

    private AttemptLimit() {}

    /**
     * Returns the result of an operation, or a {@link TimeoutException}. After the end of the scheduler the operation has no limit: there
     * are no timers then.
     */
    static <T> Mono<T> apply(Mono<T> operation, Duration limit, SessionSettings settings) {
        return operation.or(Mono.create(sink -> {
            long started = settings.elapsed();
            Disposable.Swap timer = Disposables.swap();
            sink.onDispose(timer);
            schedule(timer, limit.toMillis(), settings, () -> {
                boolean late = settings.elapsed() - started > limit.toMillis() + LATE;
                if (late) {
                    schedule(timer, SECOND_CHANCE, settings, () -> fail(sink, limit));
                } else {
                    fail(sink, limit);
                }
            });
        }));
    }

    private static void fail(MonoSink<?> sink, Duration limit) {
        sink.error(new TimeoutException("No response within " + limit.toMillis() + " ms"));
    }

    private static void schedule(Disposable.Swap timer, long delay, SessionSettings settings, Runnable task) {
        try {
            SharedTimer.Tick tick = settings.timer().schedule(task, delay);
            timer.update(() -> tick.remove(task));
        } catch (RejectedExecutionException shutDown) {
            // no timer, no limit
        }
    }
}
