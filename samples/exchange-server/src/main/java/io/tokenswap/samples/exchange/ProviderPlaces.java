package io.tokenswap.samples.exchange;

import io.tokenswap.internal.Timers;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.pool.InstrumentedPool;
import reactor.pool.PoolAcquirePendingLimitException;
import reactor.pool.PoolBuilder;
import reactor.pool.PooledRef;

/**
 * Bounds the requests to the provider that are in flight, and those that wait. A request that finds no place is refused at
 * once. A request that gets none in time is refused too, because its caller would have given up.
 */
final class ProviderPlaces {

    private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);
    private static final Duration POLL = Duration.ofMillis(20);

    private final InstrumentedPool<Object> places;
    private final Duration longestWait;

    ProviderPlaces(int inFlight, int waiting) {
        this(inFlight, waiting, LONGEST_WAIT);
    }

    ProviderPlaces(int inFlight, int waiting, Duration longestWait) {
        this.longestWait = longestWait;
        this.places = PoolBuilder.from(Mono.fromSupplier(Object::new))
                .sizeBetween(0, inFlight)
                .maxPendingAcquire(waiting)
                .acquisitionScheduler(Schedulers.immediate())
                // By default the pool waits on Reactor's shared threads, which a program around this server may occupy.
                .pendingAcquireTimer(
                        (expired, after) -> Timers.scheduler().schedule(expired, after.toNanos(), TimeUnit.NANOSECONDS))
                .buildPool();
    }

    /** Sends a request as soon as there is a place for it. */
    <T> Mono<T> send(Mono<T> request) {
        Mono<PooledRef<Object>> place = places.acquire(longestWait)
                .onErrorMap(
                        error -> error instanceof PoolAcquirePendingLimitException || error instanceof TimeoutException,
                        error -> busy());
        return Mono.usingWhen(place, taken -> request, PooledRef::release);
    }

    /** Completes when no request is in flight or waits. */
    Mono<Void> idle() {
        return Flux.interval(Duration.ZERO, POLL, Timers.scheduler())
                .onBackpressureDrop()
                .takeWhile(tick -> inFlight() + waiting() > 0)
                .then();
    }

    int inFlight() {
        return places.metrics().acquiredSize();
    }

    int waiting() {
        return places.metrics().pendingAcquireSize();
    }

    private static ErrorResponse busy() {
        Map<String, String> retryAfter = ErrorResponse.retryAfter(ProviderFailure.DEFAULT_PAUSE);
        return new ErrorResponse(
                503,
                "temporarily_unavailable",
                "Too many requests wait for the provider",
                retryAfter,
                ErrorResponse.Processed.NO);
    }
}
