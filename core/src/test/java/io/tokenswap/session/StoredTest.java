package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.Stored.Lease;
import io.tokenswap.session.Stored.Unsaved;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a session knows of its record in the store: every step of it. */
class StoredTest {

    private static final String LOGIN = "0".repeat(31) + "1";
    private static final String LATER_LOGIN = "0".repeat(31) + "2";
    private static final Instant SINCE = Instant.ofEpochMilli(1_000_000);
    private static final Duration LENGTH = Duration.ofSeconds(30);

    private static final Token TOKEN = token("1");
    private static final Record FIRST = Record.login(SINCE, LOGIN, TOKEN);
    private static final Record SECOND = FIRST.refreshed(3, token("2"));

    private static Token token(String name) {
        return Token.builder(name, Instant.EPOCH).refreshToken("r" + name).build();
    }

    private static Stored stored() {
        return Stored.of(FIRST, 0);
    }

    private static Stored obtained() {
        return stored().obtained(SECOND, 3, false, 50);
    }

    private static Unsaved unsaved(Stored stored) {
        return Objects.requireNonNull(stored.unsaved());
    }

    private static Stored login(Moment moment) {
        return stored().commanded(Kind.LOGIN, TOKEN, LATER_LOGIN, moment);
    }

    @Nested
    class AnObtainedToken {

        @Test
        void isTheGreatestRecordAndIsBeingSaved() {
            assertThat(obtained().best()).isSameAs(SECOND);
            assertThat(unsaved(obtained()).running()).isTrue();
            assertThat(unsaved(obtained()).attempt()).isEqualTo(3);
            assertThat(obtained().seenAt()).isZero();
        }

        @Test
        void isSavedByItsOwnConfirmedWriteOnly() {
            Stored obtained = obtained();
            Unsaved other = Unsaved.of(Kind.REFRESH, FIRST.refreshed(2, TOKEN), 2, 0);
            assertThat(obtained.saved(other, 60)).isSameAs(obtained);
            Stored saved = obtained.saved(unsaved(obtained), 60);
            assertThat(saved.unsaved()).isNull();
            assertThat(saved.lease()).isNull();
            assertThat(saved.seenAt()).isEqualTo(60);
            assertThat(saved.best()).isSameAs(SECOND);
        }

        @Test
        void showsWhetherTheProviderRotatesAndIsNotForgotten() {
            assertThat(obtained().keepsRefreshToken()).isFalse();
            Stored same = stored().obtained(SECOND, 3, true, 50);
            assertThat(same.keepsRefreshToken()).isTrue();
            assertThat(same.obtained(SECOND.refreshed(4, TOKEN), 4, false, 60).keepsRefreshToken())
                    .isTrue();
        }

        @Test
        void isWrittenAgainExactlyWhenItsRetryIsDue() {
            Stored failed = obtained().saveFailed(unsaved(obtained()), 250);
            assertThat(unsaved(failed).failures()).isOne();
            assertThat(failed.dueAt()).isEqualTo(250);
            assertThat(failed.begun(249, 30_000)).isSameAs(failed);
            assertThat(unsaved(failed.begun(250, 30_000)).running()).isTrue();
            assertThat(obtained().dueAt()).isEqualTo(Phase.NEVER);
        }

        @Test
        void isWrittenAtOnceWhenTheSessionEnds() {
            Stored failed = obtained().saveFailed(unsaved(obtained()), 250);
            assertThat(unsaved(failed.saveNow(51)).running()).isTrue();
            Stored running = obtained();
            assertThat(running.saveNow(51)).isSameAs(running);
            Stored saved = stored();
            assertThat(saved.saveNow(51)).isSameAs(saved);
        }
    }

    @Nested
    class ARecordOfAnotherNode {

        @Test
        void isComparedByItsVersion() {
            assertThat(stored().compare(SECOND)).isPositive();
            assertThat(stored().compare(FIRST)).isZero();
            assertThat(Stored.of(SECOND, 0).compare(FIRST)).isNegative();
            assertThat(stored().compare(FIRST.dead())).isPositive();
            assertThat(Stored.of(FIRST.dead(), 0).compare(SECOND)).isPositive();
            assertThat(stored().compare(null)).isNegative();
            assertThat(Stored.NONE.compare(FIRST)).isPositive();
        }

        @Test
        void makesAnUnsavedWriteNeedless() {
            Stored adopted = obtained().adopted(SECOND.refreshed(4, TOKEN), 60);
            assertThat(adopted.unsaved()).isNull();
            assertThat(adopted.lease()).isNull();
            assertThat(adopted.spare()).isNull();
        }

        @Test
        void thatIsASiblingKeepsTheOwnTokenAsASpareUntilAGreaterNumberIsSeen() {
            Record sibling = FIRST.refreshed(4, token("other"));
            Stored adopted = obtained().adopted(sibling, 60);
            assertThat(adopted.spare()).isSameAs(SECOND);
            Record later = FIRST.refreshed(5, token("another"));
            assertThat(adopted.adopted(later, 70).spare()).isSameAs(sibling);
            assertThat(adopted.adopted(sibling.refreshed(6, TOKEN), 70).spare()).isNull();
            assertThat(adopted.adopted(Record.signOut(SINCE.plusMillis(1), LATER_LOGIN), 70)
                            .spare())
                    .isNull();
        }

