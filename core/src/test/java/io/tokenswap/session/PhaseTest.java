package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/**
 * Every step of every phase. The token was issued at time 0 for an hour: it is due at 55 minutes and stale 10 seconds
 * before its end.
 */
class PhaseTest {

    private static final long HOUR = 3_600_000;
    private static final long DUE = HOUR - 300_000;
    private static final long STALE = HOUR - 10_000;
    private static final String LOGIN = "0".repeat(31) + "1";
    private static final String LATER_LOGIN = "0".repeat(31) + "2";

    private static final VirtualClock CLOCK = new VirtualClock();
    private static final SessionSettings SETTINGS = settings(RefreshPolicy.defaults(), false);
    private static final SessionSettings WITH_HOOK = settings(RefreshPolicy.defaults(), true);

    private static final Token TOKEN = token("access-1", 0);
    private static final Token NEXT = token("access-2", HOUR);
    private static final Record FIRST = Record.login(Instant.EPOCH, LOGIN, TOKEN);
    private static final Record SECOND = FIRST.refreshed(7, NEXT);
    private static final Record SIGN_OUT = Record.signOut(Instant.ofEpochMilli(HOUR), LATER_LOGIN);
    private static final TokenSwapException NOT_SENT = ScriptedEndpoint.notSent();

    private static SessionSettings settings(RefreshPolicy policy, boolean hook) {
        return SessionSettings.of(
                new ScriptedEndpoint(CLOCK, Duration.ofHours(1)),
                policy,
                CLOCK,
                CLOCK.scheduler(),
                () -> 0,
                hook ? reason -> Mono.never() : null,
                false,
                new RefreshSlots(64));
    }

    private static Token token(String name, long issuedAt) {
        return Token.builder(name, Instant.ofEpochMilli(issuedAt))
                .refreshToken("refresh of " + name)
                .expiresAt(Instant.ofEpochMilli(issuedAt + HOUR))
                .build();
    }

    /** A moment at which the clocks agree with those of time 0. */
    private static Moment at(long millis) {
        return new Moment(millis, millis);
    }

    private static IdlePhase idle() {
        return IdlePhase.with(TOKEN, Stored.NONE, at(0), SETTINGS);
    }

    private static IdlePhase storedIdle() {
        return IdlePhase.with(TOKEN, Stored.of(FIRST, 0), at(0), SETTINGS);
    }

    /** The nodes that share a record are due within a second of each other, and different records are not. */
    @Test
    void aSharedRecordPlacesItsRefreshWithinTheJitter() {
        Stored stored = Stored.of(FIRST, 0);
        long latest = ServedToken.millis(RefreshPolicy.defaults().refreshAt(TOKEN, stored.placeInJitter(0)));
        long earliest = ServedToken.millis(RefreshPolicy.defaults().refreshAt(TOKEN, stored.placeInJitter(0.999)));
        assertThat(latest - earliest).isBetween(900L, 1_000L);
        double[] places = Stream.iterate(FIRST, record -> record.refreshed(1, TOKEN))
                .limit(100)
                .mapToDouble(record -> Stored.of(record, 0).placeInJitter(0))
                .sorted()
                .toArray();
        assertThat(places[0]).isBetween(0.0, 0.1);
        assertThat(places[50]).isBetween(0.3, 0.7);
        assertThat(places[99]).isBetween(0.9, 0.97);
        assertThat(Stored.NONE.placeInJitter(0.5)).isEqualTo(0.5);

        Phase renewed = storedIdle().renewed(NEXT, LATER_LOGIN, at(HOUR), SETTINGS);
        Record login = Record.login(Instant.ofEpochMilli(HOUR), LATER_LOGIN, NEXT);
        assertThat(renewed.dueAt())
                .isEqualTo(IdlePhase.with(NEXT, Stored.of(login, HOUR), at(HOUR), SETTINGS)
                        .dueAt());
    }

    /**
     * For example that of an attempt which was overtaken. It comes after a moment, and a caller does not start the next
     * at once.
     */
    @Test
    @Tag("E14")
    void aRefusedTokenStaysRefusedAfterAResultThatIsNotGreater() {
        Phase refused = storedIdle().invalidated(at(1), SETTINGS);
        Phase overtaken = refused.ended(refused.attempt(), new AttemptResult.Adopted(FIRST), at(2), SETTINGS);
        assertThat(overtaken.isUsable(at(3))).isFalse();
        assertThat(overtaken.asked(at(3), SETTINGS)).isSameAs(overtaken);
        assertThat(overtaken.asked(at(2 + IdlePhase.MIN_INTERVAL), SETTINGS)).isInstanceOf(RefreshingPhase.class);
    }

    private static RefreshingPhase refreshing() {
        return (RefreshingPhase) idle().woken(at(DUE), SETTINGS);
    }

    private static RefreshingPhase storedRefreshing() {
        return (RefreshingPhase) storedIdle().woken(at(DUE), SETTINGS);
    }

    private static SavingPhase saving() {
        RefreshingPhase refreshing = storedRefreshing();
        return (SavingPhase)
                refreshing.ended(refreshing.attempt(), new AttemptResult.Obtained(SECOND, 7, false), at(DUE), SETTINGS);
    }

    private static SavingPhase savingAlone() {
        SavingPhase saving = saving();
        return (SavingPhase) saving.saveFailed(unsaved(saving), DUE + 200, at(DUE), SETTINGS);
    }

    private static Stored.Unsaved unsaved(Phase phase) {
        return Objects.requireNonNull(phase.stored().unsaved());
    }

    private static PausedPhase paused() {
        return (PausedPhase) fail(refreshing(), NOT_SENT, DUE);
    }

    private static LoginRequiredPhase loginRequired() {
        return (LoginRequiredPhase) fail(refreshing(), ScriptedEndpoint.invalidGrant(), DUE);
    }

