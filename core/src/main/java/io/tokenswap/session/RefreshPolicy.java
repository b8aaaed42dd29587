package io.tokenswap.session;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * When to refresh, when to stop handing a token out, and how long to wait after a failure. Pure functions of a token, a number
 * of failures and a random number; immutable and safe for use by any thread.
 *
 * <pre>
 *  issuedAt                      refreshAt        staleAt  expiresAt
 *  |--------- handed out -------|-- handed out --|---------|
 *                                and refreshed    waited for
 * </pre>
 *
 * <p>All are cut to the token's lifetime, so that no setting can make every token due at birth: the refresh margin to a fifth
 * of it, the jitter to a twentieth, the expiration margin to a tenth.
 *
 * @param refreshMargin how long before expiry to refresh; 5 minutes by default, zero refreshes at {@code staleAt}
 * @param expirationMargin how long before expiry to stop handing the token out, for calls under way and clocks apart;
 *     10 seconds by default, zero hands it out until it expires
 * @param jitter the longest time by which a refresh is moved ahead at random, so that many sessions do not refresh at once;
 *     30 seconds by default, zero switches it off
 * @param minBackoff the wait after the first failure, doubled with each further one; 1 second by default, not zero, and a
 *     millisecond if less
 * @param maxBackoff the longest wait; 60 seconds by default
 * @param assumedLifetime the lifetime of tokens whose server names none; null, the default, never schedules these
 * @param grantLifetime how long after consent the provider ends the grant; null, the default, for unlimited
 */
