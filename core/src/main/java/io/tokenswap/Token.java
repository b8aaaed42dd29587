package io.tokenswap;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Token response of a provider: an access token with its lifetime, and the refresh token that obtains the next one.
 * Immutable and safe for use by any thread.
 *
 * <p>The lifetime starts at {@link #issuedAt()}, the moment at which the request <em>left</em>, so that
 * {@link #expiresAt()} is never too late. {@link #authorizedAt()} is the moment at which the user consented. Every
 * refresh carries it over, because a provider may end a grant a fixed time after consent.
 *
 * <p>This type is a class and not a record on purpose: a library that writes records as JSON would write the secrets
 * too. {@link #toString()} names the token by its {@link #fingerprint()} and prints no secret.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749 section 5.1</a>
 */
public final class Token {

    private final String accessToken;

    /** As {@link RefreshToken#packed} returns it. */
    private final @Nullable Object refreshToken;

    // Instants in nanoseconds since 1970: a process may hold a million tokens, and three objects for each of them would
    // take as much memory as one of its secrets.
    private final long issuedAt;
    private final long expiresAt;
    private final long authorizedAt;

    private final Details details;

    private Token(Builder builder) {
        this.accessToken = builder.accessToken;
        this.refreshToken = builder.refreshToken;
        Instant authorizedAt = builder.authorizedAt == null ? builder.issuedAt : builder.authorizedAt;
        this.issuedAt = PackedInstant.pack(builder.issuedAt);
        this.expiresAt = PackedInstant.pack(builder.expiresAt);
        this.authorizedAt = PackedInstant.pack(authorizedAt);
        FarInstants far = this.issuedAt == PackedInstant.FAR
                        || this.expiresAt == PackedInstant.FAR
                        || this.authorizedAt == PackedInstant.FAR
                ? new FarInstants(builder.issuedAt, builder.expiresAt, authorizedAt)
                : null;
        this.details = Details.of(builder, far);
    }

    /**
     * Returns a builder of a token of type {@code Bearer}, without scopes, refresh token and expiry.
     *
     * @param accessToken the access token: one or more visible ASCII characters, all that an {@code Authorization}
     *     header can carry
     * @param issuedAt the time at which the request that obtained the token left
     * @return a new builder
     * @throws IllegalArgumentException if the access token is empty or has another character; the message does not show
     *     it
     */
    public static Builder builder(String accessToken, Instant issuedAt) {
        return new Builder(accessToken, issuedAt);
    }

    /**
     * Returns the credential that calls to the API carry.
     *
     * @return the access token
     */
    public AccessToken accessToken() {
        return AccessToken.view(accessToken);
    }

    /**
     * Returns the token type, which says how to present the access token. It is {@code Bearer} in practice.
     *
     * @return the token type as the provider spelled it
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-7.1">RFC 6749 section 7.1</a>
     */
    public String tokenType() {
        return details.tokenType;
    }

    /**
     * Returns the scopes of the access token.
     *
     * @return the granted scopes, unmodifiable, in the provider's order
     */
    public Set<String> scopes() {
        return details.scopes;
    }

    /**
     * Returns the credential that obtains the next token.
     *
     * @return the refresh token, or null where the provider issued none
     */
    public @Nullable RefreshToken refreshToken() {
        return refreshToken == null ? null : RefreshToken.view(refreshToken);
    }

    /**
     * Returns the time at which the request that obtained this token left.
     *
     * @return the start of its lifetime
     */
    public Instant issuedAt() {
        return issuedAt == PackedInstant.FAR ? far().issuedAt : PackedInstant.unpack(issuedAt);
    }

    /**
     * Returns the time at which the access token ends.
     *
     * @return the first instant at which it is invalid, or null if the provider reported none
     */
    public @Nullable Instant expiresAt() {
        if (expiresAt == PackedInstant.NONE) {
            return null;
        }
        return expiresAt == PackedInstant.FAR ? far().expiresAt : PackedInstant.unpack(expiresAt);
    }

    /**
     * Returns the time at which the user consented.
     *
     * @return the start of the grant, the same for all tokens that were refreshed from one another
     */
    public Instant authorizedAt() {
        return authorizedAt == PackedInstant.FAR ? far().authorizedAt : PackedInstant.unpack(authorizedAt);
    }

    /**
     * Returns the time at which the provider ends the grant, regardless of refreshes.
     *
     * @return the first instant at which no refresh succeeds, or null if the provider reported none
     */
    public @Nullable Instant grantExpiresAt() {
        return details.grantExpiresAt;
    }

    /**
     * Returns the time after which an unused refresh token expires. A session with subscribers usually refreshes
     * earlier. A session without subscribers refreshes on demand, which may be too late.
     *
     * @return the time from {@link #issuedAt()}, or null if the provider reported none
     */
    public @Nullable Duration refreshTokenTimeout() {
        return details.refreshTokenTimeout;
    }

    /**
     * Names the token in logs and on screens. The name is the same for the same access token and cannot be used to call
     * an API.
     *
     * @return the first eight hexadecimal digits of the access token's SHA-256
     */
    public String fingerprint() {
        return SecretText.fingerprint(accessToken);
    }

    /**
     * Returns a builder that starts with the values of this token.
     *
     * @return a builder with all of its values
     */
    public Builder toBuilder() {
        return new Builder(this);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Token that
                && SecretText.areEqual(accessToken, that.accessToken)
                && Objects.equals(refreshToken(), that.refreshToken())
                && issuedAt == that.issuedAt
                && expiresAt == that.expiresAt
                && authorizedAt == that.authorizedAt
                && details.equals(that.details);
    }

    @Override
    public int hashCode() {
        return Objects.hash(accessToken, refreshToken(), issuedAt);
    }

    /** Names the token by its fingerprint; holds no secret. */
    @Override
    public String toString() {
        return "Token[" + fingerprint()
                + ", " + tokenType()
                + ", scopes=" + scopes()
                + ", refreshToken=" + (refreshToken == null ? "none" : "present")
                + ", issuedAt=" + issuedAt()
                + ", expiresAt=" + expiresAt()
                + ", authorizedAt=" + authorizedAt()
                + ", grantExpiresAt=" + grantExpiresAt()
                + ", refreshTokenTimeout=" + refreshTokenTimeout() + "]";
    }

    private FarInstants far() {
        return Objects.requireNonNull(details.far);
    }

    /**
     * Values that the tokens of one application usually have in common. Those tokens share one object: a set of one scope alone
     * takes more memory than the rest of a token.
     */
    private record Details(
            String tokenType,
            Set<String> scopes,
            @Nullable Instant grantExpiresAt,
            @Nullable Duration refreshTokenTimeout,
            @Nullable FarInstants far) {

        /** A bound for servers that grant ever new scopes. */
        private static final int MOST_SHARED = 256;

        private static final Map<List<String>, Details> SHARED = new ConcurrentHashMap<>();

        static Details of(Builder builder, @Nullable FarInstants far) {
            Details shared = builder.origin != null && builder.origin.names(builder.tokenType, builder.scopes)
                    ? builder.origin
                    : shared(builder.tokenType, builder.scopes);
            return shared.has(builder.grantExpiresAt, builder.refreshTokenTimeout, far)
                    ? shared
                    : new Details(
                            shared.tokenType, shared.scopes, builder.grantExpiresAt, builder.refreshTokenTimeout, far);
        }

        @SuppressWarnings("ReferenceEquality") // of a token that was built from another one, they are the same objects
        private boolean names(String tokenType, Set<String> scopes) {
            return this.tokenType == tokenType && this.scopes == scopes;
        }

        private boolean has(
                @Nullable Instant grantExpiresAt, @Nullable Duration refreshTokenTimeout, @Nullable FarInstants far) {
            return Objects.equals(this.grantExpiresAt, grantExpiresAt)
                    && Objects.equals(this.refreshTokenTimeout, refreshTokenTimeout)
                    && Objects.equals(this.far, far);
        }

        private static Details shared(String tokenType, Set<String> scopes) {
            List<String> key = new ArrayList<>(scopes.size() + 1); // a list, because the order of the scopes is kept
            key.add(tokenType);
            key.addAll(scopes);
            Details known = SHARED.get(key);
            if (known != null) {
                return known;
            }
            Details made = new Details(tokenType, scopes, null, null, null);
            if (SHARED.size() < MOST_SHARED) {
                SHARED.put(key, made);
            }
            return made;
        }
    }

    /** All instants of a token that has one before 1677 or after 2262. */
    private record FarInstants(Instant issuedAt, @Nullable Instant expiresAt, Instant authorizedAt) {}

    /** Conversion of an instant to nanoseconds since 1970. */
    private static final class PackedInstant {

        /** Stands for no instant. */
        static final long NONE = Long.MIN_VALUE;

        /** Stands for an instant that is too far away. */
        static final long FAR = Long.MIN_VALUE + 1;

        private static final long SECOND = 1_000_000_000;

        /** The greatest number of whole seconds on either side of 1970. */
        private static final long MOST_SECONDS = Long.MAX_VALUE / SECOND - 1;

        static long pack(@Nullable Instant instant) {
            if (instant == null) {
                return NONE;
            }
            long seconds = instant.getEpochSecond();
            return Math.abs(seconds) > MOST_SECONDS ? FAR : seconds * SECOND + instant.getNano();
        }

        static Instant unpack(long nanos) {
            return Instant.ofEpochSecond(Math.floorDiv(nanos, SECOND), Math.floorMod(nanos, SECOND));
        }
    }

    /** Collects the values of a {@link Token}. Not safe for use by several threads. */
    public static final class Builder {

        private final String accessToken;
        private final Instant issuedAt;

        /** The values of the token with which this builder started. */
        private @Nullable Details origin;

        private String tokenType = "Bearer";
        private Set<String> scopes = Set.of();
        private @Nullable Object refreshToken;
        private @Nullable Instant expiresAt;
        private @Nullable Instant authorizedAt;
        private @Nullable Instant grantExpiresAt;
        private @Nullable Duration refreshTokenTimeout;

        private Builder(String accessToken, Instant issuedAt) {
            this.accessToken = AccessToken.checked(accessToken);
            this.issuedAt = Objects.requireNonNull(issuedAt, "issuedAt");
        }

        /** Starts with the values of a token, which were checked when it was built. */
        private Builder(Token token) {
            this.accessToken = token.accessToken;
            this.issuedAt = token.issuedAt();
            this.origin = token.details;
            this.tokenType = token.tokenType();
            this.scopes = token.scopes();
            this.refreshToken = token.refreshToken;
            this.expiresAt = token.expiresAt();
            this.authorizedAt = token.authorizedAt();
            this.grantExpiresAt = token.grantExpiresAt();
            this.refreshTokenTimeout = token.refreshTokenTimeout();
        }

        /**
         * Sets the token type.
         *
         * @param tokenType the type, {@code Bearer} by default
         * @return this builder
         */
        public Builder tokenType(String tokenType) {
            this.tokenType = Objects.requireNonNull(tokenType, "tokenType");
            return this;
        }

        /**
         * Sets the granted scopes.
         *
         * @param scopes the scopes, none by default
         * @return this builder
         */
        public Builder scopes(Collection<String> scopes) {
            // An empty hash table takes more memory than the rest of a token.
            this.scopes = scopes.isEmpty() ? Set.of() : Collections.unmodifiableSet(new LinkedHashSet<>(scopes));
            return this;
        }

        /**
         * Sets the refresh token.
         *
         * @param refreshToken the refresh token, null (the default) for none
         * @return this builder
         * @throws IllegalArgumentException if the text is empty
         */
        public Builder refreshToken(@Nullable String refreshToken) {
            this.refreshToken = refreshToken == null
                    ? null
                    : RefreshToken.packed(RefreshToken.of(refreshToken).secret());
            return this;
        }

        /**
         * Sets the end of the access token.
         *
         * @param expiresAt the first instant at which it is invalid, null (the default) for unknown
         * @return this builder
         */
        public Builder expiresAt(@Nullable Instant expiresAt) {
            this.expiresAt = expiresAt;
            return this;
        }

        /**
         * Sets the time at which the user consented.
         *
         * @param authorizedAt the start of the grant, the token's own {@code issuedAt} by default
         * @return this builder
         */
        public Builder authorizedAt(Instant authorizedAt) {
            this.authorizedAt = Objects.requireNonNull(authorizedAt, "authorizedAt");
            return this;
        }

        /**
         * Sets the end of the grant.
         *
         * @param grantExpiresAt the first instant at which no refresh succeeds, null (the default) for unknown
         * @return this builder
         */
        public Builder grantExpiresAt(@Nullable Instant grantExpiresAt) {
            this.grantExpiresAt = grantExpiresAt;
            return this;
        }

        /**
         * Sets the time after which an unused refresh token expires.
         *
         * @param refreshTokenTimeout the time from {@code issuedAt}, null (the default) for unknown
         * @return this builder
         */
        public Builder refreshTokenTimeout(@Nullable Duration refreshTokenTimeout) {
            this.refreshTokenTimeout = refreshTokenTimeout;
            return this;
        }

        /**
         * Completes the token.
         *
         * @return a new token of the values given so far
         */
        public Token build() {
            return new Token(this);
        }
    }
}
