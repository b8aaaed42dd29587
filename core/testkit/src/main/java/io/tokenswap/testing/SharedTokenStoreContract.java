package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Tests that every {@link TokenStore} must pass whose leases end by time, beside those of {@link TokenStoreContract}:
 * ends of leases, marks, and the writes of a node that has lost its lease.
 */
public abstract class SharedTokenStoreContract extends TokenStoreContract {

    /** Creates the contract, for subclasses. */
    protected SharedTokenStoreContract() {}

    /**
     * Lets time pass for the store. The clock of a real engine cannot be moved: this asks the store for the time until it
     * has come. Override it for a store of a test clock, to move that clock.
     *
     * @param duration how much
     */
    protected void pass(Duration duration) {
        Instant end = get(store().load("clock")).now().plus(duration);
        store().load("clock")
                .map(TokenStore.Entry::now)
                .repeat()
                .filter(now -> now.isAfter(end))
                .blockFirst(Duration.ofMinutes(2));
    }

    /**
     * Returns the length of a lease whose end a test waits for by {@link #pass}.
     *
     * @return 100 milliseconds by default
     */
    protected Duration shortLease() {
        return Duration.ofMillis(100);
    }

    private void passShortLease() {
        pass(shortLease().plusMillis(1));
    }

    private long granted(TokenStore store, String owner, Record record) {
        return granted(store, owner, record, lease());
    }

    private long grantedBriefly(TokenStore store, String owner, Record record) {
        return granted(store, owner, record, shortLease());
    }

    private long granted(TokenStore store, String owner, Record record, Duration lease) {
        Acquired acquired = get(store.acquire(key, owner, record.version(), lease));
        assertThat(acquired.outcome()).isEqualTo(Outcome.GRANTED);
        return acquired.attempt();
    }

    private void release(TokenStore store, String owner, long attempt, boolean sent) {
        get(store.release(key, owner, attempt, Duration.ZERO, sent).thenReturn(true));
    }

    /** Ends of leases. */
    @Nested
    public class EndsOfLeases {

        /** For JUnit. */
        public EndsOfLeases() {}

        @Test
        void areToldByTheStoresTime() {
            Acquired acquired = acquire(store, "a", signedIn().version());

            assertThat(acquired.until()).isEqualTo(acquired.now().plus(lease()));
        }

        @Test
        void areToldToThoseWhoWait() {
            Record login = signedIn();
            granted(store, "a", login);
            passShortLease();

            assertThat(acquire(other, "b", login.version()).remaining())
                    .isPositive()
                    .isLessThan(lease().minus(shortLease()));
        }

        @Test
        void letAnotherNodeAttempt() {
            Record login = signedIn();
            long first = grantedBriefly(store, "a", login);
            passShortLease();

            assertThat(granted(other, "b", login)).isEqualTo(first + 1);
            assertThat(get(store.extend(key, "a", first, lease())).outcome()).isEqualTo(Outcome.MOVED);
        }

        @Test
        void areMovedByAnExtension() {
            Record login = signedIn();
            long attempt = granted(store, "a", login);
            Duration longer = lease().multipliedBy(2);
            Acquired extended = get(store.extend(key, "a", attempt, longer));
            assertThat(extended.until()).isEqualTo(extended.now().plus(longer));

            Acquired refused = acquire(other, "b", login.version());
            assertThat(refused.outcome()).isEqualTo(Outcome.BUSY);
            assertThat(refused.remaining()).isBetween(lease(), longer);
        }

        @Test
        @Tag("E93")
        void areFinalAlsoIfNoOtherNodeHasAskedMeanwhile() {
            long attempt = grantedBriefly(store, "a", signedIn());
            passShortLease();

            assertThat(get(store.extend(key, "a", attempt, lease())).outcome()).isEqualTo(Outcome.MOVED);
        }

