package io.tokenswap;

/**
 * The server rejected the request without an OAuth error, for example with a redirect, a 404, a 415 or a page of HTML.
 * Usually another program listens at that URL, or the exchange server speaks another dialect.
 *
 * <p>Remedy: fix the URL or the dialect, as the message says. The same request fails again. The grant is not affected.
 */
public final class RequestRejectedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    private final int status;

    /**
     * Creates the exception of a rejected request.
     *
     * @param message what the server sent and what to do about it, free of secrets
     * @param status the HTTP status of the response
     */
    public RequestRejectedException(String message, int status) {
        super(message, null);
        this.status = status;
    }

    /**
     * Returns the HTTP status of the response.
     *
     * @return the status
     */
    public int status() {
        return status;
    }
}
