package io.tokenswap.callback;

import io.tokenswap.AuthorizationFailedException;

/**
 * The port of the redirect URI cannot be bound: another program uses it, on {@code 127.0.0.1} or on {@code ::1}, or the system
 * reserves it. No browser was opened.
 *
 * <p>Remedy: end that program, or give the receiver another port, several ports to choose from, or port 0 for any free one.
 */
public final class PortInUseException extends AuthorizationFailedException {

    private static final long serialVersionUID = 1L;

    private final int port;

    PortInUseException(int port, Throwable cause) {
        super(
                reason(port, cause) + ", or choose another port; the redirect URI must be registered with it.",
                null,
                cause);
        this.port = port;
    }

    private static String reason(int port, Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        return message.contains("in use")
                ? "Port " + port + " is in use by another program. End that program (another login that still waits?)"
                : "Port " + port + " cannot be listened on (" + message + "). Have the system allow it";
    }

    /**
     * Returns the port that could not be bound.
     *
     * @return the port, the last one if there were several to choose from
     */
    public int port() {
        return port;
    }
}