    private static LoginRequiredPhase storedLoginRequired() {
        return (LoginRequiredPhase) end(storedRefreshing(), new AttemptResult.Removed(FIRST), DUE);
    }

    private static SigningInPhase signingIn() {
        RefreshingPhase refreshing = refreshing();
        return (SigningInPhase) refreshing.ended(
                refreshing.attempt(), new AttemptResult.Failed(ScriptedEndpoint.invalidGrant()), at(DUE), WITH_HOOK);
    }

    private static Phase end(RefreshingPhase phase, AttemptResult result, long now) {
        return phase.ended(phase.attempt(), result, at(now), SETTINGS);
    }

    private static Phase fail(RefreshingPhase phase, TokenSwapException error, long now) {
        return end(phase, new AttemptResult.Failed(error), now);
    }

    private static Phase issue(RefreshingPhase phase, Token next, long now) {
        return end(phase, new AttemptResult.Issued(next), now);
    }

    @Nested
    class AnIdlePhase {

        @Test
        void isLeftWhenTheTokenIsDueAndServesTheTokenUntilItIsStale() {
            assertThat(idle().dueAt()).isEqualTo(DUE);
            assertThat(idle().served().staleAt()).isEqualTo(STALE);
            assertThat(idle().delay(at(DUE - 1))).isOne();
            assertThat(idle().delay(at(DUE))).isZero();
        }

        @ParameterizedTest(name = "at {0}: {1}, usable {2}")
        @CsvSource({
            "0,       VALID,       true",
            "3299999, VALID,       true",
            "3300000, REFRESH_DUE, true",
            "3589999, REFRESH_DUE, true",
            "3590000, REFRESH_DUE, false",
        })
        void isValidThenDueThenStaleToTheMillisecond(long now, Status status, boolean usable) {
            assertThat(idle().status(at(now))).isEqualTo(status);
            assertThat(idle().isUsable(at(now))).isEqualTo(usable);
        }

