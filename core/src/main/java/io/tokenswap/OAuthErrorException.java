package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * The server rejected the request with an OAuth error:
 *
 * <pre>
 * HTTP/1.1 400 Bad Request
 * {"error": "invalid_grant", "error_description": "Refresh token revoked"}
 * </pre>
 *
 * <p>Remedy: sign in again if {@link #requiresLogin()}, else fix the configuration of the client or of the exchange
 * server. The same request fails again.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.2">RFC 6749 section 5.2</a>
 */
public final class OAuthErrorException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** Error code of a grant that has been used, has expired or was revoked. */
    public static final String INVALID_GRANT = "invalid_grant";

    private final String error;
    private final @Nullable String description;
    private final int status;

    /**
     * Creates the exception of an error that a server reported.
     *
     * @param error the error code, for example {@code invalid_grant}
     * @param description the server's text for people, or null; characters that RFC 6749 does not allow are removed
     * @param status the HTTP status of the response
     */
    public OAuthErrorException(String error, @Nullable String description, int status) {
        this(error, description, status, "");
    }

    /**
     * Creates the exception of an error that a server reported, with a hint at its likely cause.
     *
     * @param error the error code, for example {@code invalid_grant}
     * @param description the server's text for people, or null; characters that RFC 6749 does not allow are removed
     * @param status the HTTP status of the response
     * @param hint sentences that end the message in place of the usual remedy; must not come from the server; empty for
     *     none
     */
    public OAuthErrorException(String error, @Nullable String description, int status, String hint) {
        super(message(OAuthText.error(error), status, hint.strip()), null);
        this.error = OAuthText.error(error);
        this.description = OAuthText.description(description);
        this.status = status;
    }

    // Without the description: some servers repeat the request in it.
    private static String message(String error, int status, String hint) {
        String what = "The server responded with " + error + " (status " + status + "). ";
        if (!hint.isEmpty()) {
            return what + hint;
        }
        return what
                + (INVALID_GRANT.equals(error)
                        ? "The grant has ended: the user must sign in again."
                        : "Check the configuration: client id, secret, redirect URI and scopes.");
    }

    /**
     * Returns the error code.
     *
     * @return the value of {@code error}
     */
    public String error() {
        return error;
    }

    /**
     * Returns the server's text for people.
     *
     * @return printable ASCII of at most 256 characters, or null
     */
    public @Nullable String description() {
        return description;
    }

    /**
     * Returns the HTTP status of the response.
     *
     * @return the status; some servers send 200 even for errors
     */
    public int status() {
        return status;
    }

    /**
     * Returns true if only a new login helps.
     *
     * @return true for {@code invalid_grant}
     */
    public boolean requiresLogin() {
        return INVALID_GRANT.equals(error);
    }
}
