package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.testing.ReferenceStore.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class ReferenceStoreTest extends SharedTokenStoreContract {

    private final VirtualClock clock = new VirtualClock();
    private final ReferenceStore engine = new ReferenceStore(clock);
    private final ReferenceStore.Connection connection = engine.connect();

    @Override
    protected TokenStore store() {
        return connection;
    }

    @Override
    protected TokenStore other(TokenStore store) {
        return engine.connect();
    }

    @Override
    protected void pass(Duration duration) {
        clock.advance(duration);
    }

    @Nested
    class Faults {

        @Test
        void thatFailOrThrowLeaveTheRecordAlone() {
            Record login = signedIn();
            Record next = login.refreshed(1, token(2));

            connection.fault(Fault.fails());
            assertThatThrownBy(() -> put(connection, next, Kind.REFRESH)).hasMessage("The store is unreachable");
            connection.fault(Fault.throwsException());
            assertThatThrownBy(() -> connection.load(key)).hasMessage("The store throws");
            connection.fault(Fault.neverResponds());
            connection.put(key, next, Kind.REFRESH, "a", 0).subscribe();
            clock.advance(Duration.ofDays(1));

            assertThat(stored()).isEqualTo(login);
        }

        @Test
        void thatLoseTheResponseHaveWritten() {
            Record next = signedIn().refreshed(1, token(2));
            connection.fault(Fault.losesResponse());
            AtomicReference<Entry> response = new AtomicReference<>();
            connection.put(key, next, Kind.REFRESH, "a", 0).subscribe(response::set);
            clock.advance(Duration.ofDays(1));

            assertThat(stored()).isEqualTo(next);
            assertThat(response).hasNullValue();

            connection.fault(Fault.failsAfterwards());
            Record second = next.refreshed(2, token(3));
            assertThatThrownBy(() -> put(connection, second, Kind.REFRESH)).hasMessageContaining("was lost");
            assertThat(stored()).isEqualTo(second);

            connection.fault(Fault.completesEmpty());
            assertThat(connection.load(key).blockOptional()).isEmpty();
        }

        @Test
        void thatDelayAWriteLetItTakePlaceAfterItsCallerHasLeft() {
            Record login = signedIn();
            Record next = login.refreshed(1, token(2));
            connection.fault(Fault.late(Duration.ofSeconds(5)));
            connection.put(key, next, Kind.REFRESH, "a", 0).subscribe().dispose();
            assertThat(stored()).isEqualTo(login);

            clock.advance(Duration.ofSeconds(5));

            assertThat(stored()).isEqualTo(next);
        }

        @Test
        void thatFreezeTheEngineHoldItsOperationsInTheirOrder() {
            Record login = signedIn();
            Record next = login.refreshed(1, token(2));
            engine.freeze();
            List<Outcome> outcomes = new ArrayList<>();
            connection.put(key, next, Kind.REFRESH, "a", 0).subscribe();
            other.acquire(key, "b", next.version(), lease()).subscribe(acquired -> outcomes.add(acquired.outcome()));
            clock.advance(Duration.ofDays(1));
            assertThat(outcomes).isEmpty();

            engine.thaw();

            assertThat(outcomes).containsExactly(Outcome.GRANTED);
        }

        @Test
        void ofOneOperationSpareTheOthers() {
            Record login = signedIn();
            connection.faults(
                    (operation, key) -> operation == ReferenceStore.Operation.PUT ? Fault.fails() : Fault.none());

            assertThat(get(connection.load(key)).record()).isEqualTo(login);
            assertThatThrownBy(() -> put(connection, login, Kind.LOGIN)).hasMessage("The store is unreachable");
        }
    }

    @Nested
    class Failovers {

        @Test
        void loseTheLastChangesOfRecordsAndLeasesAndAreReported() {
            List<String> changes = new ArrayList<>();
            Record login = signedIn();
            acquire(connection, "a", login.version());
            get(connection.put(key, login.refreshed(1, token(2)), Kind.REFRESH, "a", 1));
            connection.changes().subscribe(changes::add);

            engine.failover(1);
            assertThat(stored()).isEqualTo(login);
            assertThat(acquire(other, "b", login.version()).outcome()).isEqualTo(Outcome.BUSY);
            engine.failover(1);
            assertThat(acquire(other, "b", login.version()).outcome()).isEqualTo(Outcome.GRANTED);
            engine.failover(2);
            assertThat(stored()).isNull();

            assertThat(changes).contains(TokenStore.ANY_KEY);
        }

        @Test
        void loseLeasesAloneIfTheyAreKeptElsewhere() {
            Record login = signedIn();
            acquire(connection, "a", login.version());
            engine.loseLeases();

            assertThat(acquire(other, "b", login.version()).otherMark()).isNull();
            assertThat(stored()).isEqualTo(login);
        }
    }

    @Nested
    class Changes {

        @Test
        void reachEveryConnectionThatListens() {
            List<String> heard = new ArrayList<>();
            List<String> lost = new ArrayList<>();
            ReferenceStore.Connection deaf = engine.connect();
            other.changes().subscribe(heard::add);
            deaf.losesChanges(true);
            deaf.changes().subscribe(lost::add);

            signedIn();
            deaf.reconnect();

            assertThat(heard).containsExactly(key);
            assertThat(lost).containsExactly(TokenStore.ANY_KEY);
        }
    }

    @Test
    void aSignOutIsForgottenAfterADay() {
        Record out = Record.signOut(now(), id(1));
        put(store, out, Kind.SIGN_OUT);
        clock.advance(Duration.ofHours(24).minusMillis(1));
        assertThat(stored()).isEqualTo(out);
        clock.advance(Duration.ofMillis(1));

        assertThat(stored()).isNull();
    }
}
