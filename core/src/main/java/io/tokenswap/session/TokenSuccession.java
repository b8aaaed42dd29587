package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;

/** Rule that a refreshed token is never poorer than the token that it replaces. */
final class TokenSuccession {

    private TokenSuccession() {}

    /**
     * Carries over what the server omitted: refresh token, scopes, the end of the grant and the timeout of the refresh
     * token. The time of consent is always carried over, as a refresh does not renew it.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-6">RFC 6749 section 6</a>
     */
    static Token successor(Token next, Token previous) {
        if (isComplete(next, previous)) {
            return next;
        }
        RefreshToken kept = next.refreshToken() == null ? previous.refreshToken() : null;
        Instant grantExpiresAt = next.grantExpiresAt() == null ? previous.grantExpiresAt() : next.grantExpiresAt();
        Duration timeout =
                next.refreshTokenTimeout() == null ? previous.refreshTokenTimeout() : next.refreshTokenTimeout();
        Token.Builder successor = next.toBuilder()
                .authorizedAt(previous.authorizedAt())
                .grantExpiresAt(grantExpiresAt)
                .refreshTokenTimeout(timeout);
        if (kept != null) {
            successor.refreshToken(kept.secret());
        }
        if (next.scopes().isEmpty()) {
            successor.scopes(previous.scopes());
        }
        return successor.build();
    }

    private static boolean isComplete(Token next, Token previous) {
        return next.authorizedAt().equals(previous.authorizedAt())
                && (next.refreshToken() != null || previous.refreshToken() == null)
                && (!next.scopes().isEmpty() || previous.scopes().isEmpty())
                && (next.grantExpiresAt() != null || previous.grantExpiresAt() == null)
                && (next.refreshTokenTimeout() != null || previous.refreshTokenTimeout() == null);
    }
}
