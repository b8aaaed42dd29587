package io.tokenswap.samples.exchange;

import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Stops requests to a provider that asks for a pause or does not respond. Until the end of a pause every request gets the
 * same refusal without a call. After {@value #MOST_FAILURES} failures in a row no request is sent for {@link #REST}; then
 * one probe decides.
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
    private final AtomicReference<State> state = new AtomicReference<>(new State(0, Instant.MIN, Instant.MIN, false));

    ProviderBreaker(InstantSource clock) {
        this.clock = clock;
    }

    /** Sends a request, or fails at once with the response that says when to come back. */
    <T> Mono<T> send(Mono<T> request) {
        return Mono.defer(() -> {
            Instant now = clock.instant();
            State seen;
            State changed;
            do {
                seen = state.get();
                if (now.isBefore(seen.pausedUntil)) {
                    return Mono.error(ProviderFailure.throttled(Duration.between(now, seen.pausedUntil)));
                }
                if (seen.failures >= MOST_FAILURES && (seen.probing || now.isBefore(seen.openUntil))) {
                    return Mono.error(ProviderFailure.unreachable());
                }
                changed = seen.failures >= MOST_FAILURES ? seen.withProbe(true) : seen;
            } while (!changed.equals(seen) && !state.compareAndSet(seen, changed));
            return request.doOnSuccess(token -> update(State::closed))
                    .doOnError(this::failed)
                    .doOnCancel(() -> update(current -> current.withProbe(false)));
        });
    }

    boolean isOpen() {
        return state.get().failures >= MOST_FAILURES;
    }

    private void failed(Throwable error) {
        Instant now = clock.instant();
        if (error instanceof TokenUnavailableException failure) {
            if (failure.reason() == Reason.THROTTLED && failure.status() == 429) {
                Instant until = now.plus(ProviderFailure.pause(failure.retryAt(), now));
                update(current -> current.closed().pausedUntil(until));
                return;
            }
            boolean outage = failure.status() == 0 || failure.status() >= 500;
            if (outage) {
                State after = update(current -> current.failed(now.plus(REST)));
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
            update(State::closed);
        } else {
            update(current -> current.withProbe(false));
        }
    }

    private State update(UnaryOperator<State> transition) {
        return state.updateAndGet(transition);
    }

    /**
     * @param failures failures in a row
     * @param openUntil the end of the rest after too many of them
     * @param pausedUntil the end of the pause that the provider asked for
     * @param probing whether the one request after a rest is in flight
     */
    private record State(int failures, Instant openUntil, Instant pausedUntil, boolean probing) {

        State closed() {
            return failures == 0 ? this : new State(0, Instant.MIN, pausedUntil, false);
        }

        State failed(Instant openUntil) {
            return new State(failures + 1, openUntil, pausedUntil, false);
        }

        State pausedUntil(Instant until) {
            return until.isAfter(pausedUntil) ? new State(failures, openUntil, until, probing) : this;
        }

        State withProbe(boolean probing) {
            return probing == this.probing ? this : new State(failures, openUntil, pausedUntil, probing);
        }
    }
}
