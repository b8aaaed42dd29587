package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * The grant of a session has ended: its refresh token was refused, or there was none and the access token has expired.
 *
 * <p>Remedy: a new login, whose token goes to {@link io.tokenswap.session.TokenSession#renew(Token)}.
 */
public final class LoginRequiredException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /**
     * The end of a grant.
     *
     * @param message why it ended, free of secrets
     * @param cause the server's answer, or null when there was none to ask
     */
    public LoginRequiredException(String message, @Nullable TokenSwapException cause) {
        super(message, cause);
    }
}
