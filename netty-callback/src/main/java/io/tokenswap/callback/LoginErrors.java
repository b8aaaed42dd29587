package io.tokenswap.callback;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Creates the errors that end a login before its response. No method names the class of its error in its type: the JVM
 * would load that class to verify the callers, at the start of every login.
 */
final class LoginErrors {

    private LoginErrors() {}

    static RuntimeException portInUse(int port, Throwable cause) {
        return new PortInUseException(port, cause);
    }

    static RuntimeException redirectHost(String host, String reason) {
        return new RedirectHostException(host, reason);
    }

    static RuntimeException timedOut(Duration timeout, @Nullable String hint) {
        return new LoginTimeoutException(timeout, hint);
    }
}
