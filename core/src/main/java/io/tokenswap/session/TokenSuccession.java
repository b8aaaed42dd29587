package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;

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
        RefreshToken refreshToken = next.refreshToken() == null ? previous.refreshToken() : next.refreshToken();
        Set<String> scopes = next.scopes().isEmpty() ? previous.scopes() : next.scopes();
        Instant grantExpiresAt = next.grantExpiresAt() == null ? previous.grantExpiresAt() : next.grantExpiresAt();
        Duration timeout =
                next.refreshTokenTimeout() == null ? previous.refreshTokenTimeout() : next.refreshTokenTimeout();
        if (next.authorizedAt().equals(previous.authorizedAt())
                && Objects.equals(refreshToken, next.refreshToken())
                && scopes.equals(next.scopes())
                && Objects.equals(grantExpiresAt, next.grantExpiresAt())
                && Objects.equals(timeout, next.refreshTokenTimeout())) {
            return next;
        }
        return next.toBuilder()
                .refreshToken(refreshToken == null ? null : refreshToken.secret())
                .scopes(scopes)
                .authorizedAt(previous.authorizedAt())
                .grantExpiresAt(grantExpiresAt)
                .refreshTokenTimeout(timeout)
                .build();
    }
}
