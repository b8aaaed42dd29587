package io.tokenswap;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * No token is available at the moment. The server cannot be reached, is overloaded, limits the rate of requests, or
 * sends an invalid response; {@link #reason()} says which. The store of a session may also have failed.
 *
 * <p>Remedy: wait. {@link #retryAt()} is the time of the next attempt, where it is known. As far as is known, the grant
 * is not affected.
 */
public final class TokenUnavailableException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** Knowledge about the request that failed. */
    public enum Reason {
        /** The request was not sent, or the server certainly did not process it. It is safe to repeat, a swap too. */
        NOT_SENT,
        /** The server limits the rate of requests (429, or 503 with {@code Retry-After}). */
        THROTTLED,
        /** The request was sent and no complete response arrived: the server may have processed it. */
        RESPONSE_LOST,
        /** A complete response arrived that does not follow the protocol. */
        INVALID_RESPONSE,
        /**
         * The server rejected the request (see the cause). The session retries with backoff, in case the configuration
         * is fixed.
         */
        REJECTED,
        /** The store of tokens failed or did not respond. */
        STORE_FAILED
    }

    private final Reason reason;
    private final @Nullable Instant retryAt;
    private final int status;

    /**
     * Creates the exception of a failure that may be temporary.
     *
     * @param message what happened, free of secrets
     * @param reason what is known about the request
     * @param retryAt the earliest time of another attempt, or null if it is not known
     * @param cause the cause of the failure, or null
     */
    public TokenUnavailableException(
            String message, Reason reason, @Nullable Instant retryAt, @Nullable Throwable cause) {
        this(message, reason, retryAt, cause, 0);
    }

    /**
     * Creates the exception of a temporary failure that a response reported.
     *
     * @param message what happened, free of secrets
     * @param reason what is known about the request
     * @param retryAt the earliest time of another attempt, or null if it is not known
     * @param cause the cause of the failure, or null
     * @param status the HTTP status of the response, or 0 if no response arrived
     */
    public TokenUnavailableException(
            String message, Reason reason, @Nullable Instant retryAt, @Nullable Throwable cause, int status) {
        super(message, cause);
        this.reason = reason;
        this.retryAt = retryAt;
        this.status = status;
    }

    /**
     * Returns what is known about the request that failed.
     *
     * @return the reason
     */
    public Reason reason() {
        return reason;
    }

    /**
     * Returns the time of the next attempt.
     *
     * @return the earliest instant at which another attempt makes sense, or null if it is not known
     */
    public @Nullable Instant retryAt() {
        return retryAt;
    }

    /**
     * Returns the HTTP status of the response that reported the failure. A 429 and a 503 with {@code Retry-After} have the same
     * reason, but only the first one says that the request was not processed.
     *
     * @return the status, or 0 if no response arrived
     */
    public int status() {
        return status;
    }
}
