package io.tokenswap.samples.exchange;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The result of a swap or a refresh, as the application receives it. It may be sent more than once, so that it holds instants and
 * not the seconds that are left.
 *
 * @param accessToken a secret
 * @param scope the scopes, or an empty text if the provider named none
 * @param grantExpiresAt the end of the grant itself, or null if it is not known
 * @param refreshToken a new refresh token, sealed where this server seals, or null if the application keeps the one it has
 */
record Grant(
        String accessToken,
        String tokenType,
        String scope,
        @Nullable Instant expiresAt,
        @Nullable Instant grantExpiresAt,
        @Nullable Duration refreshTokenTimeout,
        @Nullable String refreshToken) {

    static Grant of(Token token, @Nullable Instant grantExpiresAt, @Nullable String refreshToken) {
        return new Grant(
                token.accessToken().secret(),
                token.tokenType(),
                String.join(" ", token.scopes()),
                token.expiresAt(),
                token.grantExpiresAt() == null ? grantExpiresAt : token.grantExpiresAt(),
                token.refreshTokenTimeout(),
                refreshToken);
    }

    Grant withRefreshToken(String sealed) {
        return new Grant(accessToken, tokenType, scope, expiresAt, grantExpiresAt, refreshTokenTimeout, sealed);
    }

    /**
     * Writes the grant as a token response.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749 section 5.1</a>
     */
    ServerResponse response(Instant now) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("access_token", accessToken);
        properties.put("token_type", tokenType);
        if (!scope.isEmpty()) {
            properties.put("scope", scope);
        }
        if (expiresAt != null) {
            properties.put("expires_in", secondsUntil(expiresAt, now));
        }
        if (grantExpiresAt != null) {
            properties.put("authorization_expires_in", secondsUntil(grantExpiresAt, now));
        }
        if (refreshTokenTimeout != null) {
            properties.put("refresh_token_timeout", refreshTokenTimeout.toSeconds());
        }
        if (refreshToken != null) {
            properties.put("refresh_token", refreshToken);
        }
        return ServerResponse.json(200, properties);
    }

    private static long secondsUntil(Instant end, Instant now) {
        return Math.max(0, Duration.between(now, end).toSeconds());
    }

    @Override
    public String toString() {
        return "Grant[expiresAt=" + expiresAt + "]";
    }
}
