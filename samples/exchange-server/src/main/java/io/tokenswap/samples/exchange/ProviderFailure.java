package io.tokenswap.samples.exchange;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.samples.exchange.ErrorResponse.Processed;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Translates a failure at the provider into the response for the application. Only the provider can end a grant: an outage must
 * never look like {@code invalid_grant}, or users would have to sign in again without need.
 */
final class ProviderFailure {

    /** The pause that is asked for where the provider names none. */
    static final Duration DEFAULT_PAUSE = Duration.ofSeconds(5);

    private static final Set<String> MISCONFIGURATIONS = Set.of("invalid_client", "unauthorized_client");

    private static final Logger log = LoggerFactory.getLogger(ProviderFailure.class);

    private ProviderFailure() {}

    static ErrorResponse response(GrantType grantType, TokenSwapException failure, Instant now, Caller caller) {
        if (failure instanceof OAuthErrorException reported) {
            return reported(grantType, reported, caller);
        }
        if (failure instanceof RequestRejectedException rejected) {
            boolean unauthorized = rejected.status() == 401 || rejected.status() == 403;
            log.error(
                    "The provider's token URL responded with status {}. Check {}.",
                    rejected.status(),
                    unauthorized ? "CLIENT_ID, CLIENT_SECRET and PROVIDER_TOKEN_URL" : "PROVIDER_TOKEN_URL");
            return unauthorized ? misconfigured() : unusable();
        }
        if (failure instanceof TokenUnavailableException unavailable) {
            log.warn(
                    "The provider returned no token: {}, status {} (request {})",
                    unavailable.reason(),
                    unavailable.status() == 0 ? "none" : unavailable.status(),
                    caller.requestId());
            return unavailable(unavailable, now);
        }
        log.error(
                "The provider returned no token: {} (request {})",
                failure.getClass().getSimpleName(),
                caller.requestId());
        return unusable();
    }

    private static ErrorResponse reported(GrantType grantType, OAuthErrorException failure, Caller caller) {
        String error = failure.error();
        if (error.equals(OAuthErrorException.INVALID_GRANT)) {
            if (grantType == GrantType.AUTHORIZATION_CODE) {
                log.warn(
                        "The provider refused a code ({}). Likely causes: the redirect URI or the code. (request {})",
                        error,
                        caller.requestId());
            }
            // The seal was valid. Only a direct code may be a stranger's guess, and it costs a request like any other.
            return invalidGrant().nobodysFault();
        }
        if (error.equals("invalid_request")) {
            return new ErrorResponse(400, error, "The provider finds something missing or malformed in this request")
                    .nobodysFault();
        }
        if (MISCONFIGURATIONS.contains(error)) {
            log.error(
                    "The provider responded with {} (status {}). Check CLIENT_ID and CLIENT_SECRET. (request {})",
                    error,
                    failure.status(),
                    caller.requestId());
            return misconfigured();
        }
        log.error(
                "The provider responded with the unknown error {} (status {}, request {})",
                error,
                failure.status(),
                caller.requestId());
        return unusable();
    }

    private static ErrorResponse unavailable(TokenUnavailableException failure, Instant now) {
        return switch (failure.reason()) {
            case NOT_SENT -> unreachable();
            case THROTTLED -> throttled(pause(failure.retryAt(), now));
            case RESPONSE_LOST ->
                isTimeout(failure)
                        ? failed(
                                504,
                                "temporarily_unavailable",
                                "The provider did not respond in time",
                                Processed.UNKNOWN)
                        : failure.status() == 503 ? outage(pause(failure.retryAt(), now)) : unusable();
            default -> unusable();
        };
    }

    /** Returns the time until the instant that the provider named, or the default where it named none. */
    static Duration pause(@Nullable Instant retryAt, Instant now) {
        return retryAt == null ? DEFAULT_PAUSE : Duration.between(now, retryAt);
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

    /** Returns the outcome of a request to the provider in one word of a bounded set, for a label. */
    static String kind(@Nullable Throwable failure) {
        if (failure == null) {
            return "success";
        }
        if (failure instanceof OAuthErrorException reported) {
            return reported.error().equals(OAuthErrorException.INVALID_GRANT) ? "invalid_grant" : "refused";
        }
        return failure instanceof TokenUnavailableException unavailable
                ? unavailable.reason().name().toLowerCase(Locale.ROOT)
                : "rejected";
    }

    private static ErrorResponse invalidGrant() {
        return ErrorResponse.invalidGrant("The provider does not accept this code or refresh token");
    }

    static ErrorResponse throttled(Duration pause) {
        return new ErrorResponse(
                429,
                "temporarily_unavailable",
                "The provider asks to wait",
                ErrorResponse.retryAfter(pause),
                Processed.NO);
    }

    /** Returns the response for a 503 of the provider, which may nevertheless have processed the request. */
    private static ErrorResponse outage(Duration pause) {
        return new ErrorResponse(
                503,
                "temporarily_unavailable",
                "The provider is temporarily unavailable",
                ErrorResponse.retryAfter(pause),
                Processed.UNKNOWN);
    }

    static ErrorResponse unreachable() {
        return new ErrorResponse(
                503,
                "temporarily_unavailable",
                "The provider cannot be reached",
                ErrorResponse.retryAfter(DEFAULT_PAUSE),
                Processed.NO);
    }

    private static ErrorResponse unusable() {
        return failed(502, "server_error", "The provider returned no usable response", Processed.UNKNOWN);
    }

    private static ErrorResponse misconfigured() {
        return failed(500, "server_error", "This exchange server is not configured correctly", Processed.NO);
    }

    private static ErrorResponse failed(int status, String error, String description, Processed processed) {
        return new ErrorResponse(status, error, description, Map.of(), processed);
    }
}
