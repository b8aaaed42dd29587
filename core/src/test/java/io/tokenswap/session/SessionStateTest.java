package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.session.SessionState.Closed;
import io.tokenswap.session.SessionState.Idle;
import io.tokenswap.session.SessionState.LoginRequired;
import io.tokenswap.session.SessionState.Paused;
import io.tokenswap.session.SessionState.Refreshing;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** Every step of every state: an hour's token that was issued at time 0, due at 55 min, stale 10 s before the hour. */
class SessionStateTest {

    private static final long HOUR = 3_600_000;
    private static final long DUE = HOUR - 300_000;
    private static final long STALE = HOUR - 10_000;
    private static final long REFUSED = Long.MIN_VALUE;

    private static final VirtualClock CLOCK = new VirtualClock();
    private static final SessionSettings SETTINGS = settings(false);
    private static final SessionSettings WITH_HOOK = settings(true);

    private static final Token TOKEN = token("access-1", HOUR);
    private static final Token NEXT = token("access-2", 2 * HOUR);
    private static final TokenSwapException REFUSED_CONNECTION = ScriptedEndpoint.notSent();

    private static SessionSettings settings(boolean hook) {
        return new SessionSettings(
                new ScriptedEndpoint(CLOCK, Duration.ofHours(1)),
                RefreshPolicy.defaults(),
                CLOCK,
                CLOCK.scheduler(),
                () -> 0,
                hook ? reason -> Mono.never() : null,
                false);
    }

    private static Token token(String name, long expiresAt) {
        return Token.builder(name, Instant.ofEpochMilli(expiresAt - HOUR))
                .refreshToken("refresh of " + name)
                .expiresAt(Instant.ofEpochMilli(expiresAt))
                .build();
    }

    private static Idle idle() {
        return Idle.with(TOKEN, 0, SETTINGS);
    }

    private static Refreshing refreshing() {
        return (Refreshing) idle().woken(SETTINGS);
    }

    private static Paused paused() {
        return (Paused) fail(refreshing(), REFUSED_CONNECTION, DUE);
    }

    private static LoginRequired loginRequired() {
        return (LoginRequired) fail(refreshing(), ScriptedEndpoint.invalidGrant(), DUE);
    }

    private static Refreshing signingIn() {
        Refreshing refreshing = refreshing();
        return (Refreshing) refreshing.failed(refreshing.flight(), ScriptedEndpoint.invalidGrant(), DUE, WITH_HOOK);
    }

    private static SessionState fail(Refreshing state, TokenSwapException error, long now) {
        return state.failed(state.flight(), error, now, SETTINGS);
    }

    @Nested
    class AnIdleState {

        @Test
        void isLeftWhenTheTokenIsDueAndServesItUntilItIsStale() {
            assertThat(idle().wakeAt()).isEqualTo(DUE);
            assertThat(idle().staleAt()).isEqualTo(STALE);
        }

        @ParameterizedTest(name = "at {0}: {1}, usable {2}")
        @CsvSource({
            "0,       FRESH, true",
            "3299999, FRESH, true",
            "3300000, DUE,   true",
            "3589999, DUE,   true",
            "3590000, DUE,   false",
        })
        void isFreshThenDueThenStaleToTheMillisecond(long now, TokenSession.State description, boolean usable) {
            assertThat(idle().describe(now)).isEqualTo(description);
            assertThat(idle().isUsable(now)).isEqualTo(usable);
        }

        @Test
        void stepsWhenAskedExactlyWhenDueAndNotAMillisecondBefore() {
            Idle idle = idle();
            assertThat(idle.asked(DUE - 1, SETTINGS)).isSameAs(idle);
            assertThat(idle.asked(DUE, SETTINGS)).isInstanceOf(Refreshing.class);
        }

