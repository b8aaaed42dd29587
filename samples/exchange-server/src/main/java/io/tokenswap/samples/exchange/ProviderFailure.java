package io.tokenswap.samples.exchange;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.samples.exchange.ErrorResponse.Processed;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the application is told when the provider did not give a token. Only the provider can end a grant: an outage, its or
 * ours, must never look like {@code invalid_grant}, or users would be sent to sign in again for nothing.
 */
final class ProviderFailure {

    private static final Logger log = LoggerFactory.getLogger(ProviderFailure.class);

    private ProviderFailure() {}

    static ErrorResponse refusal(TokenSwapException failure, Instant now) {
        if (failure instanceof OAuthErrorException said) {
            return said(said);
        }
        if (failure instanceof RequestRejectedException rejected) {
            log.error("The provider's token URL answered status {}: check PROVIDER_TOKEN_URL", rejected.status());
            return rejected.status() == 401 || rejected.status() == 403 ? misconfigured() : nonsense();
        }
        if (failure instanceof TokenUnavailableException unavailable) {
            return unavailable(unavailable, now);
        }
        log.error("The provider gave no token: {}", failure.getClass().getSimpleName());
        return nonsense();
    }

    private static ErrorResponse said(OAuthErrorException failure) {
        return switch (failure.error()) {
            case OAuthErrorException.INVALID_GRANT ->
                new ErrorResponse(
                        400,
                        OAuthErrorException.INVALID_GRANT,
                        "The provider does not accept this code or refresh token");
            case "invalid_request" ->
                new ErrorResponse(
                        400, "invalid_request", "The provider finds something missing or malformed in this request");
            default -> {
                log.error(
                        "The provider answered {} (status {}): check SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET and the"
                                + " redirect URI that is registered there",
                        failure.error(),
                        failure.status());
                yield misconfigured();
            }
        };
    }

    private static ErrorResponse unavailable(TokenUnavailableException failure, Instant now) {
        log.warn("The provider gave no token: {}", failure.reason());
        return switch (failure.reason()) {
            case NOT_SENT -> unreachable();
            case THROTTLED ->
                new ErrorResponse(
                        429,
                        "temporarily_unavailable",
                        "The provider asks for patience",
                        retryAfter(failure.retryAt(), now),
                        Processed.NO);
            case UNKNOWN ->
                isTimeout(failure)
                        ? failed(
                                504,
                                "temporarily_unavailable",
                                "The provider did not answer in time",
                                Processed.UNKNOWN)
                        : nonsense();
            case PROTOCOL, REFUSED -> nonsense();
        };
    }

    private static Map<String, String> retryAfter(@Nullable Instant retryAt, Instant now) {
        if (retryAt == null) {
            return Map.of();
        }
        // Rounded up: a moment too early is one more 429.
        long seconds = Duration.between(now, retryAt).plusMillis(999).toSeconds();
        return Map.of("Retry-After", String.valueOf(Math.max(1, seconds)));
    }

    private static boolean isTimeout(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof java.util.concurrent.TimeoutException
                    || cause instanceof io.netty.handler.timeout.TimeoutException) {
                return true;
            }
        }
        return false;
    }

    private static ErrorResponse unreachable() {
        return failed(503, "temporarily_unavailable", "The provider cannot be reached", Processed.NO);
    }

    private static ErrorResponse nonsense() {
        return failed(502, "server_error", "The provider gave no usable answer", Processed.UNKNOWN);
    }

    private static ErrorResponse misconfigured() {
        return failed(500, "server_error", "This exchange server is not configured correctly", Processed.NO);
    }

    private static ErrorResponse failed(int status, String error, String description, Processed processed) {
        return new ErrorResponse(status, error, description, Map.of(), processed);
    }
}
