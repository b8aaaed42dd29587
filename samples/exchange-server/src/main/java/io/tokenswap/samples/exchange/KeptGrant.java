package io.tokenswap.samples.exchange;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A {@link Grant} in little memory, for a repeat of its request. Both tokens are one text, the expiry is two numbers, and
 * grants of the same kind share the texts that do not differ.
 */
final class KeptGrant implements ProviderRequests.Result {

    private static final long UNKNOWN = Long.MIN_VALUE;
    /** This object, the text of the tokens without its characters, and the end of the grant. */
    private static final int OBJECT_BYTES = 130;

    private final Kind kind;
    private final String tokens;
    private final int accessTokenLength;
    private final boolean hasRefreshToken;
    private final long expiresAtSecond;
    private final int expiresAtNano;
    private final @Nullable Instant grantExpiresAt;
    private final @Nullable Duration refreshTokenTimeout;
    private final long at;

    /** The texts that most grants of an application have in common. None is a secret. */
    record Kind(String tokenType, String scope) {

        /** Returns the kind of a grant, which is this object if it is equal. */
        Kind of(Grant grant) {
            return tokenType.equals(grant.tokenType()) && scope.equals(grant.scope())
                    ? this
                    : new Kind(grant.tokenType(), grant.scope());
        }
    }

    /** @param at the time by the ticker of the cache */
    KeptGrant(Grant grant, Kind kind, long at) {
        String refreshToken = grant.refreshToken();
        Instant expiresAt = grant.expiresAt();
        this.kind = kind;
        this.tokens =
                refreshToken == null ? grant.accessToken() : grant.accessToken().concat(refreshToken);
        this.accessTokenLength = grant.accessToken().length();
        this.hasRefreshToken = refreshToken != null;
        this.expiresAtSecond = expiresAt == null ? UNKNOWN : expiresAt.getEpochSecond();
        this.expiresAtNano = expiresAt == null ? 0 : expiresAt.getNano();
        this.grantExpiresAt = grant.grantExpiresAt();
        this.refreshTokenTimeout = grant.refreshTokenTimeout();
        this.at = at;
    }

    Grant grant() {
        return new Grant(
                tokens.substring(0, accessTokenLength),
                kind.tokenType,
                kind.scope,
                expiresAtSecond == UNKNOWN ? null : Instant.ofEpochSecond(expiresAtSecond, expiresAtNano),
                grantExpiresAt,
                refreshTokenTimeout,
                hasRefreshToken ? tokens.substring(accessTokenLength) : null);
    }

    @Override
    public long at() {
        return at;
    }

    @Override
    public int weight() {
        return OBJECT_BYTES + tokens.length() + kind.scope.length();
    }

    @Override
    public Mono<Grant> toMono() {
        return Mono.just(grant());
    }

    @Override
    public String toString() {
        return "KeptGrant[redacted]";
    }
}
