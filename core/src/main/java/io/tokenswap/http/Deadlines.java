package io.tokenswap.http;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The deadlines of the requests of one client.
 *
 * <p>A timer that is the next one due wakes the thread of the timers, to wait for it from now on, and that takes about as long as
 * a whole request over loopback. So the timer of the request that ended last is left to run out, with nothing to do: while it is
 * there, no later one is the next one due. For the same reason all use the one thread of {@link Schedulers#single()}.
 *
 * <pre>
 *  requests   a|--|  b|---|    c|--|         d|--|
 *  timers     a|-----x (b is over)             .
 *                    b|---------x (c is over)  .
 *                              c|--------------x (d is over)
 * </pre>
 */
final class Deadlines {

    private final Duration limit;
    private final Supplier<Scheduler> scheduler;
    private final AtomicReference<Disposable> last = new AtomicReference<>(Disposables.disposed());

    Deadlines(Duration limit) {
        this(limit, Schedulers::single);
    }

    Deadlines(Duration limit, Supplier<Scheduler> scheduler) {
        this.limit = limit;
        this.scheduler = scheduler;
    }

    /** Fails with a {@link TimeoutException} at the time that counts from the subscription. */
    <T> Mono<T> next() {
        return Mono.create(sink -> {
            Expiry expiry = new Expiry(sink);
            Disposable timer = scheduler.get().schedule(expiry, limit.toNanos(), TimeUnit.NANOSECONDS);
            sink.onDispose(() -> {
                expiry.sink = null;
                last.getAndSet(timer).dispose();
            });
        });
    }

    /** Keeps nothing of a request that is over, as its timer may be left to run out. */
    private final class Expiry implements Runnable {

        private volatile @Nullable MonoSink<?> sink;

        Expiry(MonoSink<?> sink) {
            this.sink = sink;
        }

        @Override
        public void run() {
            MonoSink<?> running = sink;
            if (running != null) {
                running.error(new TimeoutException("No answer within " + limit));
            }
        }
    }
}
