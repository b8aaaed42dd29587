package io.tokenswap.session;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Policy that decides when to refresh a token, when to stop using the token, and how long to wait after a failed refresh.
 * Immutable and safe for use by several threads.
 *
 * <pre>
 *  issuedAt                      refreshAt        staleAt  expiresAt
 *  |--------- handed out -------|-- handed out --|---------|
 *                                and refreshed    callers wait
 * </pre>
 *
 * <p>Each option is cut to the lifetime of the token, so that no setting can make a new token due at once: the refresh margin
 * to a fifth of the lifetime, the jitter to a twentieth, the clock skew to a tenth.
 *
 * <p>Servers count a lifetime in whole seconds. Therefore the clock skew of a token that lives for at least 5 seconds is not
 * cut below one second.
 *
 * <p>Example for a provider that ends a grant a year after consent:
 *
 * <pre>{@code
 * RefreshPolicy policy = RefreshPolicy.builder()
 *         .refreshMargin(Duration.ofMinutes(10))
 *         .grantLifetime(Duration.ofDays(365))
 *         .build();
 * }</pre>
 */
public final class RefreshPolicy {

    private static final RefreshPolicy DEFAULTS = builder().build();

    /** Longer than any margin, and short enough for arithmetic in milliseconds. */
    private static final Duration ENDLESS = Duration.ofDays(365_000);

    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long NANOS_PER_SECOND = 1_000 * NANOS_PER_MILLI;

    /** Lifetime in nanoseconds as which each longer one counts: 285 years. */
    private static final long LONGEST = 9_000_000_000L * NANOS_PER_SECOND;

    /** The resolution of timers: a wait of zero would keep a thread busy with failures. */
    private static final Duration SHORTEST_WAIT = Duration.ofMillis(1);

    /** The resolution of {@code expires_in}: a server that rounds may end a token so much earlier than its response says. */
    private static final long ROUNDING = NANOS_PER_SECOND;

    /** The shortest lifetime that can spare the {@link #ROUNDING}: it is a fifth of this one, as the refresh margin is. */
    private static final long SHORTEST_LIFETIME_TO_ROUND = 5 * NANOS_PER_SECOND;

    /** The number of doublings after which any backoff has reached its longest. */
    private static final int MAX_DOUBLINGS = 30;

    private final Duration refreshMargin;
    private final Duration clockSkew;
    private final Duration jitter;
    private final Duration minBackoff;
    private final Duration maxBackoff;
    private final @Nullable Duration assumedLifetime;
    private final @Nullable Duration grantLifetime;

    private RefreshPolicy(Builder options) {
        this.refreshMargin = options.refreshMargin;
        this.clockSkew = options.clockSkew;
        this.jitter = options.jitter;
        this.minBackoff = options.minBackoff;
        this.maxBackoff = options.maxBackoff;
        this.assumedLifetime = options.assumedLifetime;
        this.grantLifetime = options.grantLifetime;
    }

    /**
     * Returns the policy that suits any provider.
     *
     * @return the defaults of all options
     */
    public static RefreshPolicy defaults() {
        return DEFAULTS;
    }