        @Test
        void stepsWhenAskedForAStaleTokenThoughTheTimerIsNotDueYet() {
            Token brief = Token.builder("brief", Instant.EPOCH)
                    .refreshToken("refresh")
                    .expiresAt(Instant.ofEpochMilli(500))
                    .build();
            Idle idle = Idle.with(brief, 0, SETTINGS);
            assertThat(idle.wakeAt()).isEqualTo(SessionState.MIN_INTERVAL);
            assertThat(idle.describe(449)).isEqualTo(TokenSession.State.FRESH);
            assertThat(idle.describe(450)).isEqualTo(TokenSession.State.DUE);
            assertThat(idle.asked(449, SETTINGS)).isSameAs(idle);
            assertThat(idle.asked(450, SETTINGS)).isInstanceOf(Refreshing.class);
        }

        @Test
        void ofATokenThatIsStaleAlreadyIsDueAtOnce() {
            assertThat(Idle.with(TOKEN, STALE, SETTINGS).wakeAt()).isEqualTo(DUE);
            assertThat(Idle.with(TOKEN, STALE - 1, SETTINGS).wakeAt()).isEqualTo(STALE - 1 + SessionState.MIN_INTERVAL);
        }

        @Test
        void refreshesWhenDemandedThoughTheTokenIsFresh() {
            assertThat(idle().demanded(0, SETTINGS)).isInstanceOfSatisfying(Refreshing.class, next -> {
                assertThat(next.token()).isSameAs(TOKEN);
                assertThat(next.staleAt()).isEqualTo(STALE);
                assertThat(next.failures()).isZero();
                assertThat(next.flight().loginReason()).isNull();
            });
        }

        @Test
        void whenInvalidatedRefreshesAndServesTheTokenNoMore() {
            assertThat(idle().invalidated(SETTINGS)).isInstanceOfSatisfying(Refreshing.class, next -> {
                assertThat(next.staleAt()).isEqualTo(REFUSED);
                assertThat(next.isUsable(0)).isFalse();
            });
        }

        @Test
        void withoutARefreshTokenAsksForALoginWhenTheTokenIsStaleAndNotBefore() {
            Idle idle = Idle.with(TOKEN.toBuilder().refreshToken(null).build(), 0, SETTINGS);
            assertThat(idle.wakeAt()).isEqualTo(STALE);
            assertThat(idle.asked(STALE - 1, SETTINGS)).isSameAs(idle);
            assertThat(idle.woken(SETTINGS)).isInstanceOf(LoginRequired.class);
            assertThat(idle.invalidated(SETTINGS))
                    .isInstanceOfSatisfying(
                            LoginRequired.class,
                            next -> assertThat(next.staleAt()).isEqualTo(REFUSED));
            assertThat(idle.woken(WITH_HOOK))
                    .isInstanceOfSatisfying(
                            Refreshing.class,
                            next -> assertThat(next.flight().loginReason()).isNotNull());
        }

        @Test
        void ofATokenOfUnknownLifetimeIsNeverLeftByItself() {
            Idle idle = Idle.with(TOKEN.toBuilder().expiresAt(null).build(), 0, SETTINGS);
            assertThat(idle.wakeAt()).isEqualTo(SessionState.NEVER);
            assertThat(idle.isUsable(Long.MAX_VALUE - 1)).isTrue();
            assertThat(idle.asked(Long.MAX_VALUE - 1, SETTINGS)).isSameAs(idle);
        }

        @Test
        void ofATokenThatOutlivesTheArithmeticIsNeverLeftByItself() {
            Idle idle = Idle.with(TOKEN.toBuilder().expiresAt(Instant.MAX).build(), 0, SETTINGS);
            assertThat(idle.staleAt()).isEqualTo(SessionState.NEVER);
            assertThat(idle.wakeAt()).isEqualTo(SessionState.NEVER);
        }
    }

    @Nested
    class ARefreshingState {

        @Test
        void servesThePreviousTokenUntilItIsStale() {
            assertThat(refreshing().isUsable(STALE - 1)).isTrue();
            assertThat(refreshing().isUsable(STALE)).isFalse();
            assertThat(refreshing().describe(STALE)).isEqualTo(TokenSession.State.REFRESHING);
        }

