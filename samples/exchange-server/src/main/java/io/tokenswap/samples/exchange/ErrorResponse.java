package io.tokenswap.samples.exchange;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Ends the handling of a request with an error of RFC 6749's form. Its texts are fixed ones: nothing that a caller or the
 * provider wrote gets into them.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.2">RFC 6749 section 5.2</a>
 */
final class ErrorResponse extends RuntimeException {

    private static final long serialVersionUID = 1L;

    final int status;
    final String error;
    final transient Map<String, String> headers;
    final @Nullable Processed processed;

    ErrorResponse(int status, String error, String description) {
        this(status, error, description, Map.of());
    }

    ErrorResponse(int status, String error, String description, Map<String, String> headers) {
        this(status, error, description, headers, null);
    }

    /** A failure of the provider or on the way to it: the application may want to know whether to send the same again. */
    ErrorResponse(
            int status, String error, String description, Map<String, String> headers, @Nullable Processed processed) {
        // Control flow, not a fault: without a stack trace.
        super(description, null, false, false);
        this.status = status;
        this.error = error;
        this.headers = headers;
        this.processed = processed;
    }

    static ErrorResponse invalidRequest(String description) {
        return new ErrorResponse(400, "invalid_request", description);
    }

    /** The header of a 429 or 503. Rounded up, because a moment too early is one more refusal. */
    static Map<String, String> retryAfter(Duration pause) {
        return Map.of(
                "Retry-After", String.valueOf(Math.max(1, pause.plusMillis(999).toSeconds())));
    }

    String description() {
        return String.valueOf(getMessage());
    }

    /** Whether the provider may have acted on the request. */
    enum Processed {
        NO,
        UNKNOWN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