        @Test
        void thatSaysTheSiblingIsDeadKeepsTheSpare() {
            Record sibling = FIRST.refreshed(4, token("other"));
            Stored adopted = obtained().adopted(sibling, 60);
            assertThat(adopted.adopted(sibling.dead(), 70).spare()).isNotNull();
        }

        @Test
        void replacedByTheSpareIsTheGreatestNoMore() {
            Stored adopted = obtained().adopted(FIRST.refreshed(4, token("other")), 60);
            Record later = Objects.requireNonNull(adopted.spare()).withAttempt(5);
            Stored used = adopted.spareUsed(later);
            assertThat(used.best()).isSameAs(later);
            assertThat(used.spare()).isNull();
            assertThat(later.token()).isEqualTo(SECOND.token());
        }
    }

    @Nested
    class ACommand {

        @Test
        void dropsWhatIsUnsavedAndHasNoVersionAtFirst() {
            Stored out = obtained().commanded(Kind.SIGN_OUT, null, LATER_LOGIN, new Moment(0, 0));
            assertThat(out.isCommanded()).isTrue();
            assertThat(unsaved(out).record()).isNull();
            assertThat(unsaved(out).floor()).isEqualTo(SECOND.version());
            assertThat(out.best()).isSameAs(SECOND);
        }

        @Test
        void afterAnotherCommandWithoutAVersionKeepsItsFloor() {
            Stored twice = login(new Moment(0, 0)).commanded(Kind.SIGN_OUT, null, LOGIN, new Moment(1, 1));
            assertThat(unsaved(twice).floor()).isEqualTo(FIRST.version());
            assertThat(unsaved(twice).kind()).isEqualTo(Kind.SIGN_OUT);
        }

        @Test
        void getsItsVersionOnceAndKeepsItForAllRepeats() {
            Stored login = login(new Moment(0, 0));
            Instant storeNow = SINCE.plusSeconds(100);
            Unsaved fixed = unsaved(login).at(storeNow, new Moment(0, 0));
            Stored inForce = login.fixed(unsaved(login), fixed);
            assertThat(inForce.isCommanded()).isFalse();
            assertThat(Objects.requireNonNull(inForce.best()).version().since()).isEqualTo(storeNow);
            Unsaved again = unsaved(login).at(storeNow.plusSeconds(9), new Moment(9_000, 9_000));
            assertThat(inForce.fixed(unsaved(login), again)).isSameAs(inForce);
            assertThat(unsaved(inForce.saveFailed(fixed, 700)).record()).isEqualTo(fixed.record());
        }

        @Test
        void thatWasReplacedByALaterOneGetsNoVersion() {
            Stored login = login(new Moment(0, 0));
            Stored out = login.commanded(Kind.SIGN_OUT, null, LOGIN, new Moment(0, 0));
            assertThat(out.fixed(unsaved(login), unsaved(login).at(SINCE, new Moment(0, 0))))
                    .isSameAs(out);
            assertThat(out.saved(unsaved(login), 0)).isSameAs(out);
        }

        @ParameterizedTest(name = "the store''s clock {0} ms after the known login: since {1} ms after it")
        @CsvSource({"-5000, 1", "0, 1", "1, 1", "2, 2", "5000, 5000"})
        void isLaterThanEverythingThatWasKnownWhenItHappened(long storeNow, long since) {
            Unsaved fixed = unsaved(login(new Moment(0, 0))).at(SINCE.plusMillis(storeNow), new Moment(0, 0));
            assertThat(Objects.requireNonNull(fixed.record()).version().since()).isEqualTo(SINCE.plusMillis(since));
        }

        @Test
        void inTheMillisecondOfTheKnownLoginIsLaterThanThatLogin() {
            Moment now = new Moment(0, 0);
            Stored before = Stored.of(Record.login(SINCE, LATER_LOGIN, TOKEN), 0);
            Unsaved out = unsaved(before.commanded(Kind.SIGN_OUT, null, LOGIN, now));
            Record fixed =
                    Objects.requireNonNull(out.at(SINCE.plusNanos(999_999), now).record());
            assertThat(before.compare(fixed)).isPositive();
        }

        @ParameterizedTest(name = "wall clock {0} ms and monotonic clock {1} ms later: {2} ms old")
        @CsvSource({
            "7000,  7000, 7000",
            "9000,  7000, 9000", // the computer slept
            "-9000, 7000, 7000", // the wall clock was set back
            "-9000, -1,   0",
        })
        @Tag("E10")
        void isAsOldAsTheClockSaysThatSaysMore(long wall, long elapsed, long age) {
            Instant storeNow = SINCE.plusSeconds(100);
            Unsaved command = unsaved(login(new Moment(50_000, 20_000)));
            Unsaved fixed = command.at(storeNow, new Moment(50_000 + wall, 20_000 + elapsed));
            assertThat(Objects.requireNonNull(fixed.record()).version().since()).isEqualTo(storeNow.minusMillis(age));
        }

