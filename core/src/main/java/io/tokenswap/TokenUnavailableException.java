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
        /** It was not sent, or the server certainly did not process it. Safe to repeat, a swap too. */
        NOT_SENT,
        /** The server asks for patience (429, or 503 with {@code Retry-After}). */
        THROTTLED,
        /** It left, and no complete answer came back: it may have been processed. */
        UNKNOWN,
        /** A complete answer came back that is not one of this protocol. */
        PROTOCOL,
        /** The server refused it, as the cause says; it is repeated patiently in case the server is mended. */
        REFUSED
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
