package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
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

    /** Presents a refresh token. The next token inherits what the response omitted. */
    static Mono<Token> refresh(Token current, RefreshToken presented, SessionSettings settings) {
        return AttemptLimit.apply(
                        Mono.defer(() -> settings.endpoint().refresh(presented)),
                        settings.deadline().plus(BEYOND_DEADLINE),
                        settings)
                .switchIfEmpty(Mono.error(
                        () -> unavailable("The token endpoint emitted nothing", Reason.INVALID_RESPONSE, null)))
                .onErrorMap(TokenRequests::typed)
                .map(next -> TokenSuccession.successor(next, current));
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
