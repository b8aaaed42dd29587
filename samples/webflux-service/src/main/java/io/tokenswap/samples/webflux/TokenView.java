package io.tokenswap.samples.webflux;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * View of a token for a browser, without a secret. Times are in seconds from now, so the clock of the browser does not
 * matter.
 *
 * @param lifetime the lifetime of the whole token, or null if it is unknown
 * @param expiresIn the rest of it
 * @param renewsIn the approximate time until it is replaced
 */
record TokenView(
        String fingerprint,
        Set<String> scopes,
        @Nullable Double lifetime,
        @Nullable Double expiresIn,
        @Nullable Double renewsIn) {

    static TokenView of(Token token, Instant now) {
        Instant expiresAt = token.expiresAt();
        return expiresAt == null
                ? new TokenView(token.fingerprint(), token.scopes(), null, null, null)
                : new TokenView(
                        token.fingerprint(),
                        token.scopes(),
                        seconds(token.issuedAt(), expiresAt),
                        seconds(now, expiresAt),
                        seconds(now, refreshAt(token.issuedAt(), expiresAt)));
    }

    /** Returns about when the session refreshes: 5 minutes before expiry, and at most a fifth of the lifetime. */
    private static Instant refreshAt(Instant issuedAt, Instant expiresAt) {
        Duration fifth = Duration.between(issuedAt, expiresAt).dividedBy(5);
        Duration margin = Duration.ofMinutes(5);
        return expiresAt.minus(fifth.compareTo(margin) < 0 ? fifth : margin);
    }

    private static double seconds(Instant from, Instant to) {
        return Duration.between(from, to).toMillis() / 1000.0;
    }
}
