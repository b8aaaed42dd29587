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

/** The endpoint as a session uses it: it always ends, and each of its errors is a {@link TokenSwapException}. */
final class TokenRequests {

    /** The endpoint counts the deadline itself and knows more about it, so the session waits a little longer. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private TokenRequests() {}

    /** Presents a refresh token. The next token inherits what the response omitted. */
    static Mono<Token> refresh(Token current, RefreshToken presented, SessionSettings settings) {
        return AttemptLimit.apply(
                        Mono.defer(() -> settings.endpoint().refresh(presented)),
                        settings.deadline().plus(PATIENCE),
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
