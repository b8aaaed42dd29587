package io.tokenswap.callback;

import io.tokenswap.AuthorizationFailedException;
import java.time.Duration;

/**
 * Nobody finished the sign-in in time. The port is free again.
 *
 * <p>Remedy: start another login, or allow more time.
 */
public final class LoginTimeoutException extends AuthorizationFailedException {

    private static final long serialVersionUID = 1L;

    private final Duration timeout;

    LoginTimeoutException(Duration timeout) {
        super("Nobody finished the sign-in within " + inWords(timeout) + ". Start it again.", null, null);
        this.timeout = timeout;
    }

    /**
     * How long the login waited.
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
