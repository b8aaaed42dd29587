package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * Failure between an application and its token. Each permitted subtype has another remedy, so a {@code switch} over the
 * subtypes is complete. No message, field or cause holds a token, a code, a verifier, a state or a client secret.
 */
public abstract sealed class TokenSwapException extends RuntimeException
        permits OAuthErrorException,
                RequestRejectedException,
                AuthorizationFailedException,
                LoginRequiredException,
                TokenUnavailableException,
                TokenRejectedException,
                SessionClosedException {

    private static final long serialVersionUID = 1L;

    TokenSwapException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
