package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * The login ended without a code: the user denied it, the provider reported an error, or the receiver could not do its work.
 *
 * <p>Remedy: start another login; nothing is left of this one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1">RFC 6749 section 4.1.2.1</a>
 */
public non-sealed class AuthorizationFailedException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** The error code of a user who said no. */
    public static final String ACCESS_DENIED = "access_denied";

    private final @Nullable String error;

    /**
     * A login that failed.
     *
     * @param message what happened and what to do about it, free of secrets
     * @param error the provider's error code, or null when it reported none
     * @param cause what made it fail, or null
     */
    public AuthorizationFailedException(String message, @Nullable String error, @Nullable Throwable cause) {
        super(message, cause);
        this.error = error == null ? null : OAuthText.error(error);
    }

    /**
     * The provider's error code.
     *
     * @return the value of {@code error}, or null when the provider reported none
     */
    public @Nullable String error() {
        return error;
    }

    /**
     * Whether the user, or the provider on the user's behalf, said no.
     *
     * @return true for {@code access_denied}
     */
    public boolean denied() {
        return ACCESS_DENIED.equals(error);
    }
}
