package io.tokenswap.samples.desktop;

import org.jspecify.annotations.Nullable;

/** The API does not accept the token, or cannot be reached. */
final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    ApiException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
