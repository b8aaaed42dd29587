package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * The server said no in the words of OAuth:
 *
 * <pre>
 * HTTP/1.1 400 Bad Request
 * {"error": "invalid_grant", "error_description": "Refresh token revoked"}
 * </pre>
 *
 * <p>Remedy: sign in again when {@link #requiresLogin()}, else mend the configuration of the client or of the exchange server;
 * the same request fails again.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.2">RFC 6749 section 5.2</a>
 */
public final class OAuthErrorException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** The error code of a grant that is dead: used up, expired or revoked. */
    public static final String INVALID_GRANT = "invalid_grant";

    private final String error;
    private final @Nullable String description;
    private final int status;

    /**
     * An error that a server reported.
     *
     * @param error the error code, {@code invalid_grant} for one
     * @param description what the server adds for people, reduced here to the characters that it may have; null for nothing
     * @param status the HTTP status that it came with
     */
    public OAuthErrorException(String error, @Nullable String description, int status) {
        this(error, description, status, "");
    }

    /**
     * An error that a server reported, and what else may explain it.
     *
     * @param error the error code, {@code invalid_grant} for one
     * @param description what the server adds for people, reduced here to the characters that it may have; null for nothing
     * @param status the HTTP status that it came with
     * @param hint a sentence that ends the message, and replaces the remedy of {@code invalid_grant}; must not come from the server;
     *     empty for none
     */
    public OAuthErrorException(String error, @Nullable String description, int status, String hint) {
        super(message(OAuthText.error(error), status, hint.strip()), null);
        this.error = OAuthText.error(error);
        this.description = OAuthText.description(description);
        this.status = status;
    }

    // Without the description: some servers repeat in it what they were sent.
    private static String message(String error, int status, String hint) {
        String what = "The server responded with " + error + " (status " + status + "). ";
        if (INVALID_GRANT.equals(error)) {
            return what + (hint.isEmpty() ? "The grant has ended: the user must sign in again." : hint);
        }
        return (what + "Check the configuration of the exchange server: client id, secret, redirect URI and scopes. "
                        + hint)
                .strip();
    }

    /**
     * The error code.
     *
     * @return the value of {@code error}
     */
    public String error() {
        return error;
    }

    /**
     * What the server adds for people.
     *
     * @return printable ASCII of at most 256 characters, or null
     */
    public @Nullable String description() {
        return description;
    }

    /**
     * The HTTP status of the answer.
     *
     * @return the status, which some servers leave at 200 even for errors
     */
    public int status() {
        return status;
    }

    /**
     * Whether only a new login helps.
     *
     * @return true for {@code invalid_grant}
     */
    public boolean requiresLogin() {
        return INVALID_GRANT.equals(error);
    }
}