    /**
     * Returns the policy for Spotify: the defaults, an assumed lifetime of one hour, and a grant that ends six months (180 days)
     * after consent.
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
     * Returns a builder that holds the defaults.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns a builder that holds the options of this policy, for a policy that differs in few of them.
     *
     * @return a new builder
     */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.refreshMargin = refreshMargin;
        builder.clockSkew = clockSkew;
        builder.jitter = jitter;
        builder.minBackoff = minBackoff;
        builder.maxBackoff = maxBackoff;
        builder.assumedLifetime = assumedLifetime;
        builder.grantLifetime = grantLifetime;
        return builder;
    }

    /**
     * Returns the end of the access token: the instant that its server named, else the end of the assumed lifetime.
     *
     * @return the first instant at which the token is invalid; null if unknown
     */
    @Nullable Instant expiresAt(Token token) {
        if (token.expiresAt() != null || assumedLifetime == null) {
            return token.expiresAt();
        }
        return plus(token.issuedAt(), assumedLifetime);
    }

    /**
     * Returns the instant at which to refresh the token.
     *
     * @param random a number from 0 inclusive to 1 exclusive, which places the refresh within the jitter
     * @return the instant, not after {@link #staleAt(Token)}; {@link Instant#MAX} if the end of the token is unknown
     */
    Instant refreshAt(Token token, double random) {
        Instant expiresAt = expiresAt(token);
        if (expiresAt == null) {
            return Instant.MAX;
        }
        long lifetime = lifetime(token.issuedAt(), expiresAt);
        long fifth = lifetime / 5;
        long widestMillis = Math.min(nanos(jitter), fifth / 4) / NANOS_PER_MILLI;
        long atRandom = NANOS_PER_MILLI * (long) (widestMillis * random);
        long ahead = Math.min(nanos(refreshMargin), fifth) + atRandom;
        return expiresAt.minusNanos(Math.max(ahead, skew(lifetime)));
    }

    /**
     * Returns the instant at which to stop using the token.
     *
     * @return the first instant at which no caller gets the token any more; {@link Instant#MAX} if the end of the token
     *     is unknown
     */
    Instant staleAt(Token token) {
        Instant expiresAt = expiresAt(token);
        return expiresAt == null ? Instant.MAX : expiresAt.minusNanos(skew(lifetime(token.issuedAt(), expiresAt)));
    }

    /**
     * Returns the wait after a number of failures. It doubles from the shortest backoff to the longest, less up to 15 %
     * at random: enough to scatter many sessions, and so little that an outage of two hours costs fewer than 150
     * attempts.
     *
     * @param failures the number of attempts that failed in a row, at least 1
     * @param random a number from 0 inclusive to 1 exclusive
     * @return the wait, at least a millisecond
     */
    Duration backoff(int failures, double random) {
        int doublings = Math.max(0, Math.min(failures - 1, MAX_DOUBLINGS));
        Duration longest = shorter(maxBackoff, ENDLESS);
        Duration doubled = minBackoff.compareTo(longest.dividedBy(1L << doublings)) >= 0
                ? longest
                : minBackoff.multipliedBy(1L << doublings);
        Duration wait = doubled.minus(scaled(doubled, 0.15 * random));
        return wait.compareTo(SHORTEST_WAIT) < 0 ? SHORTEST_WAIT : wait;
    }

    /**
     * Returns the end of the grant: the {@linkplain Token#grantExpiresAt() instant} that the provider named, else the end of the
     * grant lifetime.
     *
     * @return the instant; null if unknown
     */
    @Nullable Instant grantExpiresAt(Token token) {
        Instant named = token.grantExpiresAt();
        return named != null || grantLifetime == null ? named : plus(token.authorizedAt(), grantLifetime);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RefreshPolicy policy
                && refreshMargin.equals(policy.refreshMargin)
                && clockSkew.equals(policy.clockSkew)
                && jitter.equals(policy.jitter)
                && minBackoff.equals(policy.minBackoff)
                && maxBackoff.equals(policy.maxBackoff)
                && Objects.equals(assumedLifetime, policy.assumedLifetime)
                && Objects.equals(grantLifetime, policy.grantLifetime);
    }

    @Override
    public int hashCode() {
        return Objects.hash(refreshMargin, clockSkew, jitter, minBackoff, maxBackoff, assumedLifetime, grantLifetime);
    }

    /** Names each option with its value; an option that was left out is not named. */
    @Override
    public String toString() {
        return "RefreshPolicy[refreshMargin=" + refreshMargin
                + ", clockSkew=" + clockSkew
                + ", jitter=" + jitter
                + ", backoff=" + minBackoff + " to " + maxBackoff
                + (assumedLifetime == null ? "" : ", assumedLifetime=" + assumedLifetime)
                + (grantLifetime == null ? "" : ", grantLifetime=" + grantLifetime)
                + "]";
    }

    // Nanoseconds as plain numbers from here: every refresh computes with them.

    private long skew(long lifetime) {
        long tenth = lifetime / 10;
        long longest = lifetime >= SHORTEST_LIFETIME_TO_ROUND && tenth < ROUNDING ? ROUNDING : tenth;
        return Math.min(nanos(clockSkew), longest);
    }

    /** Returns the nanoseconds from the start to the end, zero or more and at most {@link #LONGEST}. */
    private static long lifetime(Instant start, Instant end) {
        long seconds = end.getEpochSecond() - start.getEpochSecond();
        if (seconds < 0 || seconds >= LONGEST / NANOS_PER_SECOND) {
            return seconds < 0 ? 0 : LONGEST;
        }
        return Math.max(0, seconds * NANOS_PER_SECOND + end.getNano() - start.getNano());
    }

    private static long nanos(Duration duration) {
        return duration.toSeconds() >= LONGEST / NANOS_PER_SECOND ? LONGEST : duration.toNanos();
    }

    private static Duration scaled(Duration duration, double factor) {
        return Duration.ofMillis((long) (shorter(duration, ENDLESS).toMillis() * factor));
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) <= 0 ? one : other;
    }

    private static Instant plus(Instant start, Duration duration) {
        return duration.compareTo(Duration.between(start, Instant.MAX)) >= 0 ? Instant.MAX : start.plus(duration);
    }

    /** Collects the options of a {@link RefreshPolicy}. Not safe for use by several threads. */
    public static final class Builder {

        private Duration refreshMargin = Duration.ofMinutes(5);
        private Duration clockSkew = Duration.ofSeconds(10);
        private Duration jitter = Duration.ofSeconds(30);
        private Duration minBackoff = Duration.ofSeconds(1);
        private Duration maxBackoff = Duration.ofSeconds(60);
        private @Nullable Duration assumedLifetime;
        private @Nullable Duration grantLifetime;

        private Builder() {}

        /**
         * Sets the time before expiry at which to refresh, at most a fifth of the token's lifetime. For example, set 10
         * minutes if requests of your application may take so long.
         *
         * @param refreshMargin zero or longer, 5 minutes by default; zero refreshes when the token becomes stale
         * @return this builder
         * @throws IllegalArgumentException if the margin is negative
         */
        public Builder refreshMargin(Duration refreshMargin) {
            this.refreshMargin = requireNotNegative("refreshMargin", refreshMargin);
            return this;
        }

        /**
         * Sets the time before expiry at which to stop using a token, at most a tenth of the token's lifetime. It covers clocks
         * that differ and requests on their way. For example, set 30 seconds if the clock of the machine is corrected rarely.
         *
         * @param clockSkew zero or longer, 10 seconds by default; zero uses each token until it expires
         * @return this builder
         * @throws IllegalArgumentException if the skew is negative
         */
        public Builder clockSkew(Duration clockSkew) {
            this.clockSkew = requireNotNegative("clockSkew", clockSkew);
            return this;
        }

        /**
         * Sets the longest time by which a refresh is moved ahead at random, at most a twentieth of the token's lifetime. The
         * jitter keeps sessions that began together from refreshing together.
         *
         * @param jitter zero or longer, 30 seconds by default; zero switches the jitter off
         * @return this builder
         * @throws IllegalArgumentException if the jitter is negative
         */
        public Builder jitter(Duration jitter) {
            this.jitter = requireNotNegative("jitter", jitter);
            return this;
        }

        /**
         * Sets the waits between failed attempts. The wait after the first failure is {@code min}; each further failure doubles
         * it, up to {@code max}. A {@code Retry-After} of the server holds where it is longer.
         *
         * @param min longer than zero, 1 second by default; less than a millisecond counts as one
         * @param max not shorter than {@code min}, 60 seconds by default
         * @return this builder
         * @throws IllegalArgumentException if a wait is out of range
         */
        public Builder backoff(Duration min, Duration max) {
            requirePositive("backoff min", min);
            requirePositive("backoff max", max);
            if (max.compareTo(min) < 0) {
                throw new IllegalArgumentException(
                        "backoff max (" + max + ") must not be shorter than backoff min (" + min + ")");
            }
            this.minBackoff = min;
            this.maxBackoff = max;
            return this;
        }

        /**
         * Sets the lifetime of tokens whose server names none. Without this option such tokens are never refreshed
         * ahead: they are used until an API refuses them.
         *
         * @param assumedLifetime longer than zero, for example one hour
         * @return this builder
         * @throws IllegalArgumentException if the lifetime is not longer than zero
         */
        public Builder assumedLifetime(Duration assumedLifetime) {
            this.assumedLifetime = requirePositive("assumedLifetime", assumedLifetime);
            return this;
        }

        /**
         * Sets the time after consent at which the provider ends the grant. With this option the session warns 30 days and 7 days
         * ahead. Without it the session knows only the end that a provider {@linkplain Token#grantExpiresAt() names}.
         *
         * @param grantLifetime longer than zero, for example 180 days
         * @return this builder
         * @throws IllegalArgumentException if the lifetime is not longer than zero
         */
        public Builder grantLifetime(Duration grantLifetime) {
            this.grantLifetime = requirePositive("grantLifetime", grantLifetime);
            return this;
        }

        /**
         * Completes the policy.
         *
         * @return a policy of the options given so far
         */
        public RefreshPolicy build() {
            return new RefreshPolicy(this);
        }

        private static Duration requireNotNegative(String option, Duration value) {
            if (Objects.requireNonNull(value, option).isNegative()) {
                throw new IllegalArgumentException(option + " must not be negative, but is " + value);
            }
            return value;
        }

        private static Duration requirePositive(String option, Duration value) {
            if (Objects.requireNonNull(value, option).isNegative() || value.isZero()) {
                throw new IllegalArgumentException(option + " must be longer than zero, but is " + value);
            }
            return value;
        }
    }
}
