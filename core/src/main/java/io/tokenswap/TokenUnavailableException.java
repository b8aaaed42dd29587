package io.tokenswap;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * No token can be had now: the server cannot be reached, is out of order, asks for patience, or talks nonsense.
 *
 * <p>Remedy: wait. {@link #retryAt()} says until when, where that is known. The grant is untouched as far as anyone can tell.
 */
public final class TokenUnavailableException extends TokenSwapException {

    private static final long serialVersionUID = 1L;

    /** What is known about the request that failed. */
    public enum Reason {
        /** The request was not sent, or the server certainly did not process it. It is safe to repeat, a swap too. */
        NOT_SENT,
        /** The server limits the rate of requests (429, or 503 with {@code Retry-After}). */
        THROTTLED,
        /** The request was sent and no complete response arrived: the server may have processed it. */
        RESPONSE_LOST,
        /** A complete response arrived that is not one of this protocol. */
        INVALID_RESPONSE,
        /** The server rejected the request (see the cause). The session retries with backoff, in case the configuration is fixed. */
        REJECTED,
        /** The store of tokens failed or did not respond. */
        STORE_FAILED
    }

    private final Reason reason;
    private final @Nullable Instant retryAt;
    private final int status;

    /**
     * A failure that may pass.
     *
     * @param message what happened, free of secrets
     * @param reason what is known about the request
     * @param retryAt when to try again at the earliest, or null when that is not known
     * @param cause what made it fail, or null
     */
    public TokenUnavailableException(
            String message, Reason reason, @Nullable Instant retryAt, @Nullable Throwable cause) {
        this(message, reason, retryAt, cause, 0);
    }

    /**
     * A failure that may pass, reported by a response.
     *
     * @param message what happened, free of secrets
     * @param reason what is known about the request
     * @param retryAt when to try again at the earliest, or null when that is not known
     * @param cause what made it fail, or null
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
     * What is known about the request that failed.
     *
     * @return the reason
     */
    public Reason reason() {
        return reason;
    }

    /**
     * When to try again.
     *
     * @return the earliest instant at which another attempt makes sense, or null when that is not known
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
