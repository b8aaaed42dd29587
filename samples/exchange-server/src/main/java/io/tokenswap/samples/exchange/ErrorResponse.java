package io.tokenswap.samples.exchange;

import io.tokenswap.OAuthErrorException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Ends the handling of a request with an error in the form of RFC 6749. The texts are constants and hold nothing that a
 * caller or the provider has sent. Immutable.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.2">RFC 6749 section 5.2</a>
 */
final class ErrorResponse extends RuntimeException {

    private static final long serialVersionUID = 1L;

    final int status;
    final String error;
    final transient Map<String, String> headers;
    final @Nullable Processed processed;
    private final boolean callersFault;
    private final boolean forPerson;

    ErrorResponse(int status, String error, String description) {
        this(status, error, description, Map.of());
    }

    ErrorResponse(int status, String error, String description, Map<String, String> headers) {
        this(status, error, description, headers, null);
    }

    /** Creates the response to a failure of the provider or on the way to it. It lets the application decide on a repeat. */
    ErrorResponse(
            int status, String error, String description, Map<String, String> headers, @Nullable Processed processed) {
        this(status, error, description, headers, processed, processed == null && status < 500, false);
    }

    private ErrorResponse(
            int status,
            String error,
            String description,
            Map<String, String> headers,
            @Nullable Processed processed,
            boolean callersFault,
            boolean forPerson) {
        // Control flow, not a fault: without a stack trace.
        super(description, null, false, false);
        this.status = status;
        this.error = error;
        this.headers = headers;
        this.processed = processed;
        this.callersFault = callersFault;
        this.forPerson = forPerson;
    }

    static ErrorResponse invalidRequest(String description) {
        return new ErrorResponse(400, "invalid_request", description);
    }

    /** Returns the response to a code or refresh token that is worth nothing. Only a new login helps. */
    static ErrorResponse invalidGrant(String description) {
        return new ErrorResponse(400, OAuthErrorException.INVALID_GRANT, description);
    }

    /** Returns the response to a code that was presented before. */
    static ErrorResponse usedCode() {
        return invalidGrant("This code was already used").nobodysFault();
    }

    /** Returns the response to a request over a limit of this server. The provider was not called. */
    static ErrorResponse tooManyRequests(Duration wait) {
        return new ErrorResponse(429, "temporarily_unavailable", "Too many requests", retryAfter(wait), Processed.NO);
    }

    /**
     * Returns the header of a 429 or 503. The time is rounded up, because a request that comes too early is refused again.
     */
    static Map<String, String> retryAfter(Duration pause) {
        return Map.of(
                "Retry-After", String.valueOf(Math.max(1, pause.plusMillis(999).toSeconds())));
    }

    /** Returns the error as a page instead of JSON. */
    ErrorResponse forPerson() {
        return new ErrorResponse(status, error, description(), headers, processed, callersFault, true);
    }

    /** Returns the error of a request that was as it should be, for example with a valid seal of a grant that has ended. */
    ErrorResponse nobodysFault() {
        return new ErrorResponse(status, error, description(), headers, processed, false, forPerson);
    }

    boolean isCallersFault() {
        return callersFault;
    }

    boolean isForPerson() {
        return forPerson;
    }

    String description() {
        return String.valueOf(getMessage());
    }

    ServerResponse toServerResponse() {
        return forPerson ? Page.stopped(this) : ServerResponse.json(this);
    }

    /** Knowledge whether the provider has acted on the request. */
    enum Processed {
        NO,
        UNKNOWN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