        @Test
        void isLeftByItsFlightAlone() {
            assertThat(refreshing().wakeAt()).isEqualTo(SessionState.NEVER);
        }

        @Test
        void whenInvalidatedKeepsItsFlightAndServesTheTokenNoMore() {
            Refreshing refreshing = refreshing();
            assertThat(refreshing.invalidated(SETTINGS)).isInstanceOfSatisfying(Refreshing.class, next -> {
                assertThat(next.flight()).isSameAs(refreshing.flight());
                assertThat(next.staleAt()).isEqualTo(REFUSED);
                assertThat(next.invalidated(SETTINGS)).isSameAs(next);
            });
        }

        @Test
        void takesTheTokenOfItsOwnFlight() {
            Refreshing refreshing = refreshing();
            assertThat(refreshing.succeeded(refreshing.flight(), NEXT, HOUR, SETTINGS))
                    .isEqualTo(Idle.with(NEXT, HOUR, SETTINGS));
        }

        @Test
        void takesNothingFromAnotherFlight() {
            Refreshing refreshing = refreshing();
            assertThat(refreshing.succeeded(Flight.refresh(), NEXT, HOUR, SETTINGS))
                    .isSameAs(refreshing);
            assertThat(refreshing.failed(Flight.refresh(), ScriptedEndpoint.invalidGrant(), HOUR, SETTINGS))
                    .isSameAs(refreshing);
        }

        @Test
        void keepsATokenThatIsBornStaleWithoutServingItAndPauses() {
            Refreshing refreshing = refreshing();
            long bornStale = 2 * HOUR - 10_000;
            assertThat(refreshing.succeeded(refreshing.flight(), NEXT, bornStale - 1, SETTINGS))
                    .isInstanceOf(Idle.class);
            assertThat(refreshing.succeeded(refreshing.flight(), NEXT, bornStale, SETTINGS))
                    .isInstanceOfSatisfying(Paused.class, next -> {
                        assertThat(next.token()).isSameAs(NEXT);
                        assertThat(next.staleAt()).isEqualTo(REFUSED);
                        assertThat(next.retryAt()).isEqualTo(bornStale + 1_000);
                        assertThat(next.error()).hasMessageContaining("expired already");
                    });
        }

        @Test
        void pausesAfterAFailureAndServesThePreviousTokenMeanwhile() {
            assertThat(fail(refreshing(), REFUSED_CONNECTION, DUE))
                    .isEqualTo(new Paused(TOKEN, STALE, 1, DUE, DUE + 1_000, REFUSED_CONNECTION, false));
        }

        @Test
        void asksForALoginWhenTheGrantIsDeadAndForgetsTheRefreshToken() {
            assertThat(fail(refreshing(), ScriptedEndpoint.invalidGrant(), DUE))
                    .isInstanceOfSatisfying(LoginRequired.class, next -> {
                        assertThat(next.token().accessToken().secret()).isEqualTo("access-1");
                        assertThat(next.token().refreshToken()).isNull();
                        assertThat(next.staleAt()).isEqualTo(STALE);
                        assertThat(next.error()).hasCauseInstanceOf(OAuthErrorException.class);
                    });
        }

        @Test
        void asksForALoginWhenTheTokenWasRemovedFromTheStore() {
            LoginRequiredException removed = new LoginRequiredException("removed", null);
            assertThat(fail(refreshing(), removed, DUE))
                    .isInstanceOfSatisfying(
                            LoginRequired.class,
                            next -> assertThat(next.error()).isSameAs(removed));
        }

        @Test
        void beginsALoginInsteadWhereAHookOffersOne() {
            assertThat(signingIn().flight().loginReason()).hasCauseInstanceOf(OAuthErrorException.class);
            assertThat(signingIn().describe(DUE)).isEqualTo(TokenSession.State.LOGIN_REQUIRED);
            assertThat(signingIn().isUsable(STALE - 1)).isTrue();
        }