        @Test
        void isLeftByATimerExactlyWhenDueAndNotAMillisecondBefore() {
            IdlePhase idle = idle();
            assertThat(idle.woken(at(DUE - 1), SETTINGS)).isSameAs(idle);
            assertThat(idle.woken(at(DUE), SETTINGS)).isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void isLeftByACallerExactlyWhenDueAndNotAMillisecondBefore() {
            IdlePhase idle = idle();
            assertThat(idle.asked(at(DUE - 1), SETTINGS)).isSameAs(idle);
            assertThat(idle.asked(at(DUE), SETTINGS)).isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void ofABriefTokenIsLeftByACallerOnceTheTokenIsStaleAndByATimerAfterASecond() {
            Token brief = TOKEN.toBuilder().expiresAt(Instant.ofEpochMilli(500)).build();
            IdlePhase idle = IdlePhase.with(brief, Stored.NONE, at(0), SETTINGS);
            assertThat(idle.dueAt()).isEqualTo(IdlePhase.MIN_INTERVAL);
            assertThat(idle.status(at(449))).isEqualTo(Status.VALID);
            assertThat(idle.status(at(450))).isEqualTo(Status.REFRESH_DUE);
            assertThat(idle.asked(at(449), SETTINGS)).isSameAs(idle);
            assertThat(idle.asked(at(450), SETTINGS)).isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void ofATokenThatIsStaleAlreadyIsDueAtOnce() {
            assertThat(IdlePhase.with(TOKEN, Stored.NONE, at(STALE), SETTINGS).dueAt())
                    .isEqualTo(DUE);
            assertThat(IdlePhase.with(TOKEN, Stored.NONE, at(STALE - 1), SETTINGS)
                            .dueAt())
                    .isEqualTo(STALE - 1 + IdlePhase.MIN_INTERVAL);
        }

        @Test
        void refreshesOnDemandThoughTheTokenIsValid() {
            assertThat(idle().demanded(at(0), SETTINGS)).isInstanceOfSatisfying(RefreshingPhase.class, next -> {
                assertThat(next.served()).isEqualTo(idle().served());
                assertThat(next.failures()).isZero();
                assertThat(next.repeats()).isFalse();
                assertThat(next.attempt().kind()).isEqualTo(RefreshAttempt.Kind.REFRESH);
            });
        }

        @Test
        void refreshesAfterARefusalAndServesTheTokenNoMore() {
            assertThat(idle().invalidated(at(0), SETTINGS))
                    .isInstanceOfSatisfying(
                            RefreshingPhase.class,
                            next -> assertThat(next.isUsable(at(0))).isFalse());
        }

        @Test
        void withoutARefreshTokenRequiresALoginWhenTheTokenIsStaleAndNotBefore() {
            Token last = TOKEN.toBuilder().refreshToken(null).build();
            IdlePhase idle = IdlePhase.with(last, Stored.NONE, at(0), SETTINGS);
            assertThat(idle.dueAt()).isEqualTo(STALE);
            assertThat(idle.asked(at(STALE - 1), SETTINGS)).isSameAs(idle);
            assertThat(idle.woken(at(STALE), SETTINGS)).isInstanceOf(LoginRequiredPhase.class);
            assertThat(idle.invalidated(at(0), SETTINGS))
                    .isInstanceOfSatisfying(
                            LoginRequiredPhase.class,
                            next -> assertThat(next.isUsable(at(0))).isFalse());
            assertThat(idle.woken(at(STALE), WITH_HOOK)).isInstanceOf(SigningInPhase.class);
        }

        @Test
        void ofATokenOfUnknownLifetimeIsNeverLeftByItself() {
            Token endless = TOKEN.toBuilder().expiresAt(null).build();
            IdlePhase idle = IdlePhase.with(endless, Stored.NONE, at(0), SETTINGS);
            Moment late = new Moment(Phase.NEVER - 1, Phase.NEVER - 1);
            assertThat(idle.dueAt()).isEqualTo(Phase.NEVER);
            assertThat(idle.delay(at(0))).isEqualTo(Phase.NEVER);
            assertThat(idle.isUsable(late)).isTrue();
            assertThat(idle.asked(late, SETTINGS)).isSameAs(idle);
        }

        @Test
        void ofATokenThatOutlivesTheArithmeticIsNeverLeftByItself() {
            Token endless = TOKEN.toBuilder().expiresAt(Instant.MAX).build();
            IdlePhase idle = IdlePhase.with(endless, Stored.NONE, at(0), SETTINGS);
            assertThat(idle.served().staleAt()).isEqualTo(Phase.NEVER);
            assertThat(idle.dueAt()).isEqualTo(Phase.NEVER);
        }
    }

    @Nested
    @Tag("E10")
    class TheClocks {

        @Test
        void areComparedByTheLaterOfWallClockAndElapsedTime() {
            long offset = new Moment(1_000, 400).offset();
            assertThat(offset).isEqualTo(600);
            assertThat(new Moment(1_500, 900).by(offset)).isEqualTo(1_500);
            assertThat(new Moment(1_501, 900).by(offset)).isEqualTo(1_501); // the wall clock runs ahead
            assertThat(new Moment(0, 900).by(offset)).isEqualTo(1_500); // it was set back
        }

        @Test
        void setBackByThreeHoursPostponeNoRefresh() {
            IdlePhase idle = idle();
            long back = -3 * HOUR;
            assertThat(idle.woken(new Moment(DUE - 1 + back, DUE - 1), SETTINGS))
                    .isSameAs(idle);
            assertThat(idle.woken(new Moment(DUE + back, DUE), SETTINGS)).isInstanceOf(RefreshingPhase.class);
            assertThat(idle.delay(new Moment(DUE - 5 + back, DUE - 5))).isEqualTo(5);
            assertThat(idle.status(new Moment(DUE + back, DUE))).isEqualTo(Status.REFRESH_DUE);
        }

        @Test
        void setBackByThreeHoursServeNoTokenPastItsEnd() {
            long back = -3 * HOUR;
            assertThat(idle().isUsable(new Moment(STALE - 1 + back, STALE - 1))).isTrue();
            assertThat(idle().isUsable(new Moment(STALE + back, STALE))).isFalse();
            assertThat(refreshing().isUsable(new Moment(STALE + back, STALE))).isFalse();
            assertThat(paused().isUsable(new Moment(STALE + back, STALE))).isFalse();
            assertThat(loginRequired().isUsable(new Moment(STALE + back, STALE)))
                    .isFalse();
        }

        @Test
        void setBackDuringAPausePostponeNoRetry() {
            PausedPhase paused = paused();
            long back = -3 * HOUR;
            assertThat(paused.woken(new Moment(DUE + 999 + back, DUE + 999), SETTINGS))
                    .isSameAs(paused);
            assertThat(paused.woken(new Moment(DUE + 1_000 + back, DUE + 1_000), SETTINGS))
                    .isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void setForwardBeforeAPauseAreTheBaseOfItsEndAfterTheyAreSetBack() {
            RefreshingPhase refreshing = refreshing();
            Moment ahead = new Moment(DUE + HOUR, DUE);
            PausedPhase paused = (PausedPhase)
                    refreshing.ended(refreshing.attempt(), new AttemptResult.Failed(NOT_SENT), ahead, SETTINGS);
            assertThat(paused.retryAt()).isEqualTo(DUE + HOUR + 1_000);
            assertThat(paused.woken(new Moment(DUE + 999, DUE + 999), SETTINGS)).isSameAs(paused);
            assertThat(paused.woken(new Moment(DUE + 1_000, DUE + 1_000), SETTINGS))
                    .isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void setForwardMakeTheTokenDueAtOnce() {
            assertThat(idle().woken(new Moment(DUE, 5), SETTINGS)).isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void areNotAnchoredAtASmallerDistanceAgain() {
            ServedToken served = idle().served();
            assertThat(served.anchored(new Moment(0, 1))).isSameAs(served);
            assertThat(served.anchored(at(DUE))).isSameAs(served);
            assertThat(served.anchored(new Moment(2, 1)).offset()).isOne();
        }

        @ParameterizedTest(name = "a clock {0} ms before the start of the token: due {1}")
        @CsvSource({"0, false", "120000, false", "120001, true", "10800000, true"})
        void beforeTheStartOfATokenByMinutesMakeItDue(long before, boolean due) {
            IdlePhase idle = IdlePhase.with(TOKEN, Stored.NONE, new Moment(-before, 0), SETTINGS);
            assertThat(idle.status(new Moment(-before, 0))).isEqualTo(due ? Status.REFRESH_DUE : Status.VALID);
            assertThat(idle.isUsable(new Moment(-before, 0))).isTrue();
        }
    }

    @Nested
    class ARefreshingPhase {

        @Test
        void servesThePreviousTokenUntilItIsStale() {
            assertThat(refreshing().isUsable(at(STALE - 1))).isTrue();
            assertThat(refreshing().isUsable(at(STALE))).isFalse();
            assertThat(refreshing().status(at(STALE))).isEqualTo(Status.REFRESHING);
        }

        @Test
        void isLeftByItsAttemptAlone() {
            assertThat(refreshing().dueAt()).isEqualTo(Phase.NEVER);
        }

        @Test
        void keepsItsAttemptAfterARefusalAndServesTheTokenNoMore() {
            RefreshingPhase refreshing = refreshing();
            assertThat(refreshing.invalidated(at(DUE), SETTINGS))
                    .isInstanceOfSatisfying(RefreshingPhase.class, next -> {
                        assertThat(next.attempt()).isSameAs(refreshing.attempt());
                        assertThat(next.isUsable(at(DUE))).isFalse();
                        assertThat(next.invalidated(at(DUE), SETTINGS)).isSameAs(next);
                    });
        }

        @Test
        void takesTheTokenThatItsAttemptObtained() {
            assertThat(issue(refreshing(), NEXT, HOUR))
                    .isEqualTo(IdlePhase.with(NEXT, Stored.NONE, at(HOUR), SETTINGS));
        }

        @Test
        void takesNothingFromAnotherAttempt() {
            RefreshingPhase refreshing = refreshing();
            RefreshAttempt other = RefreshAttempt.refresh();
            assertThat(refreshing.ended(other, new AttemptResult.Issued(NEXT), at(HOUR), SETTINGS))
                    .isSameAs(refreshing);
            assertThat(refreshing.ended(other, new AttemptResult.Failed(NOT_SENT), at(HOUR), SETTINGS))
                    .isSameAs(refreshing);
        }

        @Test
        void keepsATokenThatIsStaleFromTheStartWithoutServingItAndPauses() {
            long stale = 2 * HOUR - 10_000;
            assertThat(issue(refreshing(), NEXT, stale - 1)).isInstanceOf(IdlePhase.class);
            assertThat(issue(refreshing(), NEXT, stale)).isInstanceOfSatisfying(PausedPhase.class, next -> {
                assertThat(next.token()).isSameAs(NEXT);
                assertThat(next.served().refused()).isTrue();
                assertThat(next.retryAt()).isEqualTo(stale + 1_000);
                assertThat(next.error()).hasMessageContaining("expired already");
            });
        }

        @Test
        void pausesAfterAFailureAndServesThePreviousTokenMeanwhile() {
            RefreshingPhase refreshing = refreshing();
            assertThat(fail(refreshing, NOT_SENT, DUE))
                    .isEqualTo(
                            new PausedPhase(refreshing.served(), 1, DUE + 1_000, NOT_SENT, PausedPhase.Cause.FAILED));
        }

        @Test
        void pausesWithoutCountingAFailureWhenItIsAnotherNodesTurn() {
            RefreshingPhase refreshing = storedRefreshing();
            Phase next = end(refreshing, new AttemptResult.Postponed(NOT_SENT, 5_000), DUE);
            assertThat(next)
                    .isEqualTo(new PausedPhase(
                            refreshing.served(), 0, DUE + 5_000, NOT_SENT, PausedPhase.Cause.POSTPONED));
            assertThat(next.status(at(DUE))).isEqualTo(Status.REFRESH_DUE);
            assertThat(next.status(at(STALE))).isEqualTo(Status.RETRYING);
        }

        @Test
        void requiresALoginWhenTheGrantIsDeadAndForgetsTheRefreshToken() {
            assertThat(fail(refreshing(), ScriptedEndpoint.invalidGrant(), DUE))
                    .isInstanceOfSatisfying(LoginRequiredPhase.class, next -> {
                        assertThat(next.token().accessToken()).isEqualTo(TOKEN.accessToken());
                        assertThat(next.token().refreshToken()).isNull();
                        assertThat(next.isUsable(at(STALE - 1))).isTrue();
                        assertThat(next.error()).hasCauseInstanceOf(OAuthErrorException.class);
                    });
        }

        @Test
        void asksTheHookForALoginWhereThereIsOne() {
            assertThat(signingIn().attempt().reason()).hasCauseInstanceOf(OAuthErrorException.class);
            assertThat(signingIn().status(at(DUE))).isEqualTo(Status.SIGNING_IN);
            assertThat(signingIn().isUsable(at(STALE - 1))).isTrue();
        }

        @Test
        void servesARemovedTokenNoMore() {
            assertThat(end(storedRefreshing(), new AttemptResult.Removed(FIRST), DUE))
                    .isInstanceOfSatisfying(LoginRequiredPhase.class, next -> {
                        assertThat(next.isUsable(at(DUE))).isFalse();
                        assertThat(next.error()).hasMessageContaining("removed");
                    });
        }

        @Test
        void leavesItsAttemptToTheClosedPhaseSoThatItCanBeWaitedFor() {
            RefreshingPhase refreshing = refreshing();
            assertThat(refreshing.closed(at(DUE)))
                    .isEqualTo(new ClosedPhase(refreshing.served(), refreshing.attempt()));
        }

        @Test
        void savesAnObtainedTokenBeforeItIsServed() {
            assertThat(saving().token()).isSameAs(TOKEN);
            assertThat(saving().stored().best()).isSameAs(SECOND);
            assertThat(unsaved(saving()).record()).isSameAs(SECOND);
            assertThat(unsaved(saving()).running()).isTrue();
        }

        @Test
        void adoptsTheRecordOfAnotherNode() {
            assertThat(end(storedRefreshing(), new AttemptResult.Adopted(SECOND), HOUR))
                    .isInstanceOfSatisfying(IdlePhase.class, next -> {
                        assertThat(next.token()).isSameAs(NEXT);
                        assertThat(next.stored().best()).isSameAs(SECOND);
                        assertThat(next.stored().seenAt()).isEqualTo(HOUR);
                    });
        }
    }

    @Nested
    class ASavingPhase {

        @Test
        void servesThePreviousTokenAndLetsCallersWithoutOneWaitForTheSave() {
            SavingPhase saving = saving();
            assertThat(saving.isUsable(at(STALE - 1))).isTrue();
            assertThat(saving.asked(at(STALE), SETTINGS)).isSameAs(saving);
            assertThat(saving.dueAt()).isEqualTo(Phase.NEVER);
            assertThat(saving.attempt()).isNotNull();
            assertThat(saving.status(at(DUE))).isEqualTo(Status.REFRESHING);
        }

        @Test
        void publishesTheTokenWhenItIsSaved() {
            SavingPhase saving = saving();
            assertThat(saving.saved(unsaved(saving), at(HOUR), SETTINGS))
                    .isInstanceOfSatisfying(IdlePhase.class, next -> {
                        assertThat(next.token()).isSameAs(NEXT);
                        assertThat(next.stored().unsaved()).isNull();
                        assertThat(next.stored().seenAt()).isEqualTo(HOUR);
                    });
        }

        @Test
        void isNotLeftByTheSaveOfAnotherRecord() {
            SavingPhase saving = saving();
            Stored.Unsaved other = Stored.Unsaved.of(Kind.REFRESH, FIRST.refreshed(6, NEXT), 6, DUE);
            assertThat(saving.saved(other, at(HOUR), SETTINGS)).isSameAs(saving);
            assertThat(saving.saveFailed(other, HOUR, at(HOUR), SETTINGS)).isSameAs(saving);
        }

        @Test
        @Tag("E03")
        void thatFailsKeepsServingThePreviousTokenUntilItIsStaleToTheMillisecond() {
            SavingPhase alone = savingAlone();
            assertThat(alone.attempt()).isNull();
            assertThat(alone.token()).isSameAs(TOKEN);
            assertThat(alone.dueAt()).isEqualTo(STALE);
            assertThat(alone.asked(at(STALE - 1), SETTINGS)).isSameAs(alone);
            assertThat(alone.asked(at(STALE), SETTINGS))
                    .isInstanceOfSatisfying(
                            IdlePhase.class, next -> assertThat(next.token()).isSameAs(NEXT));
        }

        @Test
        void thatFailsPublishesAtOnceWhenNothingUsableIsLeft() {
            SavingPhase saving = saving();
            assertThat(saving.saveFailed(unsaved(saving), STALE + 200, at(STALE), SETTINGS))
                    .isInstanceOfSatisfying(IdlePhase.class, next -> {
                        assertThat(next.token()).isSameAs(NEXT);
                        assertThat(unsaved(next).retryAt()).isEqualTo(STALE + 200);
                        assertThat(unsaved(next).failures()).isOne();
                    });
        }

        @Test
        void publishesAfterARefusalOnlyOnceTheStoreHasFailed() {
            assertThat(saving().invalidated(at(DUE), SETTINGS)).isInstanceOfSatisfying(SavingPhase.class, next -> {
                assertThat(next.isUsable(at(DUE))).isFalse();
                assertThat(next.invalidated(at(DUE), SETTINGS)).isSameAs(next);
            });
            assertThat(savingAlone().invalidated(at(DUE), SETTINGS).token()).isSameAs(NEXT);
        }

        @Test
        void repeatsTheSaveExactlyWhenItIsDueAndNotAMillisecondBefore() {
            SavingPhase alone = savingAlone();
            assertThat(alone.delay(at(DUE + 199))).isOne();
            assertThat(alone.woken(at(DUE + 199), SETTINGS)).isSameAs(alone);
            assertThat(unsaved(alone.woken(at(DUE + 200), SETTINGS)).running()).isTrue();
        }

        @Test
        void keepsATokenThatIsStaleFromTheStartUnsavedAndPauses() {
            SavingPhase saving = saving();
            long stale = 2 * HOUR - 10_000;
            assertThat(saving.saveFailed(unsaved(saving), stale + 200, at(stale), SETTINGS))
                    .isInstanceOfSatisfying(PausedPhase.class, next -> {
                        assertThat(next.token()).isSameAs(NEXT);
                        assertThat(next.isUsable(at(stale))).isFalse();
                        assertThat(unsaved(next).record()).isSameAs(SECOND);
                    });
        }

        @Test
        void yieldsToAGreaterRecordOfAnotherNode() {
            Record third = SECOND.refreshed(9, token("access-3", HOUR));
            assertThat(saving().adopted(third, at(HOUR), SETTINGS)).isInstanceOfSatisfying(IdlePhase.class, next -> {
                assertThat(next.stored().best()).isSameAs(third);
                assertThat(next.stored().unsaved()).isNull();
            });
        }
    }

    @Nested
    class APausedPhase {

        @Test
        void retriesExactlyWhenDueAndNotAMillisecondBefore() {
            PausedPhase paused = paused();
            assertThat(paused.dueAt()).isEqualTo(DUE + 1_000);
            assertThat(paused.asked(at(DUE + 999), SETTINGS)).isSameAs(paused);
            assertThat(paused.demanded(at(DUE + 999), SETTINGS)).isSameAs(paused);
            assertThat(paused.woken(at(DUE + 999), SETTINGS)).isSameAs(paused);
            assertThat(paused.asked(at(DUE + 1_000), SETTINGS)).isInstanceOf(RefreshingPhase.class);
            assertThat(paused.woken(at(DUE + 1_000), SETTINGS)).isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void isNotLeftEarlyThoughItsTokenIsStale() {
            Phase paused = fail(refreshing(), NOT_SENT, STALE);
            assertThat(paused.isUsable(at(STALE))).isFalse();
            assertThat(paused.asked(at(STALE), SETTINGS)).isSameAs(paused);
        }

        @Test
        void countsItsFailuresOn() {
            RefreshingPhase again = (RefreshingPhase) paused().woken(at(DUE + 1_000), SETTINGS);
            assertThat(again.failures()).isOne();
            assertThat(fail(again, NOT_SENT, HOUR))
                    .isEqualTo(new PausedPhase(again.served(), 2, HOUR + 2_000, NOT_SENT, PausedPhase.Cause.FAILED));
        }

        @ParameterizedTest(name = "asked for {0} ms: retries after {1} ms")
        @CsvSource({"10, 2510", "90000, 99000", "-5000, 1000"})
        void waitsLongerThanTheServerAsksAndAtLeastTheBackoff(long asked, long wait) {
            TokenSwapException throttled = ScriptedEndpoint.throttled(Instant.ofEpochMilli(DUE + asked));
            assertThat(fail(refreshing(), throttled, DUE).dueAt()).isEqualTo(DUE + wait);
        }

        @Test
        void afterOneRefusedTokenTooManyIsAsLongAsTheBackoff() {
            IdlePhase idle = IdlePhase.issued(NEXT, IdlePhase.REPLACED_AT_ONCE, Stored.NONE, at(HOUR), SETTINGS);
            assertThat(idle.invalidated(at(HOUR), SETTINGS)).isInstanceOfSatisfying(PausedPhase.class, next -> {
                assertThat(next.cause()).isEqualTo(PausedPhase.Cause.REJECTED);
                assertThat(next.retryAt()).isEqualTo(HOUR + 1_000);
                assertThat(next.isUsable(at(HOUR))).isFalse();
            });
            assertThat(idle.accepted().invalidated(at(HOUR), SETTINGS)).isInstanceOf(RefreshingPhase.class);
        }

        @Test
        void repeatsALostResponseSoonButOnlyTheFirstTime() {
            SessionSettings longDeadline = settings(
                    RefreshPolicy.builder()
                            .backoff(Duration.ofSeconds(20), Duration.ofSeconds(60))
                            .build(),
                    false);
            AttemptResult lost = new AttemptResult.Failed(ScriptedEndpoint.responseLost());
            RefreshingPhase first = refreshing();
            PausedPhase once = (PausedPhase) first.ended(first.attempt(), lost, at(DUE), longDeadline);
            assertThat(once.retryAt()).isEqualTo(DUE + PausedPhase.LOST_RESPONSE_RETRY_LIMIT);
            assertThat(once.cause()).isEqualTo(PausedPhase.Cause.RESPONSE_LOST);
            RefreshingPhase second = (RefreshingPhase) once.woken(at(once.retryAt()), longDeadline);
            assertThat(second.repeats()).isTrue();
            PausedPhase twice = (PausedPhase) second.ended(second.attempt(), lost, at(DUE), longDeadline);
            assertThat(twice.retryAt()).isEqualTo(DUE + 40_000);
            assertThat(twice.cause()).isEqualTo(PausedPhase.Cause.FAILED);
        }

        @Test
        void keepsItsPauseAfterARefusal() {
            PausedPhase paused = paused();
            assertThat(paused.invalidated(at(DUE), SETTINGS))
                    .isEqualTo(new PausedPhase(
                            paused.served().refuse(), 1, DUE + 1_000, NOT_SENT, PausedPhase.Cause.FAILED));
        }

        @Test
        void reportsThatItRetries() {
            assertThat(paused().status(at(DUE))).isEqualTo(Status.RETRYING);
        }
    }

    @Nested
    class ASigningInPhase {

        @Test
        void takesTheTokenOfTheLogin() {
            SigningInPhase signingIn = signingIn();
            assertThat(signingIn.ended(signingIn.attempt(), new AttemptResult.Issued(NEXT), at(HOUR), WITH_HOOK))
                    .isEqualTo(IdlePhase.with(NEXT, Stored.NONE, at(HOUR), WITH_HOOK));
        }

        @Test
        void requiresALoginAfterTheLoginFailed() {
            SigningInPhase signingIn = signingIn();
            assertThat(signingIn.ended(signingIn.attempt(), new AttemptResult.Failed(NOT_SENT), at(DUE), WITH_HOOK))
                    .isInstanceOfSatisfying(
                            LoginRequiredPhase.class,
                            next -> assertThat(next.error()).hasCause(NOT_SENT));
        }

        @Test
        void pausesAfterALoginWithATokenThatIsStaleFromTheStart() {
            SigningInPhase signingIn = signingIn();
            long stale = 2 * HOUR - 10_000;
            assertThat(signingIn.ended(signingIn.attempt(), new AttemptResult.Issued(NEXT), at(stale), WITH_HOOK))
                    .isInstanceOfSatisfying(PausedPhase.class, next -> {
                        assertThat(next.isUsable(at(stale))).isFalse();
                        assertThat(next.token()).isSameAs(NEXT);
                    });
        }
    }

    @Nested
    class ALoginRequiredPhase {

        @Test
        void servesTheTokenUntilItIsStaleAndIsLeftByNothingButALogin() {
            LoginRequiredPhase ended = loginRequired();
            assertThat(ended.isUsable(at(STALE - 1))).isTrue();
            assertThat(ended.isUsable(at(STALE))).isFalse();
            assertThat(ended.dueAt()).isEqualTo(Phase.NEVER);
            assertThat(ended.status(at(0))).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(ended.renewed(NEXT, LATER_LOGIN, at(HOUR), SETTINGS)).isInstanceOf(IdlePhase.class);
        }

        @Test
        @Tag("E04")
        void looksAtTheStoreForACallerOnceASecondAndNotAMillisecondEarlier() {
            LoginRequiredPhase ended = storedLoginRequired();
            assertThat(ended.asked(at(DUE + 999), SETTINGS)).isSameAs(ended);
            assertThat(ended.demanded(at(DUE + 999), SETTINGS)).isSameAs(ended);
            Phase looking = ended.asked(at(DUE + 1_000), SETTINGS);
            assertThat(Objects.requireNonNull(looking.attempt()).kind()).isEqualTo(RefreshAttempt.Kind.LOOK);
            assertThat(looking.asked(at(HOUR), SETTINGS)).isSameAs(looking);
            assertThat(looking.dueAt()).isEqualTo(Phase.NEVER);
        }

        @Test
        @Tag("E04")
        void looksAtTheStoreByATimerEveryHalfMinute() {
            LoginRequiredPhase ended = storedLoginRequired();
            assertThat(ended.dueAt()).isEqualTo(DUE + 30_000);
            assertThat(ended.woken(at(DUE + 29_999), SETTINGS)).isSameAs(ended);
            LoginRequiredPhase looking = (LoginRequiredPhase) ended.woken(at(DUE + 30_000), SETTINGS);
            Phase looked = looking.ended(
                    Objects.requireNonNull(looking.look()), new AttemptResult.Unchanged(), at(DUE + 31_000), SETTINGS);
            assertThat(looked.attempt()).isNull();
            assertThat(looked.dueAt()).isEqualTo(DUE + 61_000);
            assertThat(looked.status(at(DUE + 31_000))).isEqualTo(Status.LOGIN_REQUIRED);
        }

        @Test
        @Tag("E04")
        void endsWithTheLoginOfAnotherNode() {
            LoginRequiredPhase looking =
                    (LoginRequiredPhase) storedLoginRequired().woken(at(HOUR), SETTINGS);
            Record login = Record.login(Instant.ofEpochMilli(5), LATER_LOGIN, NEXT);
            assertThat(looking.ended(
                            Objects.requireNonNull(looking.look()),
                            new AttemptResult.Adopted(login),
                            at(HOUR),
                            SETTINGS))
                    .isInstanceOfSatisfying(
                            IdlePhase.class, next -> assertThat(next.token()).isSameAs(NEXT));
        }

        @Test
        void servesTheTokenNoMoreAfterARefusal() {
            assertThat(loginRequired().invalidated(at(0), SETTINGS).isUsable(at(0)))
                    .isFalse();
        }
    }

    @Nested
    class AClosedPhase {

        @Test
        void beginsASaveThatWaitsForItsRetry() {
            Phase closed = savingAlone().closed(at(DUE + 1));
            assertThat(unsaved(closed).running()).isTrue();
            assertThat(unsaved(savingAlone()).running()).isFalse();
        }

        @Test
        void savesTheTokenOfTheAttemptThatWasInFlight() {
            RefreshingPhase refreshing = storedRefreshing();
            Phase closed = refreshing.closed(at(DUE));
            Phase ended =
                    closed.ended(refreshing.attempt(), new AttemptResult.Obtained(SECOND, 7, false), at(DUE), SETTINGS);
            assertThat(ended).isInstanceOf(ClosedPhase.class);
            assertThat(unsaved(ended).record()).isSameAs(SECOND);
        }

        @Test
        void savesALoginThatEndsAfterTheSessionUnlessTheUserHasSignedOut() {
            RefreshAttempt login = RefreshAttempt.signIn(new LoginRequiredException("ended", null));
            Phase closed = storedIdle().closed(at(DUE));
            assertThat(unsaved(closed.ended(login, new AttemptResult.Issued(NEXT), at(DUE), WITH_HOOK)))
                    .satisfies(saved -> {
                        assertThat(saved.kind()).isEqualTo(Kind.LOGIN);
                        assertThat(saved.token()).isSameAs(NEXT);
                    });
            Phase out = storedIdle().signedOut(LATER_LOGIN, at(DUE));
            assertThat(out.ended(login, new AttemptResult.Issued(NEXT), at(DUE), WITH_HOOK))
                    .isSameAs(out);
        }

        @Test
        void keepsASignOutWhateverTheAttemptInFlightBrings() {
            RefreshingPhase refreshing = storedRefreshing();
            Phase out = refreshing.signedOut(LATER_LOGIN, at(DUE));
            assertThat(unsaved(out).kind()).isEqualTo(Kind.SIGN_OUT);
            assertThat(out.ended(refreshing.attempt(), new AttemptResult.Obtained(SECOND, 7, false), at(DUE), SETTINGS)
                            .stored()
                            .unsaved())
                    .isEqualTo(unsaved(out));
        }

        @Test
        void followsGreaterRecordsOfOtherNodesAndStaysClosed() {
            Phase closed = storedIdle().closed(at(DUE));
            Phase adopted = closed.adopted(SECOND, at(DUE), SETTINGS);
            assertThat(adopted).isInstanceOf(ClosedPhase.class);
            assertThat(adopted.stored().best()).isSameAs(SECOND);
            assertThat(adopted.adopted(FIRST, at(DUE), SETTINGS)).isSameAs(adopted);
        }
    }

    /** Phase, and the step that does not apply to it. */
    record Ignored(String name, Phase phase, UnaryOperator<Phase> step) {

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Ignored> ignored() {
        Stream<Ignored> foreignAttempts = Stream.concat(
                        open(), Stream.of(refreshing().closed(at(DUE))))
                .flatMap(phase -> Stream.of(
                        ignored("the token of another attempt", phase, new AttemptResult.Issued(NEXT)),
                        ignored("the failure of another attempt", phase, new AttemptResult.Failed(NOT_SENT)),
                        ignored("the end of another attempt", phase, new AttemptResult.Ended(NOT_SENT, null)),
                        ignored("a record that another attempt adopted", phase, new AttemptResult.Adopted(FIRST)),
                        ignored("the removal that another attempt saw", phase, new AttemptResult.Removed(FIRST)),
                        ignored("the wait of another attempt", phase, new AttemptResult.Postponed(NOT_SENT, 5))));
        Stream<Ignored> latched = Stream.of(refreshing(), signingIn(), loginRequired(), idle().closed(at(0)))
                .flatMap(phase -> Stream.of(
                        new Ignored("woken " + name(phase), phase, p -> p.woken(at(HOUR), SETTINGS)),
                        new Ignored("asked when stale " + name(phase), phase, p -> p.asked(at(HOUR), SETTINGS)),
                        new Ignored("demanded " + name(phase), phase, p -> p.demanded(at(HOUR), SETTINGS)),
                        new Ignored("due " + name(phase), phase, p -> p.due(at(HOUR), SETTINGS))));
        Stream<Ignored> known = Stream.of(storedIdle(), storedRefreshing(), storedLoginRequired())
                .map(phase -> new Ignored(
                        "adopted the known record " + name(phase), phase, p -> p.adopted(FIRST, at(HOUR), SETTINGS)));
        Phase closed = refreshing().closed(at(DUE));
        Phase out = storedIdle().signedOut(LATER_LOGIN, at(DUE));
        Stream<Ignored> others = Stream.of(
                twiceInvalidated(loginRequired()),
                twiceInvalidated(paused()),
                twiceInvalidated(signingIn()),
                new Ignored("invalidated when closed", closed, p -> p.invalidated(at(DUE), SETTINGS)),
                new Ignored("renewed when closed", closed, p -> p.renewed(NEXT, LOGIN, at(DUE), SETTINGS)),
                new Ignored("removed when closed", closed, p -> p.removed(FIRST, at(DUE), SETTINGS)),
                new Ignored("closed when closed", closed, p -> p.closed(at(DUE))),
                new Ignored("adopted during a sign-out", out, p -> p.adopted(SECOND, at(DUE), SETTINGS)));
        return Stream.of(foreignAttempts, latched, known, others).flatMap(each -> each);
    }

    private static Ignored ignored(String what, Phase phase, AttemptResult result) {
        RefreshAttempt other = RefreshAttempt.refresh();
        return new Ignored(what + ", " + name(phase), phase, p -> p.ended(other, result, at(HOUR), SETTINGS));
    }

    private static Ignored twiceInvalidated(Phase phase) {
        return new Ignored(
                "invalidated twice " + name(phase),
                phase.invalidated(at(DUE), SETTINGS),
                p -> p.invalidated(at(DUE), SETTINGS));
    }

    private static String name(Phase phase) {
        return phase.getClass().getSimpleName();
    }

    @ParameterizedTest
    @MethodSource("ignored")
    void aStepThatDoesNotApplyReturnsTheSameInstance(Ignored ignored) {
        assertThat(ignored.step().apply(ignored.phase())).isSameAs(ignored.phase());
    }

    static Stream<Phase> open() {
        return Stream.of(
                idle(),
                storedIdle(),
                refreshing(),
                storedRefreshing(),
                saving(),
                savingAlone(),
                signingIn(),
                paused(),
                loginRequired(),
                storedLoginRequired());
    }

    @ParameterizedTest
    @MethodSource("open")
    void everyOpenPhaseServesANewLoginAtOnceAndSavesItBehind(Phase phase) {
        Phase renewed = phase.renewed(NEXT, LATER_LOGIN, at(HOUR), SETTINGS);
        assertThat(renewed).isInstanceOf(IdlePhase.class);
        assertThat(renewed.token()).isSameAs(NEXT);
        assertThat(renewed.isUsable(at(HOUR))).isTrue();
        if (phase.stored().isPresent()) {
            assertThat(unsaved(renewed).kind()).isEqualTo(Kind.LOGIN);
            assertThat(unsaved(renewed).running()).isTrue();
            assertThat(renewed.stored().isCommanded()).isTrue();
        } else {
            assertThat(renewed.stored()).isSameAs(Stored.NONE);
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void everyOpenPhaseIsClosed(Phase phase) {
        Phase closed = phase.closed(at(DUE));
        assertThat(closed).isInstanceOf(ClosedPhase.class);
        assertThat(closed.isUsable(at(0))).isFalse();
        assertThat(closed.dueAt()).isEqualTo(Phase.NEVER);
        assertThat(closed.status(at(0))).isEqualTo(Status.CLOSED);
    }

    @ParameterizedTest
    @MethodSource("open")
    void everyOpenPhaseEndsWithTheSignOutOfAnotherNode(Phase phase) {
        if (phase.stored().isPresent()) {
            assertThat(phase.adopted(SIGN_OUT, at(HOUR), SETTINGS))
                    .isInstanceOfSatisfying(LoginRequiredPhase.class, next -> {
                        assertThat(next.isUsable(at(0))).isFalse();
                        assertThat(next.stored().best()).isSameAs(SIGN_OUT);
                        assertThat(next.stored().unsaved()).isNull();
                    });
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void everyOpenPhaseServesTheTokenToItsEndAfterAnotherNodeSawTheEndOfTheGrant(Phase phase) {
        if (phase.stored().isPresent()) {
            Record dead = SECOND.dead();
            boolean served = !phase.served().refused();
            assertThat(phase.adopted(dead, at(DUE), SETTINGS))
                    .isInstanceOfSatisfying(LoginRequiredPhase.class, next -> {
                        assertThat(next.isUsable(at(STALE - 1))).isEqualTo(served);
                        assertThat(next.token().refreshToken()).isNull();
                    });
        }
    }

    @Test
    void aCommandIsNotOvertakenByARecordThatWasSeenBeforeItHadAVersion() {
        Phase renewed = storedIdle().renewed(NEXT, LATER_LOGIN, at(HOUR), SETTINGS);
        assertThat(renewed.adopted(SECOND, at(HOUR), SETTINGS)).isSameAs(renewed);
        assertThat(renewed.stored().best()).isSameAs(FIRST);
    }

    @Test
    void aLoginIsNotEndedByTheAbsenceOfTheRecordThatItReplaces() {
        Phase renewed = storedIdle().renewed(NEXT, LATER_LOGIN, at(HOUR), SETTINGS);
        assertThat(renewed.removed(FIRST, at(HOUR), SETTINGS)).isSameAs(renewed);
    }

    @Test
    void aLoginRequiredErrorOfAnAttemptIsKept() {
        LoginRequiredException removed = new LoginRequiredException("removed", null);
        assertThat(fail(refreshing(), removed, DUE))
                .isInstanceOfSatisfying(
                        LoginRequiredPhase.class,
                        next -> assertThat(next.error()).isSameAs(removed));
    }

    @Test
    void anAttemptWithoutAResultCountsAsAFailure() {
        assertThat(end(storedRefreshing(), new AttemptResult.Unchanged(), DUE))
                .isInstanceOfSatisfying(
                        PausedPhase.class,
                        next -> assertThat(next.error())
                                .hasFieldOrPropertyWithValue("reason", Reason.INVALID_RESPONSE));
    }
}
