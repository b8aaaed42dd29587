package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * A login ended without a code: the user denied it, the provider reported an error, or the receiver failed.
 *
 * <p>Remedy: start another login. The failed one holds no port and no other resource.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1">RFC 6749 section 4.1.2.1</a>
 */
public non-sealed class AuthorizationFailedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** Error code of a login that the user denied. */
    public static final String ACCESS_DENIED = "access_denied";

    private final @Nullable String error;

    /**
     * Creates the exception of a login that failed.
     *
     * @param message what happened and what to do about it, free of secrets
     * @param error the provider's error code, or null if it reported none
     * @param cause the cause of the failure, or null
     */
    public AuthorizationFailedException(String message, @Nullable String error, @Nullable Throwable cause) {
        super(message, cause);
        this.error = error == null ? null : OAuthText.error(error);
    }

    /**
     * Returns the provider's error code.
     *
     * @return the value of {@code error}, or null if the provider reported none
     */
    public @Nullable String error() {
        return error;
    }

    /**
     * Returns true if the user, or the provider on the user's behalf, denied the login.
     *
     * @return true for {@code access_denied}
     */
    public boolean denied() {
        return ACCESS_DENIED.equals(error);
    }
}
