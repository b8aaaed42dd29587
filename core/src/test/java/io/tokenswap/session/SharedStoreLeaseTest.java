package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Rotates;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.ReferenceStore.Fault;
import io.tokenswap.testing.ReferenceStore.Operation;
import io.tokenswap.testing.RotatingProvider;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests of the lease by which two nodes send one refresh. */
class SharedStoreLeaseTest extends TwoNodesFixture {

    @Nested
    class TheLease {

        @Test
        @Tag("E90")
        @Tag("D25")
        void thatEndsWhileItsHolderIsPausedIsNoReasonToPresent() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_STALE.minusSeconds(11));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a");
            a.scheduler.resume();
            advance(Duration.ofSeconds(20));
            assertThat(presented()).hasSize(1);
            assertThat(token(a))
                    .isEqualTo(token(b))
                    .containsExactly(storedToken())
                    .containsExactly("alice 1/2");
        }

        @Test
        @Tag("E90")
        void ofAHolderThatStaysAwayIsTakenOverBeforeTheTokenIsStale() {
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                return RotatingProvider.Fault.losesRequestSilently();
            });
            advance(TO_REFRESH);
            a.scheduler.crash();
            advance(Duration.ofMinutes(5).minusSeconds(25));
            assertThat(cluster.provider.presentations()).hasSize(1);
            advance(Duration.ofSeconds(25));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            assertThat(token(b)).containsExactly("alice 1/2");
        }

        @Test
        @Tag("D25")
        void ofAPausedHolderIsLostAndItsResultIsNot() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(60));
            assertThat(stored().version().number()).isZero();
            a.scheduler.resume();
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 1/2");
        }

        @Test
        @Tag("D25")
        void ofAPausedHolderDoesNotUndoALaterLogin() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(60));
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            a.scheduler.resume();
            advance(Duration.ofSeconds(5));
            assertThat(storedToken()).isEqualTo("alice 2/3");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 2/3");
        }

        @Test
        @Tag("D25")
        void ofAPausedHolderDoesNotUndoASignOut() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(60));
            outcome(b.session(ALICE).signOut());
            a.scheduler.resume();
            advance(Duration.ofSeconds(5));
            assertThat(stored().state()).isEqualTo(State.OUT);
            assertThat(status(a)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        /** The provider keeps the successor that it granted last, so the later attempt wins, in either order of the saves. */
        @Test
        @Tag("D25")
        void thatWasTakenOverWithinTheGraceLeavesTheLaterSuccessor() {
            cluster.grace(Duration.ofSeconds(30));
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusMillis(21_600));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            a.scheduler.resume();
            assertThat(storedToken()).isEqualTo("alice 1/2");
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 1/3");
            cluster.provider.faults(presentation -> RotatingProvider.Fault.none());
            advance(Duration.ofHours(1));
            assertThat(cluster.provider.presentations()).hasSize(3).noneMatch(Presentation::isRefused);
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/4");
        }

        /** The response waits while the process stands still. The session's own limit is at 17 s. */
        @ParameterizedTest
        @ValueSource(longs = {15_000, 16_900, 17_000, 17_001, 17_500, 17_999, 18_001, 19_900})
        @Tag("E20")
        void ofAHolderThatWasPausedUntilItsLimitSavesTheResponse(long millis) {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH);
            cluster.clock.scheduler().schedule(a.scheduler::resume, millis, TimeUnit.MILLISECONDS);
            advance(Duration.ofMillis(millis).plusSeconds(3));
            assertThat(cluster.provider.presentations()).hasSize(1);
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/2");
        }

        /** A lease of 20 s, and 5 s in which the provider must respond to the node that takes over. */
        @ParameterizedTest
        @CsvSource({"25000, true", "24999, false"})
        @Tag("D24")
        void isTakenOverAtOnceOnlyIfTheGraceOutlastsTheLease(long grace, boolean atOnce) {
            cluster.grace(Duration.ofMillis(grace));
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusMillis(19_900));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a");
            advance(Duration.ofMillis(1_700));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .isEqualTo(atOnce ? List.of("a", "b") : List.of("a"));
        }

        /** The node stops when its request has left; the response waits for it. */
        private void pauseInTheMiddle(Node node) {
            cluster.provider.faults(presentation -> {
                if (presentation.node().equals(node.name)) {
                    node.scheduler.pause();
                }
                return RotatingProvider.Fault.none().slow(SECOND, SECOND);
            });
        }

        @Test
        @Tag("E91")
        void isPausedForAllNodesWhenTheProviderIsBusy() {
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                return RotatingProvider.Fault.throttles(Duration.ofSeconds(60));
            });
            advance(TO_REFRESH);
            assertThat(cluster.provider.presentations()).hasSize(1);
            List<String> direct = b.ask(b.session(ALICE).refresh());
            advance(Duration.ofMillis(59_900));
            a.ask(a.session(ALICE).refresh());
            assertThat(cluster.provider.presentations()).hasSize(1);
            assertThat(direct).doesNotContain("alice 1/2");
            advance(Duration.ofSeconds(40));
            assertThat(cluster.provider.presentations()).hasSize(2);
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/2");
        }

        @Test
        @Tag("E90")
        void isNotTakenOverByANodeThatWasIdleDuringTheOutageOfItsHolder() {
            a.start(ALICE);
            subscribe(a);
            b.restore(ALICE);
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.plusSeconds(20));
            a.connection.fault(Fault.none());
            List<String> first = token(b);
            assertThat(first).containsExactly("TokenUnavailableException");
            advance(Duration.ofSeconds(10));
            assertThat(token(b)).containsExactly("alice 1/2");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("E91")
        void keepsItsMarkWhenARepeatIsThrottled() {
            startBoth();
            int[] requests = {0};
            cluster.provider.faults(presentation -> switch (requests[0]++) {
                case 0 -> RotatingProvider.Fault.losesResponse();
                case 1 -> RotatingProvider.Fault.throttles(SECOND);
                default -> RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(4));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "a");
            a.scheduler.crash();
            advance(Duration.ofMinutes(4));
            assertThat(cluster.provider.presentations()).hasSize(2);
        }

        /** The holder has the only copy of the successor, and the other node would otherwise present its old token. */
        @Test
        @Tag("D24")
        void isExtendedUntilTheResultIsSaved() {
            startBoth();
            a.connection.faults((operation, key) -> operation == Operation.PUT ? Fault.fails() : Fault.none());
            advance(TO_STALE.plusSeconds(30));
            assertThat(cluster.provider.presentations()).hasSize(1);
            a.connection.fault(Fault.none());
            advance(Duration.ofSeconds(10));
            assertThat(token(b)).isEqualTo(token(a)).containsExactly("alice 1/2");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("E93")
        void thatWasExtendedBeforeAPauseAllowsNoRequestAfterIt() {
            startBoth();
            boolean[] armed = {true};
            cluster.provider.faults(
                    presentation -> armed[0] ? RotatingProvider.Fault.losesRequest() : RotatingProvider.Fault.none());
            a.store.awaits = point -> {
                if (point.equals("extend responded") && armed[0]) {
                    armed[0] = false;
                    a.scheduler.pause();
                }
            };
            advance(TO_REFRESH.plusSeconds(2));
            assertThat(a.scheduler.isRunning()).isFalse();
            assertThat(cluster.provider.presentations()).hasSize(1);
            advance(Duration.ofSeconds(25));
            List<String> points = new ArrayList<>();
            a.store.awaits = points::add;
            a.scheduler.resume();
            advance(Duration.ofSeconds(10));
            assertThat(points).contains("extend responded").doesNotContain(ObservedStore.PRESENT);
            advance(Duration.ofMinutes(5));
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
        }

        /** The node cannot know whether it still has its lease, but no other node presents for that long. */
        @Test
        @Tag("E96")
        void allowsRepeatsWithoutTheStoreWhileTheProviderAcceptsThemForSure() {
            cluster.grace(Duration.ofSeconds(30));
            cluster.policy = RefreshPolicy.builder()
                    .jitter(Duration.ZERO)
                    .backoff(SECOND, SECOND)
                    .build();
            a.start(ALICE);
            subscribe(a);
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.losesResponse();
            });
            advance(TO_REFRESH.plusSeconds(12));
            int repeated = cluster.provider.presentations().size();
            assertThat(repeated).isGreaterThan(10);
            advance(Duration.ofMinutes(5));
            assertThat(cluster.provider.presentations()).hasSizeBetween(repeated, repeated + 3);
        }

        @Test
        @Tag("E96")
        void allowsNoRepeatWithoutTheStoreIfTheProviderHasNoGrace() {
            a.start(ALICE);
            subscribe(a);
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.losesResponse();
            });
            advance(TO_REFRESH.plusSeconds(60));
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("E94")
        void ofAProviderThatDoesNotRotateProtectsTheNewerAccessToken() {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(Rotates.NO);
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(30));
            b.session(ALICE).invalidate(stored().token());
            advance(Duration.ofSeconds(60));
            assertThat(storedToken()).isEqualTo("alice 1/3");
            a.scheduler.resume();
            advance(Duration.ofSeconds(5));
            assertThat(storedToken()).isEqualTo("alice 1/3");
            assertThat(token(a)).containsExactly("alice 1/3");
        }

        /** Without the store a node has no number for its attempt, and its result must not be taken for another one. */
        @Test
        @Tag("E94")
        void whichANodeCouldNotAskForGivesWayToAnother() {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(Rotates.NO);
            startBoth();
            a.connection.fault(Fault.fails());
            advance(TO_REFRESH.plusSeconds(1));
            List<String> leased = token(b);
            assertThat(token(a)).isNotEqualTo(leased);
            a.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(token(a)).isEqualTo(token(b)).isEqualTo(leased).containsExactly(storedToken());
        }

        /** Two nodes without a number have one version for two tokens. The later one stays, in either order of the saves. */
        @ParameterizedTest
        @CsvSource({"0, 0", "30, 0", "0, 30", "30, 90"})
        @Tag("E94")
        void whichNoNodeCouldAskForLeavesOneTokenForAll(long refreshedLater, long savedLater) {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(Rotates.NO);
            startBoth();
            a.connection.fault(Fault.fails());
            b.connection.fault(Fault.fails());
            advance(TO_REFRESH.minusSeconds(60));
            a.ask(a.session(ALICE).refresh());
            advance(Duration.ofSeconds(refreshedLater));
            b.ask(b.session(ALICE).refresh());
            advance(TO_STALE.minus(TO_REFRESH).plusSeconds(61));
            assertThat(token(a)).isNotEqualTo(token(b));
            List<String> later = refreshedLater == 0 ? token(a) : token(b);
            a.connection.reconnect();
            advance(Duration.ofSeconds(savedLater));
            b.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
            assertThat(token(a)).isEqualTo(later);
        }

        /** The default jitter is longer than the provider's grace leaves to a second node. */
        @Test
        @Tag("E96")
        void ofANodeThatDiesIsTakenOverWithinTheGraceAlthoughRefreshesAreSpread() {
            cluster.policy = RefreshPolicy.defaults();
            cluster.grace(Duration.ofSeconds(30));
            cluster.random = () -> 0.999;
            a.start(ALICE);
            subscribe(a);
            cluster.random = () -> 0;
            b.restore(ALICE);
            subscribe(b);
            cluster.provider.faults(presentation -> {
                a.scheduler.crash();
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.plusSeconds(60));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            assertThat(cluster.provider.presentations()).noneMatch(Presentation::isRefused);
            assertThat(token(b)).containsExactly(storedToken());
        }

        /** Each finds that the token of the other one starts in the future or has ended. */
        @Test
        @Tag("E10")
        void doesNotBounceBetweenNodesWhoseClocksDisagreeByMoreThanALifetime() {
            cluster.provider.lifetime(Duration.ofMinutes(5));
            // A hot loop would never end, so that it gets no more responses after a while.
            cluster.provider.faults(
                    presentation -> cluster.provider.presentations().size() > 1_000
                            ? RotatingProvider.Fault.losesResponseSilently()
                            : RotatingProvider.Fault.none());
            Node fast = cluster.node("fast", Duration.ofMinutes(10));
            a.start(ALICE);
            subscribe(a);
            fast.restore(ALICE);
            subscribe(fast);
            advance(Duration.ofMinutes(60));
            assertThat(cluster.provider.presentations()).hasSizeBetween(12, 300);
        }

        @Test
        @Tag("D46")
        void isPolledByThoseWhoWait() {
            startBoth();
            b.connection.losesChanges(true);
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND));
            advance(Duration.ofMinutes(50));
            List<String> first = a.ask(a.session(ALICE).refresh());
            List<String> second = b.ask(b.session(ALICE).refresh());
            advance(Duration.ofMillis(2_010));
            assertThat(first).containsExactly("alice 1/2");
            advance(Duration.ofMillis(240));
            assertThat(second).containsExactly("alice 1/2");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("D46")
        void isAskedForFourTimesASecondByThoseWhoWait() {
            startBoth();
            b.connection.losesChanges(true);
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            a.ask(a.session(ALICE).refresh());
            List<Duration> asked = new ArrayList<>();
            Instant begun = cluster.clock.instant();
            b.store.awaits = point -> {
                if (point.equals("acquire")) {
                    asked.add(Duration.between(begun, cluster.clock.instant()));
                }
            };
            b.ask(b.session(ALICE).refresh());
            advance(SECOND);
            assertThat(asked)
                    .containsExactly(
                            Duration.ZERO,
                            Duration.ofMillis(250),
                            Duration.ofMillis(500),
                            Duration.ofMillis(750),
                            SECOND);
        }
    }
}
