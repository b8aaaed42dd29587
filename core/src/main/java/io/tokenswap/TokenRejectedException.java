package io.tokenswap;

/**
 * The API refused an access token, with HTTP status 401 in most cases.
 *
 * <p>A call made by {@link TokenSource#withToken(java.util.function.Function)} throws this exception to ask for another
 * token. The subscriber sees it only if the API refuses the second token too.
 *
 * <p>Remedy: check that the API accepts tokens of this provider and of these scopes.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3.1">RFC 6750 section 3.1</a>
 */
public final class TokenRejectedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** Creates the exception with a message that names what to check. */
    public TokenRejectedException() {
        this("The API refused the access token. Does it accept tokens of this provider, and of these scopes?");
    }

    /**
     * Creates the exception with a message of the caller.
     *
     * @param message what happened, free of secrets
     */
    public TokenRejectedException(String message) {
        super(message, null);
    }
}
