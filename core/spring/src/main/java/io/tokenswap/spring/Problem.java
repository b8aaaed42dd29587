package io.tokenswap.spring;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/**
 * What went wrong, in words for people. The messages of the library hold no secret.
 *
 * @param status the status of the response
 * @param title what happened
 * @param text details and the remedy
 */
record Problem(HttpStatus status, String title, String text) {

    /** Time that a client waits if the error names none. */
    private static final Duration USUAL_WAIT = Duration.ofSeconds(5);

    static Problem of(TokenSwapException error) {
        return new Problem(status(error), title(error), String.valueOf(error.getMessage()));
    }

    /** The seconds after which another attempt makes sense; null if waiting is no remedy. */
    static @Nullable String retryAfter(TokenSwapException error) {
        if (!(error instanceof TokenUnavailableException unavailable)) {
            return null;
        }
        Instant retryAt = unavailable.retryAt();
        Duration wait = retryAt == null ? USUAL_WAIT : Duration.between(Instant.now(), retryAt);
        return Long.toString(Math.max(1, wait.plusMillis(999).toSeconds()));
    }

    private static HttpStatus status(TokenSwapException error) {
        if (error instanceof AuthorizationFailedException failed) {
            return failed.denied() ? HttpStatus.FORBIDDEN : HttpStatus.BAD_REQUEST;
        }
        if (isLoginRequired(error)) {
            return HttpStatus.UNAUTHORIZED;
        }
        return error instanceof TokenUnavailableException ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.BAD_GATEWAY;
    }

    private static String title(TokenSwapException error) {
        if (error instanceof AuthorizationFailedException failed) {
            return failed.denied() ? "The sign-in was denied" : "The sign-in failed";
        }
        return isLoginRequired(error) ? "Sign in" : "There is no token at the moment";
    }

    static boolean isLoginRequired(Throwable error) {
        return error instanceof LoginRequiredException
                || (error instanceof OAuthErrorException refused && refused.requiresLogin());
    }
}
