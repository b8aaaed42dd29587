package io.tokenswap;

/**
 * The session was disposed of while a caller waited, or before it asked.
 *
 * <p>Remedy: none; whoever closed the session meant it.
 */
public final class SessionClosedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** A caller of a closed session. */
    public SessionClosedException() {
        super("The session is closed", null);
    }
}
