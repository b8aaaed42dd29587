package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Requests of a session to its endpoint. A request always ends, and each error is a {@link TokenSwapException}. */
final class TokenRequests {

    /**
     * Time by which the session waits longer than the deadline. The endpoint keeps the deadline itself and has the better
     * error.
     */
    private static final Duration BEYOND_DEADLINE = Duration.ofSeconds(2);

    private TokenRequests() {}

    /**
     * Presents a refresh token. The next token inherits what the response omitted.
     *
     * @param result converts the next token
     */
    static <R> Mono<R> refresh(
            Token current, RefreshToken presented, SessionSettings settings, Function<? super Token, R> result) {
        return AttemptLimit.apply(
                Mono.defer(() -> settings.endpoint().refresh(presented)),
                new AttemptLimit.Outcome<>() {

                    @Override
                    public R result(Token next) {
                        return result.apply(TokenSuccession.successor(next, current));
                    }

                    @Override
                    public Throwable error(Throwable error) {
                        return typed(error);
                    }

                    @Override
                    public Throwable empty() {
                        return unavailable("The token endpoint emitted nothing", Reason.INVALID_RESPONSE, null);
                    }
                },
                settings.deadline().plus(BEYOND_DEADLINE),
                settings);
    }

    static TokenSwapException typed(Throwable error) {
        if (error instanceof TokenSwapException said) {
            return said;
        }
        return error instanceof TimeoutException
                ? unavailable("The token endpoint did not respond in time", Reason.RESPONSE_LOST, error)
                : unavailable(
                        "The token endpoint failed with " + error.getClass().getName(), Reason.RESPONSE_LOST, error);
    }

    static TokenUnavailableException unavailable(String message, Reason reason, @Nullable Throwable cause) {
        return new TokenUnavailableException(message, reason, null, cause);
    }
}