        @Test
        void writesALoginOrASignOut() {
            Moment now = new Moment(0, 0);
            Record login =
                    Objects.requireNonNull(unsaved(login(now)).at(SINCE, now).record());
            assertThat(login.state()).isEqualTo(State.LIVE);
            assertThat(login.token()).isSameAs(TOKEN);
            assertThat(login.version().login()).isEqualTo(LATER_LOGIN);
            Stored out = stored().commanded(Kind.SIGN_OUT, null, LATER_LOGIN, now);
            assertThat(Objects.requireNonNull(unsaved(out).at(SINCE, now).record())
                            .state())
                    .isEqualTo(State.OUT);
        }

        @Test
        void isTheSameWriteBeforeAndAfterItGotAVersionAndNoOther() {
            Unsaved login = unsaved(login(new Moment(0, 0)));
            Unsaved fixed = login.at(SINCE, new Moment(0, 0));
            assertThat(login.isSameAs(fixed)).isTrue();
            assertThat(fixed.failed(5).isSameAs(login)).isTrue();
            assertThat(fixed.isSameAs(login.at(SINCE.plusSeconds(9), new Moment(0, 0))))
                    .isFalse();
            assertThat(login.isSameAs(unsaved(stored().commanded(Kind.SIGN_OUT, null, LATER_LOGIN, new Moment(0, 0)))))
                    .isFalse();
            assertThat(login.isSameAs(unsaved(stored().commanded(Kind.LOGIN, TOKEN, LOGIN, new Moment(0, 0)))))
                    .isFalse();
        }
    }

    @Nested
    class ALease {

        private final Lease lease = Lease.granted(3, 1_000, LENGTH, false, null);

        @Test
        void isExtendedAfterAThirdOfItsLengthAndNotAMillisecondBefore() {
            Stored leased = stored().leased(lease);
            assertThat(leased.isPending()).isTrue();
            assertThat(leased.dueAt()).isEqualTo(11_000);
            assertThat(leased.begun(10_999, 30_000)).isSameAs(leased);
            Lease extending =
                    Objects.requireNonNull(leased.begun(11_000, 30_000).lease());
            assertThat(extending.extendAt()).isEqualTo(21_000);
            assertThat(extending.begunAt()).isEqualTo(1_000);
            assertThat(extending.extended(11_000, LENGTH).begunAt()).isEqualTo(11_000);
        }

        @Test
        void holdsForLessThanItsLengthSinceItsRequestBegan() {
            assertThat(lease.isWithin(5_000, 5_999)).isTrue();
            assertThat(lease.isWithin(5_000, 6_000)).isFalse();
        }

        @Test
        void thatCannotEndBeforeItsHolderIsNeverExtended() {
            Lease endless = Lease.granted(3, 1_000, LENGTH, true, null);
            assertThat(stored().leased(endless).dueAt()).isEqualTo(Phase.NEVER);
            assertThat(endless.isWithin(1, Phase.NEVER)).isTrue();
            assertThat(endless.extended(5_000, LENGTH).extendAt()).isEqualTo(Phase.NEVER);
        }

        @Test
        void knowsTheMarkOfAnotherAttemptByThisNodesClock() {
            assertThat(lease.hasOtherMark()).isFalse();
            Lease marked = Lease.granted(3, 1_000, LENGTH, false, Duration.ofMillis(400));
            assertThat(marked.hasOtherMark()).isTrue();
            assertThat(marked.markedAt()).isEqualTo(600);
        }

        @Test
        void remembersItsFirstPresentationOnly() {
            assertThat(lease.presentedAt()).isEqualTo(Phase.NEVER);
            assertThat(lease.presented(1_500).presented(1_900).presentedAt()).isEqualTo(1_500);
        }
    }

    @Test
    void theStoreIsReachableSinceTheFirstSuccessAfterAFailure() {
        Stored stored = stored();
        assertThat(stored.reached(true, 9)).isSameAs(stored);
        Stored failed = stored.reached(false, 10);
        assertThat(failed.reachableSince()).isEqualTo(Phase.NEVER);
        assertThat(failed.reached(false, 11)).isSameAs(failed);
        assertThat(failed.reached(true, 12).reached(true, 13).reachableSince()).isEqualTo(12);
    }

    @Test
    void nothingIsPendingWithoutAWriteOrALease() {
        assertThat(Stored.NONE.isPresent()).isFalse();
        assertThat(Stored.NONE.isPending()).isFalse();
        assertThat(stored().isPending()).isFalse();
        assertThat(obtained().isPending()).isTrue();
        assertThat(Stored.NONE.dueAt()).isEqualTo(Phase.NEVER);
    }
}
