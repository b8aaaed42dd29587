package io.tokenswap.callback;

import io.tokenswap.AuthorizationFailedException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The login was not finished in time: no redirect arrived. The port is free again.
 *
 * <p>Remedy: start another login, or allow more time.
 */
public final class LoginTimeoutException extends AuthorizationFailedException {

    private static final long serialVersionUID = 1L;

    private final Duration timeout;

    /** Creates an error with a hint at what may have kept the redirect from arriving, or null. */
    LoginTimeoutException(Duration timeout, @Nullable String hint) {
        super(
                "The sign-in was not finished within " + inWords(timeout)
                        + ". If the browser window was closed, start the sign-in again."
                        + (hint == null ? "" : " " + hint),
                null,
                null);
        this.timeout = timeout;
    }

    /**
     * Returns the time for which the login waited.
     *
     * @return the timeout that was set
     */
    public Duration timeout() {
        return timeout;
    }

    private static String inWords(Duration timeout) {
        return timeout.toSeconds() >= 120 && timeout.toSecondsPart() == 0
                ? timeout.toMinutes() + " minutes"
                : timeout.toMillis() >= 2000 ? timeout.toSeconds() + " seconds" : timeout.toMillis() + " ms";
    }
}
