package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.ReferenceStore.Fault;
import io.tokenswap.testing.ReferenceStore.Operation;
import io.tokenswap.testing.RotatingProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** Tests of two nodes when the user signs in or out. */
class SharedStoreLoginTest extends TwoNodesFixture {

    private static void loseResponses(Node node, Operation of) {
        node.connection.faults((operation, key) -> operation == of ? Fault.losesResponse() : Fault.none());
    }

    @Nested
    class ALogin {

        @Test
        @Tag("E04")
        void atAnotherNodeEndsTheWaitForALogin() {
            startBoth();
            cluster.provider.revoke(stored().token());
            advance(Duration.ofHours(1));
            assertThat(token(a)).containsExactly("LoginRequiredException");
            assertThat(token(b)).containsExactly("LoginRequiredException");
            int before = cluster.provider.presentations().size();
            b.connection.losesChanges(true);
            assertThat(outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE))))
                    .containsExactly("done");
            String renewed = storedToken();
            advance(Duration.ofSeconds(31));
            assertThat(token(b)).containsExactly(renewed);
            assertThat(b.ask(b.session(ALICE).tokens().next())).containsExactly(renewed);
            assertThat(status(b)).isEqualTo(Status.VALID);
            assertThat(cluster.provider.presentations()).hasSize(before);
        }

        @Test
        @Tag("E04")
        void isFoundByOneLookThatACallerDemands() {
            startBoth();
            cluster.provider.revoke(stored().token());
            advance(Duration.ofHours(1));
            b.connection.losesChanges(true);
            a.session(ALICE).renew(cluster.provider.signIn(ALICE)).subscribe();
            advance(Duration.ofSeconds(31));
            List<String> seen = new ArrayList<>();
            b.session(ALICE)
                    .tokens()
                    .subscribe(
                            token -> seen.add(cluster.name(token)),
                            error -> seen.add(error.getClass().getSimpleName()));
            advance(SECOND);
            assertThat(seen).containsExactly(storedToken());
        }

        @Test
        @Tag("E07")
        void thatIsAcknowledgedLateIsNotPublishedOverItsSuccessor() {
            startBoth();
            a.connection.faults((operation, key) ->
                    operation == Operation.PUT ? Fault.lateResponse(Duration.ofSeconds(4)) : Fault.none());
            List<String> served = new ArrayList<>();
            a.session(ALICE).tokensUntilClosed().subscribe(token -> served.add(cluster.name(token)));
            List<String> renewed = outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 2/2");
            List<String> refreshed = b.ask(b.session(ALICE).refresh());
            advance(SECOND);
            assertThat(refreshed).containsExactly("alice 2/3");
            advance(Duration.ofSeconds(10));
            assertThat(renewed).containsExactly("done");
            assertThat(token(a)).containsExactly("alice 2/3");
            assertThat(served).doesNotHaveDuplicates().last().isEqualTo("alice 2/3");
            assertThat(served.indexOf("alice 2/2")).isLessThan(served.indexOf("alice 2/3"));
        }

        /** The process stops between the response of the store and its use, and counts that time to the age of the login. */
        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        @Tag("E08")
        void whoseNodeIsHeldUpWhileItAsksForTheTimeIsNotTakenForAnOlderOne(boolean bySession) {
            startBoth();
            advance(Duration.ofMinutes(10)); // the time of the hold-up must not lead behind the stored record
            a.connection.fault(Fault.fails());
            outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(20));
            b.store.awaits = point -> {
                if (point.equals("load responded")) {
                    b.scheduler.pause();
                }
            };
            Token later = cluster.provider.signIn(ALICE);
            outcome(bySession ? b.session(ALICE).renew(later) : b.builder(ALICE).start(later));
            assertThat(b.scheduler.isRunning()).isFalse();
            advance(SECOND);
            b.store.awaits = point -> {};
            a.connection.reconnect();
            advance(Duration.ofSeconds(60));
            assertThat(storedToken()).isEqualTo("alice 2/2");
            b.scheduler.resume();
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 3/3");
        }

        /** The store reads its clock long after the question, and the node stands still as well. */
        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        @Tag("E08")
        void whoseStoreReadsTheClockLateIsNotTakenForALaterOne(boolean bySession) {
            startBoth();
            a.connection.fault(Fault.late(Duration.ofSeconds(60)));
            Token earlier = cluster.provider.signIn(ALICE);
            outcome(
                    bySession
                            ? a.session(ALICE).renew(earlier)
                            : a.builder(ALICE).start(earlier));
            a.connection.fault(Fault.none());
            a.scheduler.pause();
            advance(Duration.ofSeconds(20));
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(50));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            a.scheduler.resume();
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 3/3");
        }

        @ParameterizedTest
        @CsvSource({"10, -10", "-10, 10", "0, 0"})
        @Tag("E08")
        @Tag("D40")
        void thatIsOlderNeverOverwritesANewerOneWhateverTheClocksSay(long early, long late) {
            Node first = cluster.node("first", Duration.ofMinutes(early));
            Node second = cluster.node("second", Duration.ofMinutes(late));
            first.start(ALICE);
            second.restore(ALICE);
            first.connection.fault(Fault.fails());
            outcome(first.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(13));
            assertThat(outcome(second.session(ALICE).renew(cluster.provider.signIn(ALICE))))
                    .containsExactly("done");
            assertThat(storedToken()).isEqualTo("alice 3/3");
            advance(Duration.ofSeconds(5));
            first.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(first)).containsExactly("alice 3/3");
            assertThat(token(second)).containsExactly("alice 3/3");
        }

        @Test
        @Tag("E12")
        void isSavedThoughTheSessionIsDisposedOfMeanwhile() {
            TokenSession.Builder builder =
                    a.builder(ALICE).onLoginRequired(cause -> Mono.fromSupplier(() -> cluster.provider.signIn(ALICE)));
            builder.start(cluster.provider.signIn(ALICE)).subscribe(session -> a.sessions.put(ALICE, session));
            advance(Duration.ZERO);
            cluster.provider.revoke(stored().token());
            a.connection.faults((operation, key) -> operation == Operation.PUT ? Fault.neverResponds() : Fault.none());
            subscribe(a);
            advance(TO_REFRESH.plusSeconds(6));
            assertThat(status(a)).isEqualTo(Status.VALID);
            List<String> disposed = outcome(a.session(ALICE).disposeLater());
            a.connection.fault(Fault.none());
            advance(SECOND);
            assertThat(disposed).isEmpty();
            advance(Duration.ofSeconds(9));
            assertThat(disposed).containsExactly("done");
            assertThat(storedToken()).isEqualTo("alice 2/2");
        }

        @Test
        @Tag("E18")
        void thatTheStoreNeverRespondsToFailsInTime() {
            a.start(ALICE);
            Node lost = cluster.node("lost");
            lost.connection.fault(Fault.neverResponds());
            a.connection.fault(Fault.neverResponds());
            List<String> started = outcome(lost.builder("bob").start(cluster.provider.signIn("bob")));
            List<String> restored = outcome(lost.builder(ALICE).restore());
            List<String> renewed = outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofMillis(10_100));
            assertThat(started).containsExactly("TokenUnavailableException");
            assertThat(restored).containsExactly("TokenUnavailableException");
            assertThat(renewed).containsExactly("TokenUnavailableException");
        }

        @Test
        @Tag("E18")
        void thatTheStoreNeverRespondsToFailsInTimeAfterAPauseToo() {
            a.start(ALICE);
            a.connection.fault(Fault.neverResponds());
            List<String> renewed = outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            a.scheduler.pause();
            advance(Duration.ofSeconds(30));
            assertThat(renewed).isEmpty();
            a.scheduler.resume();
            advance(Duration.ofSeconds(3));
            assertThat(renewed).containsExactly("TokenUnavailableException");
        }

        @Test
        @Tag("E95")
        void isNotUndoneByASaveThatIsRepeatedAfterItsResponseWasLost() {
            startBoth();
            int[] puts = {0};
            a.connection.losesChanges(true);
            a.connection.faults((operation, key) -> {
                puts[0] += operation == Operation.PUT ? 1 : 0;
                return operation == Operation.PUT ? Fault.losesResponse() : Fault.none();
            });
            outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 2/2");
            outcome(b.session(ALICE).signOut());
            advance(SECOND);
            b.start(ALICE);
            assertThat(storedToken()).isEqualTo("alice 3/3");
            advance(Duration.ofSeconds(5));
            assertThat(puts[0]).isEqualTo(2);
            assertThat(storedToken()).isEqualTo("alice 3/3");
            a.connection.reconnect();
            advance(Duration.ofSeconds(30));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(a)).containsExactly("alice 3/3");
        }

        /** The absent record is the one before the login, and the response that says so arrives after it. */
        @Test
        @Tag("D17")
        void isNotEndedByALookThatWasBegunBefore() {
            a.store.mayLoseWrites = false;
            a.start(ALICE);
            cluster.engine.evict(TokenStore.key(ALICE));
            a.connection.fault(Fault.lateResponse(SECOND.multipliedBy(2)));
            subscribe(a);
            a.connection.fault(Fault.none());
            outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            assertThat(storedToken()).startsWith("alice 2/");
            advance(Duration.ofSeconds(10));
            assertThat(token(a)).containsExactly(storedToken());
            assertThat(status(a)).isEqualTo(Status.VALID);
        }

        @Test
        @Tag("D45")
        void duringARefreshWins() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            assertThat(cluster.provider.presentations()).hasSize(1);
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).startsWith("alice 2/");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
        }
    }

    @Nested
    class ASignOut {

        @Test
        @Tag("E04")
        void endsTheSessionAtAnotherNodeWithinASecond() {
            startBoth();
            outcome(a.session(ALICE).signOut());
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(SECOND);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(token(b)).containsExactly("LoginRequiredException");
            assertThat(cluster.provider.presentations()).isEmpty();
        }

        /**
         * A session without subscribers is not notified, and the first subscriber must not get the token of a user who
         * has left.
         */
        @Test
        @Tag("E04")
        void endsASessionAsSoonAsItHasASubscriber() {
            a.start(ALICE);
            b.restore(ALICE);
            outcome(a.session(ALICE).signOut());
            advance(Duration.ofMinutes(10));
            assertThat(status(b)).isEqualTo(Status.VALID);
            subscribe(b);
            advance(SECOND);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        @Test
        @Tag("D44")
        void duringARefreshWins() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            assertThat(cluster.provider.presentations()).hasSize(1);
            outcome(b.session(ALICE).signOut());
            advance(Duration.ofSeconds(10));
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(Duration.ofHours(1));
            assertThat(stored().state()).isEqualTo(State.OUT);
            assertThat(token(a)).containsExactly("LoginRequiredException");
        }

        @Test
        @Tag("D44")
        void duringARefreshOfTheSameNodeWins() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            List<String> out = outcome(a.session(ALICE).signOut());
            advance(Duration.ofSeconds(10));
            assertThat(out).containsExactly("done");
            assertThat(stored().state()).isEqualTo(State.OUT);
            assertThat(status(a)).isEqualTo(Status.CLOSED);
        }

        /** The token comes while the sign-out waits for the store. */
        @Test
        @Tag("D44")
        void duringARefreshOfTheSameNodeWinsThoughTheStoreGetsItLater() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            a.connection.fault(Fault.fails());
            List<String> out = outcome(a.session(ALICE).signOut());
            advance(Duration.ofSeconds(4));
            assertThat(out).isEmpty();
            assertThat(stored().state()).isEqualTo(State.LIVE);
            a.connection.fault(Fault.none());
            advance(Duration.ofSeconds(5));
            assertThat(out).containsExactly("done");
            assertThat(stored().state()).isEqualTo(State.OUT);
        }

        /** The attempt finds the loss after the user has signed out, and before the store has the sign-out. */
        @Test
        @Tag("D28")
        @Tag("D44")
        void duringAnAttemptPutsNothingBackThatTheStoreHasLost() {
            a.start(ALICE);
            List<String> written = new ArrayList<>();
            a.store.awaits = point -> {
                if (point.matches("put [A-Z_]+")) {
                    written.add(point);
                }
            };
            cluster.engine.evict(TokenStore.key(ALICE));
            a.connection.fault(Fault.lateResponse(SECOND.multipliedBy(2)));
            a.ask(a.session(ALICE).refresh());
            advance(SECOND);
            outcome(a.session(ALICE).signOut());
            advance(Duration.ofSeconds(10));
            assertThat(written).containsExactly("put SIGN_OUT");
            assertThat(stored().state()).isEqualTo(State.OUT);
        }

        @Test
        @Tag("D44")
        void thatIsRepeatedAfterALaterLoginLeavesTheLogin() {
            startBoth();
            loseResponses(a, Operation.PUT);
            outcome(a.session(ALICE).signOut());
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(SECOND);
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            assertThat(storedToken()).isEqualTo("alice 2/2");
            a.connection.reconnect();
            advance(Duration.ofSeconds(30));
            assertThat(storedToken()).isEqualTo("alice 2/2");
            assertThat(token(b)).containsExactly("alice 2/2");
        }
    }
}
