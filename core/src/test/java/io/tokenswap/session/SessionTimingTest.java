package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TimeZone;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** When the timer refreshes, whatever the clocks do. */
class SessionTimingTest extends SessionFixture {

    @Test
    @Tag("B84")
    void refreshesAheadOfExpiryByTheMarginAndTheJitter() {
        TokenSession session = builder().random(() -> 0.5).build(endpoint.grant());
        List<String> seen = record(session);
        clock.advance(TO_REFRESH.minusSeconds(15).minusMillis(1));
        assertThat(seen).containsExactly("access-1");
        clock.advance(Duration.ofMillis(1));
        assertThat(seen).containsExactly("access-1", "access-2");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 5})
    @Tag("B87")
    void shortLivesLeaveAtLeastASecondBetweenRefreshes(long seconds) {
        ScriptedEndpoint shortLived = new ScriptedEndpoint(clock, Duration.ofSeconds(seconds));
        List<Instant> times = new ArrayList<>();
        shortLived.always(token -> {
            times.add(clock.instant());
            return Mono.just(shortLived.grant());
        });
        TokenSession session = builder(shortLived).build(shortLived.grant());
        record(session);
        clock.advance(Duration.ofMinutes(10));
        assertThat(times).hasSizeGreaterThan(5);
        for (int i = 1; i < times.size(); i++) {
            assertThat(Duration.between(times.get(i - 1), times.get(i))).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        }
    }

    /** The clock of the endpoint is ahead, so each new token starts in the future: it starts now nevertheless. */
    @Test
    @Tag("E10")
    void anEndpointWhoseClockIsAheadIsNotAskedAgainAndAgain() {
        Duration ahead = Duration.ofMinutes(10);
        // A hot loop would never end, so that it gets no more responses after a while.
        endpoint.always(token -> endpoint.refreshes() > 1_000 ? Mono.never() : Mono.just(ahead(ahead)));
        TokenSession session = builder().build(ahead(ahead));
        record(session);
        clock.advance(HOUR.multipliedBy(10));
        assertThat(endpoint.refreshes()).isBetween(10, 12);
        assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
    }

    private Token ahead(Duration time) {
        Token token = endpoint.grant();
        return Token.builder(token.accessToken().secret(), token.issuedAt().plus(time))
                .refreshToken(token.refreshToken().secret())
                .expiresAt(token.expiresAt().plus(time))
                .build();
    }

    @Test
    @Tag("B16")
    void aMissingLifetimeIsTheAssumedOneAndDiffersFromAKnownOne() {
        ScriptedEndpoint silent = new ScriptedEndpoint(clock, null);
        TokenSession session = builder(silent).policy(RefreshPolicy.spotify()).build(silent.grant());
        List<String> seen = record(session);
        clock.advance(TO_REFRESH.minusMillis(1));
        assertThat(seen).containsExactly("access-1");
        clock.advance(Duration.ofMillis(1));
        assertThat(seen).containsExactly("access-1", "access-2");
        assertThat(session.token().block(Duration.ZERO).expiresAt()).isNull();
    }

    @Test
    @Tag("B17")
    void aLifetimeOfZeroKeepsNeitherTheTimerNorTheCallersBusy() {
        ScriptedEndpoint expired = new ScriptedEndpoint(clock, Duration.ZERO);
        // A hot loop would never end, so it gets no more responses after a while.
        expired.always(token -> expired.refreshes() > 1_000 ? Mono.never() : Mono.fromSupplier(expired::grant));
        TokenSession session = builder(expired).build(expired.grant());
        List<String> seen = record(session);
        clock.advance(Duration.ZERO);
        assertThat(expired.refreshes()).isOne();
        for (int i = 0; i < 1_000; i++) {
            assertThat(ask(session.token())).containsExactly("TokenUnavailableException");
        }
        clock.advance(Duration.ofSeconds(1).minusMillis(1));
        assertThat(expired.refreshes()).isOne();
        clock.advance(HOUR);
        assertThat(expired.refreshes()).isBetween(50, 80);
        assertThat(seen).isEmpty();
    }

    /** Seconds in an int, milliseconds in an int, nanoseconds in a long: each with the first that does not fit. */
    @ParameterizedTest
    @ValueSource(longs = {Integer.MAX_VALUE, 1L << 31, 2_147_483, 2_147_484, 9_223_372_036L, 9_223_372_037L})
    @Tag("B20")
    void atTheBordersOfNumbersARefreshIsNeitherEarlyNorLate(long seconds) {
        Duration life = Duration.ofSeconds(seconds);
        ScriptedEndpoint longLived = new ScriptedEndpoint(clock, life);
        TokenSession session = builder(longLived).build(longLived.grant());
        List<String> seen = record(session);
        clock.jump(life.minusMinutes(6));
        clock.advance(Duration.ofSeconds(59));
        assertThat(longLived.refreshes()).isZero();
        clock.advance(Duration.ofSeconds(31));
        assertThat(seen).containsExactly("access-1", "access-2");
    }

    @Test
    @Tag("B88")
    void aLifetimeOfTenYearsIsSleptInSlices() {
        ScriptedEndpoint longLived = new ScriptedEndpoint(clock, Duration.ofDays(3_650));
        List<Duration> slices = new ArrayList<>();
        TokenSession session = builder(longLived).scheduler(noting(slices)).build(longLived.grant());
        record(session);
        clock.advance(Duration.ofDays(2));
        assertThat(slices).hasSizeGreaterThan(1).allMatch(slice -> slice.compareTo(Duration.ofDays(1)) <= 0);
        clock.jump(Duration.ofDays(3_647).plusHours(23).plusMinutes(56));
        clock.advance(Duration.ofSeconds(30));
        assertThat(longLived.refreshes()).isOne();
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE / 1_000, Long.MAX_VALUE / 1_000_000, 31_556_889_864_403_199L - 1_893_456_000L})
    @Tag("B88")
    void aLifetimeBeyondAllArithmeticIsNeitherHotNorAnError(long seconds) {
        Token endless = endpoint.grant().toBuilder()
                .expiresAt(Instant.ofEpochSecond(Math.min(seconds, Instant.MAX.getEpochSecond())))
                .build();
        List<Duration> slices = new ArrayList<>();
        TokenSession session = builder().scheduler(noting(slices)).build(endless);
        List<String> seen = record(session);
        clock.advance(Duration.ofHours(1));
        assertThat(seen).containsExactly("access-1");
        assertThat(endpoint.refreshes()).isZero();
        assertThat(slices).hasSizeLessThan(130).allMatch(slice -> slice.compareTo(Duration.ofDays(1)) <= 0);
    }

    @Test
    void aTokenThatExpiredBeforeAllArithmeticIsRefreshedAtOnce() {
        TokenSession session = builder()
                .build(endpoint.grant().toBuilder().expiresAt(Instant.MIN).build());
        List<String> seen = record(session);
        clock.advance(Duration.ZERO);
        assertThat(seen).containsExactly("access-2");
    }

    @Test
    @Tag("B89")
    void aClockSetForwardIsNoticedWithin30s() {
        TokenSession session = session();
        List<String> seen = record(session);
        clock.jump(HOUR);
        clock.advance(Duration.ofSeconds(30));
        assertThat(seen).containsExactly("access-1", "access-2");
    }

    @Test
    @Tag("B90")
    void aClockSetBackDoesNotPostponeTheRefresh() {
        TokenSession session = session();
        List<String> seen = record(session);
        clock.advance(Duration.ofMinutes(20));
        clock.jump(HOUR.negated());
        clock.advance(Duration.ofMinutes(35));
        assertThat(seen).containsExactly("access-1", "access-2");
    }

    @Test
    @Tag("B91")
    void afterEightHoursOfSuspendTheTokenIsFreshWithin30sAndTheStaleOneIsNeverHandedOut() {
        TokenSession session = session();
        List<String> seen = record(session);
        clock.jump(Duration.ofHours(8));
        Sinks.One<Token> response = heldResponse();
        List<String> served = new ArrayList<>();
        session.token().subscribe(token -> served.add(token.accessToken().secret()));
        List<String> late = record(session);
        clock.advance(Duration.ofSeconds(10));
        response.tryEmitValue(endpoint.grant());
        assertThat(served).containsExactly("access-2");
        assertThat(late).containsExactly("access-2");
        assertThat(seen).containsExactly("access-1", "access-2");
    }

    @Test
    @Tag("B91")
    void afterEightHoursOfSuspendInTheMiddleOfASleepTheTokenIsFreshWithin30sWithoutACaller() {
        TokenSession session = session();
        List<String> seen = record(session);
        clock.advance(Duration.ofSeconds(47));
        clock.jump(Duration.ofHours(8));
        clock.advance(Duration.ofSeconds(30));
        assertThat(seen).containsExactly("access-1", "access-2");
    }

    @Test
    @ResourceLock(Resources.TIME_ZONE)
    @Tag("B92")
    void aChangeOfTimeZoneOrDaylightSavingHasNoEffect() {
        TimeZone before = TimeZone.getDefault();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("Europe/Berlin"));
            // Six minutes before the clocks of Berlin go forward by an hour.
            Instant night = LocalDateTime.of(2030, 3, 31, 1, 54)
                    .atZone(ZoneId.of("Europe/Berlin"))
                    .toInstant();
            clock.jump(Duration.between(clock.instant(), night));
            TokenSession session = session();
            List<String> seen = record(session);
            clock.advance(Duration.ofMinutes(7));
            assertThat(seen).containsExactly("access-1");
            TimeZone.setDefault(TimeZone.getTimeZone("Pacific/Kiritimati"));
            clock.advance(TO_REFRESH.minusMinutes(7).minusMillis(1));
            assertThat(seen).containsExactly("access-1");
            assertThat(accessToken(session)).isEqualTo("access-1");
            clock.advance(Duration.ofMillis(1));
            assertThat(seen).containsExactly("access-1", "access-2");
        } finally {
            TimeZone.setDefault(before);
        }
    }

    /** The wall clock is slewed to the right time, fast or slow: whichever of the two clocks gets there first decides. */
    @ParameterizedTest
    @ValueSource(longs = {-500, 0, 500})
    @Tag("B93")
    void aSlewOfTheClockIsFollowedWithoutAStaleToken(long millisEachTenSeconds) {
        TokenSession session = session();
        List<String> seen = record(session);
        Token first = session.token().block(Duration.ZERO);
        Instant start = clock.instant();
        Duration slept = Duration.ZERO;
        while (seen.size() < 2) {
            assertThat(clock.instant()).isBefore(first.expiresAt());
            clock.advance(Duration.ofSeconds(10));
            clock.jump(Duration.ofMillis(millisEachTenSeconds));
            slept = slept.plusSeconds(10);
        }
        Duration passed = Duration.between(start, clock.instant());
        assertThat(slept.compareTo(passed) > 0 ? slept : passed).isBetween(TO_REFRESH, TO_REFRESH.plusSeconds(31));
        assertThat(endpoint.refreshes()).isOne();
    }

    @Test
    @Tag("B106")
    void manyInstancesThatStartTogetherSpreadTheirRefreshesOverTheJitter() {
        Token token = endpoint.grant();
        Instant earliest = clock.instant().plus(TO_REFRESH).minusSeconds(30);
        clock.advance(TO_REFRESH.minusMinutes(1));
        int[] refreshes = new int[10]; // in each tenth of the jitter
        endpoint.always(due -> {
            long late = Duration.between(earliest, clock.instant()).toMillis();
            refreshes[(int) Math.min(9, late / 3_000)]++;
            return Mono.just(endpoint.grant());
        });
        Random random = new Random(106);
        for (int i = 0; i < 10_000; i++) {
            record(builder().random(random::nextDouble).build(token));
        }
        clock.advance(Duration.ofSeconds(30).minusMillis(1));
        assertThat(endpoint.refreshes()).isZero();
        clock.advance(Duration.ofSeconds(30).plusMillis(1));
        assertThat(endpoint.refreshes()).isEqualTo(10_000);
        assertThat(Arrays.stream(refreshes).boxed()).allMatch(count -> count > 850 && count < 1_150);
    }

    /** The clock's scheduler, with a note of how long each timer sleeps. */
    private Scheduler noting(List<Duration> sleeps) {
        Scheduler scheduler = clock.scheduler();
        return new Scheduler() {
            @Override
            public Disposable schedule(Runnable task) {
                return scheduler.schedule(task);
            }

            @Override
            public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
                sleeps.add(Duration.of(delay, unit.toChronoUnit()));
                return scheduler.schedule(task, delay, unit);
            }

            @Override
            public Worker createWorker() {
                return scheduler.createWorker();
            }
        };
    }
}