        @Test
        void ofALoginThatFailsStaysWithoutALogin() {
            Refreshing signingIn = signingIn();
            assertThat(signingIn.failed(signingIn.flight(), REFUSED_CONNECTION, DUE, WITH_HOOK))
                    .isInstanceOfSatisfying(
                            LoginRequired.class,
                            next -> assertThat(next.error()).hasCause(REFUSED_CONNECTION));
        }

        @Test
        void leavesItsFlightToTheClosedStateSoThatItCanBeWaitedFor() {
            Refreshing refreshing = refreshing();
            assertThat(refreshing.closed()).isEqualTo(new Closed(TOKEN, refreshing.flight()));
        }
    }

    @Nested
    class APausedState {

        @Test
        void retriesWhenAskedExactlyWhenDueAndNotAMillisecondBefore() {
            Paused paused = paused();
            assertThat(paused.wakeAt()).isEqualTo(DUE + 1_000);
            assertThat(paused.asked(DUE + 999, SETTINGS)).isSameAs(paused);
            assertThat(paused.demanded(DUE + 999, SETTINGS)).isSameAs(paused);
            assertThat(paused.asked(DUE + 1_000, SETTINGS)).isInstanceOf(Refreshing.class);
        }

        @Test
        void isNotLeftEarlyThoughItsTokenIsStale() {
            Paused paused = (Paused) fail(refreshing(), REFUSED_CONNECTION, STALE);
            assertThat(paused.isUsable(STALE)).isFalse();
            assertThat(paused.asked(STALE, SETTINGS)).isSameAs(paused);
        }

        @Test
        void countsItsFailuresOn() {
            Refreshing again = (Refreshing) paused().woken(SETTINGS);
            assertThat(again.failures()).isOne();
            assertThat(fail(again, REFUSED_CONNECTION, HOUR))
                    .isEqualTo(new Paused(TOKEN, STALE, 2, HOUR, HOUR + 2_000, REFUSED_CONNECTION, false));
        }

        @Test
        void waitsAsLongAsTheServerAsksAndAtLeastTheBackoff() {
            Instant later = Instant.ofEpochMilli(DUE + 90_000);
            assertThat(fail(refreshing(), ScriptedEndpoint.throttled(later), DUE)
                            .wakeAt())
                    .isEqualTo(DUE + 90_000);
            Instant earlier = Instant.ofEpochMilli(DUE + 10);
            assertThat(fail(refreshing(), ScriptedEndpoint.throttled(earlier), DUE)
                            .wakeAt())
                    .isEqualTo(DUE + 1_000);
        }

        @Test
        void repeatsAnUnknownOutcomeSoonButOnlyTheFirstTime() {
            SessionSettings patient = new SessionSettings(
                    SETTINGS.endpoint(),
                    RefreshPolicy.builder()
                            .backoff(Duration.ofSeconds(20), Duration.ofSeconds(60))
                            .build(),
                    CLOCK,
                    CLOCK.scheduler(),
                    () -> 0,
                    null,
                    false);
            Refreshing first = refreshing();
            Paused once = (Paused) first.failed(first.flight(), ScriptedEndpoint.responseLost(), DUE, patient);
            assertThat(once.retryAt()).isEqualTo(DUE + SessionState.UNKNOWN_RETRY_LIMIT);
            assertThat(once.urgent()).isTrue();
            Refreshing second = (Refreshing) once.woken(patient);
            Paused twice = (Paused) second.failed(second.flight(), ScriptedEndpoint.responseLost(), DUE, patient);
            assertThat(twice.retryAt()).isEqualTo(DUE + 40_000);
            assertThat(twice.urgent()).isFalse();
            assertThat(paused().urgent()).isFalse();
        }

        @Test
        void whenInvalidatedKeepsItsPause() {
            assertThat(paused().invalidated(SETTINGS))
                    .isEqualTo(new Paused(TOKEN, REFUSED, 1, DUE, DUE + 1_000, REFUSED_CONNECTION, false));
        }

        @Test
        void isDegraded() {
            assertThat(paused().describe(DUE)).isEqualTo(TokenSession.State.DEGRADED);
        }
    }

