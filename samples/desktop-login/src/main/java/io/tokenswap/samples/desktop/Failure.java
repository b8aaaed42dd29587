package io.tokenswap.samples.desktop;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.callback.LoginTimeoutException;
import io.tokenswap.callback.PortInUseException;
import io.tokenswap.http.Dialect;
import java.io.UncheckedIOException;
import reactor.core.Exceptions;
import reactor.netty.ChannelBindException;

/**
 * End of the program after a failure.
 *
 * @param kind a word for programs
 * @param exitCode the exit code
 * @param message one line for people, which names the remedy
 */
record Failure(String kind, int exitCode, String message) {

    Failure {
        message = message.replaceAll("\\p{Cc}+", " ").strip();
    }

    static Failure usage(String message) {
        return new Failure("usage", 2, message);
    }

    static Failure of(Throwable thrown) {
        Throwable error = Exceptions.unwrap(thrown);
        String message = String.valueOf(error.getMessage());
        if (error instanceof PortInUseException) {
            return new Failure("port_in_use", 3, message + " To choose one: --listen http://127.0.0.1:PORT/auth");
        } else if (error instanceof ChannelBindException taken) {
            return new Failure(
                    "port_in_use",
                    3,
                    "Port " + taken.localPort()
                            + " of the exchange server is in use by another program. End that program,"
                            + " or set PORT to another port, with which the callback must be registered.");
        } else if (error instanceof LoginTimeoutException) {
            return new Failure("timeout", 4, message + " To wait longer: --timeout");
        } else if (error instanceof AuthorizationFailedException failed) {
            return new Failure(failed.denied() ? "denied" : "login_failed", 5, message);
        } else if (error instanceof TokenUnavailableException unavailable) {
            return unavailable.reason() == Reason.STORE_FAILED
                    ? new Failure(
                            "token_file",
                            11,
                            unavailable.getCause() instanceof UncheckedIOException file
                                    ? String.valueOf(file.getMessage())
                                    : message)
                    : new Failure("unavailable", 6, message);
        } else if (error instanceof LoginRequiredException) {
            return new Failure("login_required", 8, message);
        } else if (error instanceof OAuthErrorException rejected) {
            String words = rejected.description() == null ? "" : " It says: " + rejected.description();
            return rejected.requiresLogin()
                    ? new Failure("login_required", 8, message + words)
                    : new Failure("refused", 7, inOptions(message) + words + wrongUrl(rejected.status()));
        } else if (error instanceof RequestRejectedException) {
            return new Failure("refused", 7, inOptions(message));
        } else if (error instanceof ClosedOutputException) {
            return new Failure("output", 10, "The reader of the output has closed it.");
        } else if (error instanceof UncheckedIOException) {
            return new Failure("token_file", 11, message);
        } else if (error instanceof ApiException) {
            return new Failure("api", 9, message);
        } else if (error instanceof IllegalArgumentException) {
            return usage(message); // an option, or a variable of the exchange server
        }
        return new Failure("internal", 1, error.getClass().getName() + ": " + message);
    }

    /** Replaces the names of dialects by the options of this program. */
    private static String inOptions(String message) {
        String words = message;
        for (Dialect dialect : Dialect.values()) {
            words = words.replace(dialect.name(), "--dialect " + OptionValues.spelling(dialect));
        }
        return words;
    }

    private static String wrongUrl(int status) {
        return status == 404 || status == 405
                ? ". Are --exchange, --swap-url and --refresh-url right? With --client-id, is --token-url right?"
                : "";
    }
}
