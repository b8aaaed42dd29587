package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RefreshPolicyTest {

    private static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00Z");
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    private static Token token(Duration lifetime) {
        return Token.builder("access", ISSUED)
                .expiresAt(lifetime == null ? null : ISSUED.plus(lifetime))
                .build();
    }

    private static Duration age(Instant instant) {
        return Duration.between(ISSUED, instant);
    }

    @Nested
    class Margins {

        @ParameterizedTest(name = "a life of {0} is due after {1} and stale after {2}")
        @CsvSource({
            "PT1H,       PT55M,      PT59M50S",
            "PT25M0.005S, PT20M0.005S, PT24M50.005S", // the refresh margin is less than a fifth
            "PT25M,      PT20M,      PT24M50S", // exactly a fifth
            "PT24M59.995S, PT19M59.996S, PT24M49.995S", // more than a fifth
            "PT1M40S,    PT1M20S,    PT1M30S", // the clock skew is exactly a tenth
            "PT1M39.99S, PT1M19.992S, PT1M29.991S", // more than a tenth
            "PT10S,      PT8S,       PT9S", // a tenth is exactly a second
            "PT0.001S,   PT0.0008S,  PT0.0009S",
            "PT0S,       PT0S,       PT0S",
        })
        void areCutToAFifthAndATenthOfTheLifetime(Duration life, Duration due, Duration stale) {
            RefreshPolicy policy = RefreshPolicy.defaults();
            assertThat(age(policy.refreshAt(token(life), 0))).isEqualTo(due);
            assertThat(age(policy.staleAt(token(life)))).isEqualTo(stale);
        }

        @ParameterizedTest(name = "a life of {0} is due after {1} and stale after {2}")
        @CsvSource({
            "PT1S,              PT0.8S,          PT0.9S",
            "PT4.999999999S,    PT4S,            PT4.5S", // one nanosecond before: a tenth, rounded down
            "PT5S,              PT4S,            PT4S", // exactly at
            "PT5.000000001S,    PT4.000000001S,  PT4.000000001S",
            "PT7S,              PT5.6S,          PT6S",
            "PT9.999999999S,    PT8S,            PT8.999999999S", // one nanosecond before a tenth is a second
            "PT10S,             PT8S,            PT9S",
            "PT10.000000010S,   PT8.000000008S,  PT9.000000009S",
        })
        @Tag("E26")
        void leaveOneSecondForServersThatCountWholeSeconds(Duration life, Duration due, Duration stale) {
            RefreshPolicy policy = RefreshPolicy.defaults();
            assertThat(age(policy.refreshAt(token(life), 0))).isEqualTo(due);
            assertThat(age(policy.staleAt(token(life)))).isEqualTo(stale);
        }

        @Test
        @Tag("E26")
        void ofLessThanOneSecondAreTakenAsTheyAre() {
            RefreshPolicy policy =
                    RefreshPolicy.builder().clockSkew(Duration.ofMillis(300)).build();
            assertThat(age(policy.staleAt(token(Duration.ofSeconds(5))))).isEqualTo(Duration.ofMillis(4700));
        }

        @ParameterizedTest(name = "a life of {0} at random {1} is due after {2}")
        @CsvSource({
            "PT1H, 0,     PT55M",
            "PT1H, 0.5,   PT54M45S",
            "PT1H, 0.999, PT54M30.030S",
            "PT1M, 0,     PT48S",
            "PT1M, 0.5,   PT46.5S",
            "PT1M, 0.999, PT45.003S", // a twentieth ahead of the fifth, not more
        })
        void areMovedAheadByTheJitterAndByATwentiethOfTheLifetimeAtMost(Duration life, double random, Duration due) {
            assertThat(age(RefreshPolicy.defaults().refreshAt(token(life), random)))
                    .isEqualTo(due);
        }

        @Test
        void withoutAnyATokenIsRefreshedAndHandedOutUntilItExpires() {
            RefreshPolicy policy = RefreshPolicy.builder()
                    .refreshMargin(Duration.ZERO)
                    .clockSkew(Duration.ZERO)
                    .jitter(Duration.ZERO)
                    .build();
            Token token = token(Duration.ofHours(1));
            assertThat(policy.refreshAt(token, 0.9)).isEqualTo(token.expiresAt());
            assertThat(policy.staleAt(token)).isEqualTo(token.expiresAt());
        }

        @Test
        void aRefreshIsNeverLaterThanTheLastInstantOfUse() {
            RefreshPolicy policy = RefreshPolicy.builder()
                    .refreshMargin(Duration.ofSeconds(1))
                    .jitter(Duration.ZERO)
                    .clockSkew(Duration.ofMinutes(1))
                    .build();
            Token token = token(Duration.ofHours(1));
            assertThat(policy.refreshAt(token, 0)).isEqualTo(policy.staleAt(token));
        }

        @Test
        void aTokenThatExpiresBeforeItWasIssuedIsDueAndStaleWhenItExpires() {
            Token token = token(Duration.ofSeconds(-7));
            assertThat(RefreshPolicy.defaults().refreshAt(token, 0.5)).isEqualTo(token.expiresAt());
            assertThat(RefreshPolicy.defaults().staleAt(token)).isEqualTo(token.expiresAt());
        }

        @Test
        void areSafeFromOverflowHoweverLong() {
            RefreshPolicy policy = RefreshPolicy.builder()
                    .refreshMargin(FOREVER)
                    .clockSkew(FOREVER)
                    .jitter(FOREVER)
                    .assumedLifetime(FOREVER)
                    .grantLifetime(FOREVER)
                    .build();
            Token hour = token(Duration.ofHours(1));
            assertThat(age(policy.refreshAt(hour, 0))).isEqualTo(Duration.ofMinutes(48));
            assertThat(age(policy.staleAt(hour))).isEqualTo(Duration.ofMinutes(54));
            assertThat(policy.grantExpiresAt(hour)).isEqualTo(Instant.MAX);
            assertThat(policy.expiresAt(token(null))).isEqualTo(Instant.MAX);
            assertThat(policy.staleAt(token(null))).isBefore(Instant.MAX);
            Token endless =
                    Token.builder("access", ISSUED).expiresAt(Instant.MAX).build();
            assertThat(policy.refreshAt(endless, 0.999)).isAfter(ISSUED);
        }
    }

    @Nested
    class Lifetimes {

        @Test
        void unknownOnesAreNeverDueAndNeverStale() {
            RefreshPolicy policy = RefreshPolicy.defaults();
            assertThat(policy.expiresAt(token(null))).isNull();
            assertThat(policy.refreshAt(token(null), 0.5)).isEqualTo(Instant.MAX);
            assertThat(policy.staleAt(token(null))).isEqualTo(Instant.MAX);
        }

        @Test
        @Tag("B16")
        void unknownOnesAreTakenForTheAssumedOneAndKnownOnesAreNot() {
            RefreshPolicy policy = RefreshPolicy.spotify();
            assertThat(age(policy.expiresAt(token(null)))).isEqualTo(Duration.ofHours(1));
            assertThat(age(policy.refreshAt(token(null), 0))).isEqualTo(Duration.ofMinutes(55));
            assertThat(age(policy.expiresAt(token(Duration.ofMinutes(2))))).isEqualTo(Duration.ofMinutes(2));
        }

        @Test
        void ofGrantsCountFromConsent() {
            Instant consent = ISSUED.minus(Duration.ofDays(100));
            Token token = Token.builder("access", ISSUED).authorizedAt(consent).build();
            assertThat(RefreshPolicy.spotify().grantExpiresAt(token)).isEqualTo(consent.plus(Duration.ofDays(180)));
            assertThat(RefreshPolicy.defaults().grantExpiresAt(token)).isNull();
        }

        @Test
        void ofGrantsEndWhereTheProviderSaysSo() {
            Token token = Token.builder("access", ISSUED).grantExpiresAt(ISSUED).build();
            assertThat(RefreshPolicy.spotify().grantExpiresAt(token)).isEqualTo(ISSUED);
            assertThat(RefreshPolicy.defaults().grantExpiresAt(token)).isEqualTo(ISSUED);
        }
    }

    @Nested
    class Backoff {

        @ParameterizedTest(name = "after {0} failures at random {1}: {2}")
        @CsvSource({
            "1,  0,     PT1S",
            "2,  0,     PT2S",
            "3,  0,     PT4S",
            "6,  0,     PT32S",
            "7,  0,     PT1M",
            "31, 0,     PT1M",
            "2147483647, 0, PT1M",
            "1,  0.999, PT0.851S",
            "7,  0.5,   PT55.5S",
            "7,  0.999, PT51.010S",
        })
        void doublesToTheLongestLessAtMost15Percent(int failures, double random, Duration wait) {
            assertThat(RefreshPolicy.defaults().backoff(failures, random)).isEqualTo(wait);
        }

        @Test
        void reachesALongestThatIsNoPowerOfTwo() {
            RefreshPolicy policy = RefreshPolicy.builder()
                    .backoff(Duration.ofSeconds(3), Duration.ofSeconds(10))
                    .build();
            assertThat(policy.backoff(2, 0)).isEqualTo(Duration.ofSeconds(6));
            assertThat(policy.backoff(3, 0)).isEqualTo(Duration.ofSeconds(10));
        }

        @Test
        void isConstantWhereBothLimitsAreTheSame() {
            RefreshPolicy policy = RefreshPolicy.builder()
                    .backoff(Duration.ofSeconds(5), Duration.ofSeconds(5))
                    .build();
            assertThat(policy.backoff(1, 0)).isEqualTo(Duration.ofSeconds(5));
            assertThat(policy.backoff(9, 0)).isEqualTo(Duration.ofSeconds(5));
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 2, 30, 31, 32, 64, 65, Integer.MAX_VALUE})
        void isSafeFromOverflowHoweverLongAndOften(int failures) {
            RefreshPolicy policy =
                    RefreshPolicy.builder().backoff(FOREVER, FOREVER).build();
            assertThat(policy.backoff(failures, 0.999)).isGreaterThan(Duration.ofDays(10_000));
            long retryAt = Math.addExact(
                    ISSUED.toEpochMilli(), policy.backoff(failures, 0).toMillis());
            assertThat(Instant.ofEpochMilli(retryAt)).isAfter(ISSUED);
        }
    }

    @Nested
    class Options {

        private void assertRefused(UnaryOperator<RefreshPolicy.Builder> options, String rule) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> options.apply(RefreshPolicy.builder()))
                    .withMessage(rule);
        }

        @Test
        void outOfRangeAreRefusedInWordsThatNameTheRule() {
            Duration negative = Duration.ofMillis(-1);
            assertRefused(b -> b.refreshMargin(negative), "refreshMargin must not be negative, but is PT-0.001S");
            assertRefused(b -> b.clockSkew(negative), "clockSkew must not be negative, but is PT-0.001S");
            assertRefused(b -> b.jitter(negative), "jitter must not be negative, but is PT-0.001S");
            Duration second = Duration.ofSeconds(1);
            assertRefused(b -> b.backoff(Duration.ZERO, second), "backoff min must be longer than zero, but is PT0S");
            assertRefused(b -> b.backoff(negative, second), "backoff min must be longer than zero, but is PT-0.001S");
            assertRefused(b -> b.backoff(second, Duration.ZERO), "backoff max must be longer than zero, but is PT0S");
            assertRefused(
                    b -> b.backoff(second, Duration.ofMillis(999)),
                    "backoff max (PT0.999S) must not be shorter than backoff min (PT1S)");
            assertRefused(
                    b -> b.assumedLifetime(Duration.ZERO), "assumedLifetime must be longer than zero, but is PT0S");
            assertRefused(b -> b.grantLifetime(negative), "grantLifetime must be longer than zero, but is PT-0.001S");
        }

        @Test
        void atTheEdgeOfTheirRangeAreTaken() {
            RefreshPolicy policy = RefreshPolicy.builder()
                    .refreshMargin(Duration.ZERO)
                    .clockSkew(Duration.ZERO)
                    .jitter(Duration.ZERO)
                    .backoff(Duration.ofNanos(1), Duration.ofNanos(1))
                    .assumedLifetime(Duration.ofNanos(1))
                    .grantLifetime(Duration.ofNanos(1))
                    .build();
            assertThat(policy.backoff(1, 0)).isEqualTo(Duration.ofMillis(1));
        }

        @Test
        void defaultsAreThoseOfTheDocumentation() {
            assertThat(RefreshPolicy.defaults())
                    .isEqualTo(RefreshPolicy.builder()
                            .refreshMargin(Duration.ofMinutes(5))
                            .clockSkew(Duration.ofSeconds(10))
                            .jitter(Duration.ofSeconds(30))
                            .backoff(Duration.ofSeconds(1), Duration.ofSeconds(60))
                            .build());
            assertThat(RefreshPolicy.spotify())
                    .isEqualTo(RefreshPolicy.builder()
                            .assumedLifetime(Duration.ofHours(1))
                            .grantLifetime(Duration.ofDays(180))
                            .build());
        }

        @Test
        void areKeptByACopyThatChangesOne() {
            RefreshPolicy spotify = RefreshPolicy.spotify();
            assertThat(spotify.toBuilder().build()).isEqualTo(spotify);
            RefreshPolicy changed = spotify.toBuilder().jitter(Duration.ZERO).build();
            assertThat(changed)
                    .isEqualTo(RefreshPolicy.builder()
                            .jitter(Duration.ZERO)
                            .assumedLifetime(Duration.ofHours(1))
                            .grantLifetime(Duration.ofDays(180))
                            .build());
            assertThat(RefreshPolicy.spotify()).isEqualTo(spotify).isNotEqualTo(changed);
        }

        @Test
        void areEachPartOfEqualityAndOfTheText() {
            RefreshPolicy defaults = RefreshPolicy.defaults();
            Duration second = Duration.ofSeconds(1);
            Map<String, UnaryOperator<RefreshPolicy.Builder>> changes = Map.of(
                    "refreshMargin=PT17S", b -> b.refreshMargin(Duration.ofSeconds(17)),
                    "clockSkew=PT17S", b -> b.clockSkew(Duration.ofSeconds(17)),
                    "jitter=PT17S", b -> b.jitter(Duration.ofSeconds(17)),
                    "backoff=PT1S to PT17S", b -> b.backoff(second, Duration.ofSeconds(17)),
                    "backoff=PT17S to PT1M", b -> b.backoff(Duration.ofSeconds(17), Duration.ofMinutes(1)),
                    "assumedLifetime=PT17S", b -> b.assumedLifetime(Duration.ofSeconds(17)),
                    "grantLifetime=PT17S", b -> b.grantLifetime(Duration.ofSeconds(17)));
            changes.forEach((text, change) -> {
                RefreshPolicy changed = change.apply(defaults.toBuilder()).build();
                assertThat(changed).isNotEqualTo(defaults);
                assertThat(changed.toString()).contains(text);
                assertThat(change.apply(RefreshPolicy.builder()).build())
                        .isEqualTo(changed)
                        .hasSameHashCodeAs(changed);
            });
            assertThat(defaults)
                    .hasToString(
                            "RefreshPolicy[refreshMargin=PT5M, clockSkew=PT10S, jitter=PT30S, backoff=PT1S to PT1M]");
        }
    }
}