    @Nested
    class AStateWithoutALogin {

        @Test
        void servesTheTokenUntilItIsStaleAndIsLeftByNothingButARenewal() {
            LoginRequired ended = loginRequired();
            assertThat(ended.isUsable(STALE - 1)).isTrue();
            assertThat(ended.isUsable(STALE)).isFalse();
            assertThat(ended.wakeAt()).isEqualTo(SessionState.NEVER);
            assertThat(ended.describe(0)).isEqualTo(TokenSession.State.LOGIN_REQUIRED);
            assertThat(ended.renewed(NEXT, HOUR, SETTINGS)).isInstanceOf(Idle.class);
        }

        @Test
        void whenInvalidatedServesTheTokenNoMore() {
            assertThat(loginRequired().invalidated(SETTINGS).isUsable(0)).isFalse();
        }
    }

    /** State, and the step that does not apply to it. */
    record Ignored(String name, SessionState state, Step step) {

        interface Step {
            SessionState take(SessionState state);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Ignored> ignored() {
        Flight any = Flight.refresh();
        SessionState refused = loginRequired().invalidated(SETTINGS);
        SessionState refusedPause = paused().invalidated(SETTINGS);
        List<SessionState> all = List.of(
                idle(),
                refreshing(),
                signingIn(),
                paused(),
                loginRequired(),
                refreshing().closed());
        Stream<Ignored> foreignFlights = all.stream()
                .flatMap(state -> Stream.of(
                        new Ignored(
                                "success of another flight in " + name(state),
                                state,
                                s -> s.succeeded(any, NEXT, 0, SETTINGS)),
                        new Ignored(
                                "failure of another flight in " + name(state),
                                state,
                                s -> s.failed(any, REFUSED_CONNECTION, 0, SETTINGS))));
        Stream<Ignored> latched = Stream.of(refreshing(), signingIn(), loginRequired(), idle().closed())
                .flatMap(state -> Stream.of(
                        new Ignored("woken in " + name(state), state, s -> s.woken(SETTINGS)),
                        new Ignored("asked when stale in " + name(state), state, s -> s.asked(HOUR, SETTINGS)),
                        new Ignored("demanded in " + name(state), state, s -> s.demanded(HOUR, SETTINGS))));
        Stream<Ignored> others = Stream.of(
                new Ignored("invalidated twice without a login", refused, s -> s.invalidated(SETTINGS)),
                new Ignored("invalidated twice in a pause", refusedPause, s -> s.invalidated(SETTINGS)),
                new Ignored("invalidated when closed", idle().closed(), s -> s.invalidated(SETTINGS)),
                new Ignored("renewed when closed", idle().closed(), s -> s.renewed(NEXT, 0, SETTINGS)),
                new Ignored("closed when closed", refreshing().closed(), SessionState::closed));
        return Stream.of(foreignFlights, latched, others).flatMap(each -> each);
    }

    private static String name(SessionState state) {
        return state.getClass().getSimpleName();
    }

    @ParameterizedTest
    @MethodSource("ignored")
    void aStepThatDoesNotApplyReturnsTheSameInstance(Ignored ignored) {
        assertThat(ignored.step().take(ignored.state())).isSameAs(ignored.state());
    }

    static Stream<SessionState> open() {
        return Stream.of(idle(), refreshing(), signingIn(), paused(), loginRequired());
    }

    @ParameterizedTest
    @MethodSource("open")
    void everyOpenStateIsRenewedAndClosed(SessionState state) {
        assertThat(state.renewed(NEXT, HOUR, SETTINGS)).isEqualTo(Idle.with(NEXT, HOUR, SETTINGS));
        assertThat(state.closed()).isInstanceOfSatisfying(Closed.class, closed -> {
            assertThat(closed.isUsable(0)).isFalse();
            assertThat(closed.wakeAt()).isEqualTo(SessionState.NEVER);
            assertThat(closed.describe(0)).isEqualTo(TokenSession.State.CLOSED);
        });
    }
}
