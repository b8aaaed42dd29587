package io.tokenswap;

/**
 * The server refused the request without an OAuth error: a redirect, a 404, a 415, a page of HTML. As a rule something else
 * answers at that URL, or the exchange server speaks another dialect.
 *
 * <p>Remedy: mend the URL or the dialect, as the message says; the same request fails again. The grant is untouched.
 */
public final class RequestRejectedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    private final int status;

    /**
     * A refusal.
     *
     * @param message what was answered and what to do about it, free of secrets
     * @param status the HTTP status of the answer
     */
    public RequestRejectedException(String message, int status) {
        super(message, null);
        this.status = status;
    }

    /**
     * The HTTP status of the answer.
     *
     * @return the status
     */
    public int status() {
        return status;
    }
}