        /** The former holder has the only copy of the successor. */
        @Test
        @Tag("D25")
        void doNotHinderALateWriteOfTheOnlySuccessor() {
            Record login = signedIn();
            long first = grantedBriefly(store, "a", login);
            passShortLease();
            long second = granted(other, "b", login);
            Record next = login.refreshed(first, token(2));

            assertThat(get(store.put(key, next, Kind.REFRESH, "a", first)).record())
                    .isEqualTo(next);
            assertThat(acquire(store, "a", next.version()).outcome()).isEqualTo(Outcome.BUSY);
            get(other.put(key, login.dead(), Kind.DEAD, "b", second));
            assertThat(stored()).isEqualTo(next);
        }

        @Test
        void letAPauseEndByItself() {
            Record login = signedIn();
            long attempt = granted(store, "a", login);
            get(store.release(key, "a", attempt, shortLease(), false).thenReturn(true));
            passShortLease();

            granted(other, "b", login);
        }
    }

    /** Marks of nodes that may have presented a refresh token. */
    @Nested
    @Tag("D23")
    public class Marks {

        /** For JUnit. */
        public Marks() {}

        @Test
        void outliveTheLeaseOfTheirAttempt() {
            Record login = signedIn();
            grantedBriefly(store, "a", login);
            passShortLease();

            Acquired next = acquire(other, "b", login.version());
            assertThat(next.otherMark()).isNotNull();
            assertThat(next.otherMark()).isGreaterThan(shortLease());
        }

        @Test
        void areAsOldAsTheFirstPresentation() {
            Record login = signedIn();
            Acquired first = get(store.acquire(key, "a", login.version(), shortLease()));
            passShortLease();
            grantedBriefly(other, "b", login);
            passShortLease();

            Acquired third = acquire(store, "a", login.version());
            assertThat(third.otherMark()).isEqualTo(Duration.between(first.now(), third.now()));
            assertThat(third.otherMark()).isGreaterThan(shortLease().multipliedBy(2));
        }

        @Test
        void stayIfTheOutcomeOfTheRequestIsNotKnown() {
            Record login = signedIn();
            release(store, "a", granted(store, "a", login), true);

            assertThat(acquire(other, "b", login.version()).otherMark()).isNotNull();
        }

        @Test
        void goIfNothingWasSent() {
            Record login = signedIn();
            release(store, "a", granted(store, "a", login), false);

            assertThat(acquire(other, "b", login.version()).otherMark()).isNull();
        }

        @Test
        void ofAnotherAttemptStayIfASecondOneHasSentNothing() {
            Record login = signedIn();
            grantedBriefly(store, "a", login);
            passShortLease();
            release(other, "b", granted(other, "b", login), false);

            assertThat(acquire(store, "a", login.version()).otherMark()).isNotNull();
        }

        @Test
        void goWithTheSuccessor() {
            Record login = signedIn();
            long attempt = granted(store, "a", login);
            Record next = login.refreshed(attempt, token(2));
            get(store.put(key, next, Kind.REFRESH, "a", attempt));

            assertThat(acquire(other, "b", next.version()).otherMark()).isNull();
        }

        @Test
        void goWithALaterLogin() {
            Record login = signedIn();
            grantedBriefly(store, "a", login);
            Instant since = login.version().since().plusMillis(1);
            Record again = Record.login(since, id(2), token(2));
            put(other, again, Kind.LOGIN);
            passShortLease();

            assertThat(acquire(other, "b", again.version()).otherMark()).isNull();
        }

        /** Both are successors of one refresh token: one of the two may be refused, and its mark must stay. */
        @Test
        void stayWithASiblingOfTheRecord() {
            Record login = signedIn();
            Record next = login.refreshed(1, token(2));
            put(store, next, Kind.REFRESH);
            grantedBriefly(store, "a", next);
            Record sibling = login.refreshed(2, token(3));
            put(other, sibling, Kind.REFRESH);
            passShortLease();

            assertThat(acquire(other, "b", sibling.version()).otherMark()).isNotNull();
        }
    }
}
