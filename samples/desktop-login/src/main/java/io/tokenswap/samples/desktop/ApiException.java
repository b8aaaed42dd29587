package io.tokenswap.samples.desktop;

import org.jspecify.annotations.Nullable;

/** The token is there, but the API does not take it. */
final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    ApiException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
