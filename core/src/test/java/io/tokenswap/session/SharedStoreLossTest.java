package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.ReferenceStore.Fault;
import io.tokenswap.testing.ReferenceStore.Operation;
import io.tokenswap.testing.RotatingProvider;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tests of two nodes when the provider refuses a refresh, and when the store loses writes. */
class SharedStoreLossTest extends TwoNodesFixture {

    @Nested
    class ARefusal {

        @Test
        @Tag("D26")
        void ofANodeThatWasAloneCountsAtOnce() {
            startBoth();
            cluster.provider.revoke(stored().token());
            advance(TO_REFRESH);
            assertThat(stored().state()).isEqualTo(State.DEAD);
            advance(SECOND);
            assertThat(status(a)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        /** The provider processed the request of a last, and the store has the token of b, whose attempt is the later one. */
        @Test
        @Tag("D26")
        void leavesTheOtherSuccessorOfANodeThatWasAlone() {
            cluster.grace(Duration.ofSeconds(30));
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                a.scheduler.pause();
                return RotatingProvider.Fault.none().slow(Duration.ofSeconds(23), Duration.ZERO);
            });
            advance(TO_REFRESH.plusSeconds(25));
            a.scheduler.resume();
            advance(Duration.ofSeconds(2));
            assertThat(storedToken()).isEqualTo("alice 1/2");
            assertThat(token(a)).containsExactly("alice 1/2");
            a.ask(a.session(ALICE).refresh());
            advance(SECOND);
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::refreshToken)
                    .containsExactly(
                            "refresh-alice-1-1", "refresh-alice-1-1", "refresh-alice-1-2", "refresh-alice-1-3");
            assertThat(token(a))
                    .isEqualTo(token(b))
                    .containsExactly(storedToken())
                    .containsExactly("alice 1/4");
        }

        @Test
        @Tag("D26")
        void underTheMarkOfAnotherNodeCountsAfterADeadline() {
            startBoth();
            cluster.provider.faults(presentation -> {
                a.scheduler.crash();
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.minusSeconds(12));
            assertThat(cluster.provider.presentations()).hasSize(1);
            advance(Duration.ofSeconds(8));
            assertThat(cluster.provider.presentations()).hasSize(2);
            assertThat(cluster.provider.presentations().get(1).isRefused()).isTrue();
            advance(Duration.ofSeconds(5));
            assertThat(stored().state()).isEqualTo(State.LIVE);
            assertThat(status(b)).isNotEqualTo(Status.LOGIN_REQUIRED);
            advance(Duration.ofSeconds(20));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        /** Another node may have had the lease meanwhile, and a successor. */
        @Test
        @Tag("D26")
        void afterTheStoreWasOutOfReachCountsAfterADeadline() {
            startBoth();
            cluster.provider.revoke(stored().token());
            a.connection.faults((operation, key) -> operation == Operation.EXTEND ? Fault.fails() : Fault.none());
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(Duration.ofSeconds(10), Duration.ZERO));
            advance(TO_REFRESH.plusSeconds(20));
            assertThat(cluster.provider.presentations()).hasSize(1);
            assertThat(stored().state()).isEqualTo(State.LIVE);
            assertThat(status(a)).isNotEqualTo(Status.LOGIN_REQUIRED);
            advance(Duration.ofSeconds(10));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            assertThat(status(a)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("D26")
        void isForgottenWhenTheSuccessorArrivesBeforeTheDeadline() {
            cluster.provider.toleratesReuse();
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.minusSeconds(4));
            assertThat(cluster.provider.presentations()).hasSize(2);
            a.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(stored().state()).isEqualTo(State.LIVE);
            assertThat(token(b)).isEqualTo(token(a)).containsExactly("alice 1/2");
        }
    }

    @Nested
    class AFailover {

        @Test
        @Tag("D28")
        void thatLosesTheRecordDuringARequestDoesNotLoseItsSuccessor() {
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.engine.evict(TokenStore.key(ALICE));
                return RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 1/2");
            assertThat(token(b)).isEqualTo(token(a)).containsExactly("alice 1/2");
        }

        @Test
        @Tag("D27")
        void thatLosesTheLeaseDoesNotMakeOthersForgetThatTheySawIt() {
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(30));
            cluster.engine.loseLeases();
            advance(Duration.ofMinutes(3));
            assertThat(cluster.provider.presentations()).hasSize(1);
            a.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(token(b)).isEqualTo(token(a)).containsExactly("alice 1/2");
        }

        /** The node then finds the mark that it has set itself when it asked again, which looks young. */
        @Test
        @Tag("D27")
        void thatLosesTheLeaseDoesNotMakeAMarkLookYounger() {
            cluster.grace(Duration.ofSeconds(30));
            startBoth();
            b.connection.losesChanges(true);
            cluster.provider.faults(presentation -> {
                a.scheduler.crash();
                b.connection.fault(Fault.fails());
                return RotatingProvider.Fault.losesRequestSilently();
            });
            advance(TO_REFRESH.plusSeconds(40));
            b.connection.fault(Fault.none());
            advance(Duration.ofSeconds(30));
            cluster.engine.loseLeases();
            advance(Duration.ofSeconds(60));
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("D28")
        void thatLosesASaveIsRepairedWithinASecond() {
            startBoth();
            advance(TO_REFRESH.plusSeconds(5));
            assertThat(token(b)).containsExactly("alice 1/2");
            a.scheduler.crash();
            b.connection.losesChanges(true);
            cluster.engine.failover(1);
            assertThat(storedToken()).isEqualTo("alice 1/1");
            b.connection.reconnect();
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 1/2");
        }

        @Test
        @Tag("D28")
        void thatLosesSeveralSavesIsRepairedWithinASecond() {
            startBoth();
            int changes = cluster.engine.changes();
            advance(Duration.ofHours(3));
            assertThat(stored().version().number()).isEqualTo(3);
            TokenStore.Version before = stored().version();
            a.scheduler.crash();
            cluster.engine.failover(cluster.engine.changes() - changes);
            advance(SECOND);
            assertThat(stored().version()).isEqualTo(before);
        }

        @Test
        @Tag("D28")
        void thatLosesARefusalIsRepairedSoThatOthersSendNothing() {
            a.start(ALICE);
            subscribe(a);
            b.restore(ALICE);
            cluster.provider.revoke(stored().token());
            advance(TO_REFRESH.plusSeconds(1));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            cluster.engine.failover(1);
            advance(Duration.ofSeconds(31));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            advance(Duration.ofHours(1));
            assertThat(token(b)).containsExactly("LoginRequiredException");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("D28")
        @Tag("D34")
        void thatLosesARecordIsNoSignOut() {
            startBoth();
            cluster.engine.evict(TokenStore.key(ALICE));
            advance(TO_REFRESH.plusSeconds(40));
            assertThat(storedToken()).isEqualTo("alice 1/2");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/2");
        }
    }
}