public record RefreshPolicy(
        Duration refreshMargin,
        Duration expirationMargin,
        Duration jitter,
        Duration minBackoff,
        Duration maxBackoff,
        @Nullable Duration assumedLifetime,
        @Nullable Duration grantLifetime) {

    private static final RefreshPolicy DEFAULTS = builder().build();

    /** Longer than any margin, and short enough for arithmetic in milliseconds. */
    private static final Duration ENDLESS = Duration.ofDays(365_000);

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** The resolution of timers: a wait of zero would keep a thread busy with failures. */
    private static final Duration SHORTEST_WAIT = Duration.ofMillis(1);

    /** The number of doublings after which any backoff has reached its longest. */
    private static final int MAX_DOUBLINGS = 30;

    /**
     * Checks the options; {@link #builder()} is easier to read.
     *
     * @param refreshMargin see above
     * @param expirationMargin see above
     * @param jitter see above
     * @param minBackoff see above
     * @param maxBackoff see above
     * @param assumedLifetime see above
     * @param grantLifetime see above
     * @throws IllegalArgumentException if an option is out of range; the message names it and the rule
     */
    public RefreshPolicy {
        requireNotNegative("refreshMargin", refreshMargin);
        requireNotNegative("expirationMargin", expirationMargin);
        requireNotNegative("jitter", jitter);
        requirePositive("minBackoff", minBackoff);
        requirePositive("maxBackoff", maxBackoff);
        if (maxBackoff.compareTo(minBackoff) < 0) {
            throw new IllegalArgumentException(
                    "maxBackoff (" + maxBackoff + ") must not be shorter than minBackoff (" + minBackoff + ")");
        }
        if (assumedLifetime != null) {
            requirePositive("assumedLifetime", assumedLifetime);
        }
        if (grantLifetime != null) {
            requirePositive("grantLifetime", grantLifetime);
        }
    }

    /**
     * What suits any provider.
     *
     * @return the defaults of all options
     */
    public static RefreshPolicy defaults() {
        return DEFAULTS;
    }

    /**
     * What suits Spotify: the defaults, a lifetime of an hour, and a grant that ends six months (180 days) after consent.
     *
     * @return the policy
     */
    public static RefreshPolicy spotify() {
        return builder()
                .assumedLifetime(Duration.ofHours(1))
                .grantLifetime(Duration.ofDays(180))
                .build();
    }

    /**
     * The defaults, to be changed.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * When the access token ends, with {@link #assumedLifetime()} for one whose server did not say.
     *
     * @param token any token
     * @return the first instant at which it is invalid, or null when that is unknown
     */
    public @Nullable Instant expiresAt(Token token) {
        if (token.expiresAt() != null || assumedLifetime == null) {
            return token.expiresAt();
        }
        return plus(token.issuedAt(), assumedLifetime);
    }

    /**
     * When to refresh.
     *
     * @param token any token
     * @param random a number from 0 inclusive to 1 exclusive, which places the refresh within the jitter
     * @return the instant, not after {@link #staleAt(Token)}; {@link Instant#MAX} when the expiry is unknown
     */
    public Instant refreshAt(Token token, double random) {
        Instant expiresAt = expiresAt(token);
        if (expiresAt == null) {
            return Instant.MAX;
        }
        Duration fifth = shorter(part(lifetime(token, expiresAt), 5), ENDLESS);
        Duration widest = shorter(jitter, part(fifth, 4));
        Duration ahead = shorter(refreshMargin, fifth).plus(scaled(widest, random));
        Instant staleAt = staleAt(token);
        Instant refreshAt = expiresAt.minus(ahead);
        return refreshAt.isAfter(staleAt) ? staleAt : refreshAt;
    }

    /**
     * When to stop handing the token out.
     *
     * @param token any token
     * @return the first instant at which nobody gets it any more; {@link Instant#MAX} when the expiry is unknown
     */
    public Instant staleAt(Token token) {
        Instant expiresAt = expiresAt(token);
        return expiresAt == null
                ? Instant.MAX
                : expiresAt.minus(shorter(expirationMargin, part(lifetime(token, expiresAt), 10)));
    }

    /**
     * How long to wait after failures. Doubles from {@link #minBackoff()} to {@link #maxBackoff()}, less up to 15 % at random:
     * enough to scatter many sessions, and little enough that an outage of two hours costs fewer than 150 attempts.
     *
     * @param failures how many attempts have failed in a row, at least 1
     * @param random a number from 0 inclusive to 1 exclusive
     * @return the wait, at least a millisecond
     */
    public Duration backoff(int failures, double random) {
        int doublings = Math.max(0, Math.min(failures - 1, MAX_DOUBLINGS));
        Duration longest = shorter(maxBackoff, ENDLESS);
        Duration doubled = minBackoff.compareTo(longest.dividedBy(1L << doublings)) >= 0
                ? longest
                : minBackoff.multipliedBy(1L << doublings);
        Duration wait = doubled.minus(scaled(doubled, 0.15 * random));
        return wait.compareTo(SHORTEST_WAIT) < 0 ? SHORTEST_WAIT : wait;
    }

    /**
     * When the provider ends the grant.
     *
     * @param token any token of it
     * @return the {@linkplain Token#grantExpiresAt() instant} that it named, else that after the {@link #grantLifetime()}; null when
     *     neither is known
     */
    public @Nullable Instant grantExpiresAt(Token token) {
        Instant named = token.grantExpiresAt();
        return named != null || grantLifetime == null ? named : plus(token.authorizedAt(), grantLifetime);
    }

    private static Duration lifetime(Token token, Instant expiresAt) {
        Duration lifetime = Duration.between(token.issuedAt(), expiresAt);
        return lifetime.isNegative() ? Duration.ZERO : lifetime;
    }

    private static Duration scaled(Duration duration, double factor) {
        return Duration.ofMillis((long) (shorter(duration, ENDLESS).toMillis() * factor));
    }

    /** A duration divided, without the big numbers that {@link Duration#dividedBy(long)} takes to it. */
    private static Duration part(Duration whole, int divisor) {
        long seconds = whole.getSeconds();
        long nanos = seconds % divisor * NANOS_PER_SECOND + whole.getNano();
        return Duration.ofSeconds(seconds / divisor, nanos / divisor);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) <= 0 ? one : other;
    }

    private static Instant plus(Instant start, Duration duration) {
        return duration.compareTo(Duration.between(start, Instant.MAX)) >= 0 ? Instant.MAX : start.plus(duration);
    }

    private static void requireNotNegative(String option, Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException(option + " must not be negative, but is " + value);
        }
    }

    private static void requirePositive(String option, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(option + " must be longer than zero, but is " + value);
        }
    }

    /** Collects the options of a {@link RefreshPolicy}. Not safe for use by several threads. */
    public static final class Builder {

        private Duration refreshMargin = Duration.ofMinutes(5);
        private Duration expirationMargin = Duration.ofSeconds(10);
        private Duration jitter = Duration.ofSeconds(30);
        private Duration minBackoff = Duration.ofSeconds(1);
        private Duration maxBackoff = Duration.ofSeconds(60);
        private @Nullable Duration assumedLifetime;
        private @Nullable Duration grantLifetime;

        private Builder() {}

        /**
         * Sets how long before expiry to refresh.
         *
         * @param refreshMargin 5 minutes by default, zero refreshes when the token goes stale
         * @return this builder
         */
        public Builder refreshMargin(Duration refreshMargin) {
            this.refreshMargin = Objects.requireNonNull(refreshMargin, "refreshMargin");
            return this;
        }

        /**
         * Sets how long before expiry to stop handing the token out.
         *
         * @param expirationMargin 10 seconds by default, zero hands it out until it expires
         * @return this builder
         */
        public Builder expirationMargin(Duration expirationMargin) {
            this.expirationMargin = Objects.requireNonNull(expirationMargin, "expirationMargin");
            return this;
        }

        /**
         * Sets the longest time by which a refresh is moved ahead at random.
         *
         * @param jitter 30 seconds by default, zero switches it off
         * @return this builder
         */
        public Builder jitter(Duration jitter) {
            this.jitter = Objects.requireNonNull(jitter, "jitter");
            return this;
        }

        /**
         * Sets the wait after the first failure.
         *
         * @param minBackoff 1 second by default, not zero
         * @return this builder
         */
        public Builder minBackoff(Duration minBackoff) {
            this.minBackoff = Objects.requireNonNull(minBackoff, "minBackoff");
            return this;
        }

        /**
         * Sets the longest wait after a failure.
         *
         * @param maxBackoff 60 seconds by default, not shorter than the first
         * @return this builder
         */
        public Builder maxBackoff(Duration maxBackoff) {
            this.maxBackoff = Objects.requireNonNull(maxBackoff, "maxBackoff");
            return this;
        }

        /**
         * Sets the lifetime of tokens whose server names none.
         *
         * @param assumedLifetime null, the default, never schedules these
         * @return this builder
         */
        public Builder assumedLifetime(@Nullable Duration assumedLifetime) {
            this.assumedLifetime = assumedLifetime;
            return this;
        }

        /**
         * Sets how long after consent the provider ends the grant.
         *
         * @param grantLifetime null, the default, for unlimited
         * @return this builder
         */
        public Builder grantLifetime(@Nullable Duration grantLifetime) {
            this.grantLifetime = grantLifetime;
            return this;
        }

        /**
         * Completes the policy.
         *
         * @return a policy of the options given so far
         * @throws IllegalArgumentException if an option is out of range; the message names it and the rule
         */
        public RefreshPolicy build() {
            return new RefreshPolicy(
                    refreshMargin, expirationMargin, jitter, minBackoff, maxBackoff, assumedLifetime, grantLifetime);
        }
    }
}
