package io.tokenswap;

/**
 * The session was disposed, before the caller asked for a token or while it waited.
 *
 * <p>Remedy: none. The application itself closed the session.
 */
public final class SessionClosedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** Creates the exception for a caller of a closed session. */
    public SessionClosedException() {
        super("The session is closed", null);
    }
}
