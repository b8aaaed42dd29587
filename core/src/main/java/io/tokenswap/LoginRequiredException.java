package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * The grant of a session has ended. Its refresh token was refused, or there was none and the access token has expired.
 *
 * <p>Remedy: a new login, whose token goes to {@link io.tokenswap.session.TokenSession#renew(Token)}.
 */
public final class LoginRequiredException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception of a grant that has ended.
     *
     * @param message why it ended, free of secrets
     * @param cause the error that the server reported, or null if no request was sent
     */
    public LoginRequiredException(String message, @Nullable TokenSwapException cause) {
        super(message, cause);
    }
}
