package io.tokenswap.samples.exchange;

import com.github.benmanes.caffeine.cache.Ticker;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Stops requests to a provider that asks for a pause or does not respond. Until the end of a pause every request gets the
 * same refusal without a call. After {@value #MOST_FAILURES} failures in a row no request is sent for {@link #REST}; then
 * one probe decides. Pauses end by a monotonic clock: a wall clock that is set back does not prolong them.
 *
 * <pre>
 *   closed --429--> paused until its Retry-After --> closed
 *   closed --20th failure in a row--> open for 5 s --> one probe --success--> closed
 *                                        '------------ failure ------'
 * </pre>
 */
final class ProviderBreaker {

    static final int MOST_FAILURES = 20;
    static final Duration REST = Duration.ofSeconds(5);

    private static final Logger log = LoggerFactory.getLogger(ProviderBreaker.class);

    private final InstantSource clock;
    private final Ticker ticker;
    private final AtomicReference<State> state;

    /** @param clock the clock by which the provider's responses name the end of a pause */
    ProviderBreaker(InstantSource clock, Ticker ticker) {
        this.clock = clock;
        this.ticker = ticker;
        long now = ticker.read();
        this.state = new AtomicReference<>(new State(0, now, now, false));
    }

    /** Sends a request, or fails at once with the response that says when to come back. */
    <T> Mono<T> send(Mono<T> request) {
        return Mono.defer(() -> {
            long now = ticker.read();
            State seen;
            State changed;
            do {
                seen = state.get();
                if (now - seen.pausedUntil < 0) {
                    return Mono.error(ProviderFailure.throttled(Duration.ofNanos(seen.pausedUntil - now)));
                }
                if (seen.failures >= MOST_FAILURES && (seen.probing || now - seen.openUntil < 0)) {
                    return Mono.error(ProviderFailure.unreachable());
                }
                changed = seen.failures >= MOST_FAILURES ? seen.withProbe(true) : seen;
            } while (!changed.equals(seen) && !state.compareAndSet(seen, changed));
            return request.doOnSuccess(token -> update(current -> current.closed(ticker.read())))
                    .doOnError(this::failed)
                    .doOnCancel(() -> update(current -> current.withProbe(false)));
        });
    }

    boolean isOpen() {
        return state.get().failures >= MOST_FAILURES;
    }

    private void failed(Throwable error) {
        long now = ticker.read();
        if (error instanceof TokenUnavailableException failure) {
            if (failure.reason() == Reason.THROTTLED && failure.status() == 429) {
                Duration pause = ProviderFailure.pause(failure.retryAt(), clock.instant());
                update(current -> current.closed(now).pausedUntil(now + pause.toNanos()));
                return;
            }
            boolean outage = failure.status() == 0 || failure.status() >= 500;
            if (outage) {
                State after = update(current -> current.failed(now + REST.toNanos()));
                if (after.failures == MOST_FAILURES) {
                    log.warn(
                            "The provider failed {} times in a row. Requests rest for {} s.",
                            MOST_FAILURES,
                            REST.toSeconds());
                }
                return;
            }
        }
        if (error instanceof TokenSwapException) {
            // A refusal is a response: the provider is there.
            update(current -> current.closed(ticker.read()));
        } else {
            update(current -> current.withProbe(false));
        }
    }

    private State update(UnaryOperator<State> transition) {
        return state.updateAndGet(transition);
    }

    /**
     * Times are by the ticker.
     *
     * @param failures failures in a row
     * @param openUntil the end of the rest after too many of them
     * @param pausedUntil the end of the pause that the provider asked for
     * @param probing whether the one request after a rest is in flight
     */
    private record State(int failures, long openUntil, long pausedUntil, boolean probing) {

        State closed(long now) {
            return failures == 0 ? this : new State(0, now, pausedUntil, false);
        }

        State failed(long openUntil) {
            return new State(failures + 1, openUntil, pausedUntil, false);
        }

        State pausedUntil(long until) {
            return until - pausedUntil > 0 ? new State(failures, openUntil, until, probing) : this;
        }

        State withProbe(boolean probing) {
            return probing == this.probing ? this : new State(failures, openUntil, pausedUntil, probing);
        }
    }
}
