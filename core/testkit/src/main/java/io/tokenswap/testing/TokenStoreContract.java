package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.Version;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Tests that every {@link TokenStore} must pass. Extend this class and return a store:
 *
 * <pre>
 * class MyTokenStoreTest extends TokenStoreContract {
 *     &#64;Override
 *     protected TokenStore store() {
 *         return new MyTokenStore(...);
 *     }
 * }
 * </pre>
 *
 * <p>Extend {@link SharedTokenStoreContract} instead if the leases of the store end by time, as they do in an engine that several
 * machines share.
 */
@TestInstance(TestInstance.Lifecycle.PER_METHOD)
public abstract class TokenStoreContract {

    static final Duration TIMEOUT = Duration.ofMinutes(2);

    private static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00Z");

    /** The store of this test. */
    TokenStore store;

    /** Another connection to the same storage, as another node has it. */
    TokenStore other;

    /** A key of this test alone. */
    String key;

    /** For subclasses. */
    protected TokenStoreContract() {}

    /**
     * Returns the store to test.
     *
     * @return the store; called once for each test, it may be the same each time
     */
    protected abstract TokenStore store();

    /**
     * Returns another connection to the storage of the store that {@link #store()} has returned, for example in another process.
     *
     * @param store the store of this test
     * @return by default that store itself
     */
    protected TokenStore other(TokenStore store) {
        return store;
    }

    /**
     * Returns the key of a test.
     *
     * @return by default the key of a random user
     */
    protected String key() {
        return TokenStore.key("user-" + ThreadLocalRandom.current().nextLong(Long.MAX_VALUE));
    }

    /**
     * Returns the length of a lease that must not end during a test, however slow the machine is.
     *
     * @return 10 minutes by default
     */
    protected Duration lease() {
        return Duration.ofMinutes(10);
    }

    /**
     * Returns the number of orders in which the same writes are tried.
     *
     * @return 1,000 by default; fewer for a store that is slow
     */
    protected int orders() {
        return 1_000;
    }

    @BeforeEach
    void connect() {
        store = store();
        other = other(store);
        key = key();
    }

    static String id(int number) {
        return HexFormat.of().toHexDigits(number, 8).repeat(4);
    }

    static Token token(int number) {
        return Token.builder("access-" + number, ISSUED.plusSeconds(number))
                .scopes(List.of("read", "write"))
                .refreshToken("refresh-" + number)
                .expiresAt(ISSUED.plusSeconds(3_600 + number))
                .authorizedAt(ISSUED)
                .refreshTokenTimeout(Duration.ofHours(12))
                .build();
    }

    static <T> T get(Mono<T> mono) {
        return Objects.requireNonNull(mono.block(TIMEOUT), "A store always emits a result");
    }

    Instant now() {
        return get(store.load(key)).now();
    }

    /** A login that happens now. */
    Record login(int number) {
        return Record.login(now(), id(number), token(number));
    }

    Entry put(TokenStore store, Record record, Kind kind) {
        return get(store.put(key, record, kind, "none", 0));
    }

    /** A login that is stored. */
    Record signedIn() {
        Record login = login(1);
        assertThat(put(store, login, Kind.LOGIN).holds(login.version())).isTrue();
        return login;
    }

    Acquired acquire(TokenStore store, String owner, Version view) {
        return get(store.acquire(key, owner, view, lease()));
    }

    @Nullable Record stored() {
        return get(other.load(key)).record();
    }

    /** Writes of records. */
    @Nested
    public class Records {

        /** For JUnit. */
        public Records() {}

        @Test
        void areAbsentAtFirstAndTheStoreReportsItsTime() {
            Entry entry = get(store.load(key));

            assertThat(entry.record()).isNull();
            assertThat(entry.now()).isNotNull();
            assertThat(get(store.load(key)).now()).isAfterOrEqualTo(entry.now());
        }

        @Test
        void areFoundAsTheyWerePut() {
            Record login = login(1);
            Entry entry = put(store, login, Kind.LOGIN);

            assertThat(entry.record()).isEqualTo(login);
            assertThat(stored()).isEqualTo(login);
        }

        @Test
        void keepATokenOfWhichLittleIsKnown() {
            Token poor = Token.builder("access-1", ISSUED).build();
            Record login = Record.login(now(), id(1), poor);
            put(store, login, Kind.LOGIN);

            Record stored = Objects.requireNonNull(stored());
            assertThat(stored).isEqualTo(login);
            Token token = Objects.requireNonNull(stored.token());
            assertThat(token.refreshToken()).isNull();
            assertThat(token.expiresAt()).isNull();
        }

        @Test
        void keepTextsOfAnyCharacters() {
            String strange = "\u00e4\u20ac\ud83d\ude00 \"\\/<>&'%\u0001";
            Token token = token(1).toBuilder()
                    .tokenType(strange)
                    .scopes(List.of(strange.replace(' ', '_'), "b"))
                    .build();
            Record login = Record.login(now(), id(1), token);
            put(store, login, Kind.LOGIN);

            assertThat(stored()).isEqualTo(login);
        }

        @Test
        void ofOneKeyAreNotThoseOfAnother() {
            signedIn();

            assertThat(get(store.load(TokenStore.key(key))).record()).isNull();
        }

        @Test
        void areReplacedByTheirSuccessors() {
            Record next = signedIn().refreshed(1, token(2));

            assertThat(put(other, next, Kind.REFRESH).record()).isEqualTo(next);
            assertThat(stored()).isEqualTo(next);
        }

        @Test
        void areNotReplacedByOlderOnesAndTheStoredOneIsReturned() {
            Record login = signedIn();
            Record next = login.refreshed(1, token(2));
            put(store, next, Kind.REFRESH);

            for (Kind kind : List.of(Kind.LOGIN, Kind.REFRESH, Kind.REPAIR, Kind.SIGN_OUT)) {
                assertThat(put(other, login, kind).record()).isEqualTo(next);
            }
        }

        /** The response of the first write was lost. */
        @Test
        void thatArePutTwiceSucceedTwice() {
            Record next = signedIn().refreshed(1, token(2));
            put(store, next, Kind.REFRESH);

            assertThat(put(store, next, Kind.REFRESH).holds(next.version())).isTrue();
        }

        /** Nodes that refresh without a lease may write two tokens under one version. All nodes must agree on the first. */
        @Test
        @Tag("D22")
        void areNotReplacedByAnotherTokenUnderTheSameVersion() {
            Record login = signedIn();
            Record next = login.refreshed(1, token(2));
            put(store, next, Kind.REFRESH);

            for (Kind kind : List.of(Kind.REFRESH, Kind.REPAIR, Kind.LOGIN)) {
                assertThat(put(other, login.refreshed(1, token(3)), kind).record())
                        .isEqualTo(next);
            }
            assertThat(stored()).isEqualTo(next);
        }

        @Test
        void areRefusedWhereThereIsNoneUnlessAUserOrARepairWritesThem() {
            Record login = login(1);
            Record next = login.refreshed(1, token(2));

            assertThat(put(store, next, Kind.REFRESH).record()).isNull();
            assertThat(put(store, login.dead(), Kind.DEAD).record()).isNull();
            assertThat(stored()).isNull();
            assertThat(put(store, next, Kind.REPAIR).record()).isEqualTo(next);
        }

        @Test
        void areMarkedDeadOnlyIfTheyAreExactlyTheRefusedOnes() {
            Record first = signedIn().refreshed(1, token(2));
            Record second = first.withAttempt(2);
            put(store, second, Kind.REFRESH);

            assertThat(put(store, first.dead(), Kind.DEAD).record()).isEqualTo(second);
            assertThat(put(store, second.dead(), Kind.DEAD).record()).isEqualTo(second.dead());
            assertThat(stored()).isEqualTo(second.dead());
        }

        @Test
        @Tag("E03")
        void thatAreDeadAreReplacedByALiveSuccessor() {
            Record login = signedIn();
            put(store, login.dead(), Kind.DEAD);
            Record next = login.refreshed(1, token(2));

            assertThat(put(other, next, Kind.REFRESH).record()).isEqualTo(next);
        }

        @Test
        @Tag("D22")
        void areComparedFieldByField() {
            Instant since = now();
            Record later = Record.login(since.plusMillis(1), id(1), token(1));
            Record byLogin = Record.login(since, id(3), token(1));
            Record refreshed = Record.login(since, id(2), token(1)).refreshed(9, token(2));
            Record twice =
                    Record.login(since, id(2), token(1)).refreshed(1, token(2)).refreshed(2, token(3));
            // Each is greater in one field, and not greater in the fields that come after it.
            for (List<Record> pair : List.of(
                    List.of(byLogin.refreshed(9, token(2)), later),
                    List.of(refreshed, byLogin),
                    List.of(refreshed, twice),
                    List.of(
                            twice.dead(),
                            Record.login(since, id(2), token(1))
                                    .refreshed(1, token(2))
                                    .refreshed(3, token(3))),
                    List.of(twice, twice.dead()))) {
                Record less = pair.get(0);
                Record greater = pair.get(1);
                key = key();
                put(store, less, Kind.REPAIR);
                assertThat(put(other, greater, Kind.REPAIR)).matches(entry -> entry.holds(greater.version()));
                assertThat(put(store, less, Kind.REPAIR)).matches(entry -> entry.holds(greater.version()));
            }
        }

        @Test
        @Tag("E03")
        void thatDeclareADeadRecordMeanExactlyThatOne() {
            Record login = signedIn();
            Record next = login.refreshed(3, token(2));
            put(store, next, Kind.REFRESH);

            for (Record another : List.of(
                    login,
                    login.refreshed(2, token(2)),
                    login.refreshed(4, token(2)),
                    next.refreshed(3, token(3)),
                    Record.login(login.version().since(), id(9), token(2)).refreshed(3, token(2)))) {
                assertThat(put(other, another.dead(), Kind.DEAD).record()).isEqualTo(next);
            }
            assertThat(stored()).isEqualTo(next);
        }

        /** This holds for stores that keep the sign-out as a record, and for stores that do not. */
        @Test
        @Tag("D44")
        void ofARefreshAreRefusedAfterASignOut() {
            Record login = signedIn();
            put(store, Record.signOut(login.version().since().plusMillis(1), id(2)), Kind.SIGN_OUT);

            put(other, login.refreshed(1, token(2)), Kind.REFRESH);

            assertSignedOut();
        }

        @Test
        @Tag("E08")
        void ofAnOlderLoginAreRefusedAfterASignOut() {
            Record login = signedIn();
            put(store, Record.signOut(login.version().since().plusMillis(1), id(2)), Kind.SIGN_OUT);

            put(other, login, Kind.LOGIN);

            assertSignedOut();
        }

        @Test
        @Tag("E95")
        void ofALaterLoginOutliveTheRepeatOfASignOut() {
            Record login = signedIn();
            Record out = Record.signOut(login.version().since().plusMillis(1), id(2));
            put(store, out, Kind.SIGN_OUT);
            Record again = Record.login(out.version().since().plusMillis(1), id(3), token(3));
            put(other, again, Kind.LOGIN);

            assertThat(put(store, out, Kind.SIGN_OUT).record()).isEqualTo(again);
            assertThat(stored()).isEqualTo(again);
        }

        private void assertSignedOut() {
            Record stored = stored();
            if (stored != null) {
                assertThat(stored.state()).isEqualTo(TokenStore.State.OUT);
            }
        }

        /** Each node repeats its writes until they succeed or are outdone. Whatever their order, the greatest version remains. */
        @Test
        @Tag("D22")
        void endInTheSameVersionWhateverTheOrderAndTheRepeatsOfTheirWrites() {
            Random random = new Random(22);
            for (int order = 0; order < orders(); order++) {
                key = key();
                Record login = signedIn();
                List<Write> writes = writes(login);
                Version greatest = writes.stream()
                        .map(write -> write.record.version())
                        .max(Comparator.naturalOrder())
                        .orElseThrow();
                writes.addAll(List.copyOf(writes));
                Collections.shuffle(writes, random);

                for (Write write : writes) {
                    put(random.nextBoolean() ? store : other, write.record, write.kind);
                }

                assertThat(get(store.load(key)).holds(greatest))
                        .as(() -> writes.toString())
                        .isTrue();
            }
        }

        @Test
        @Tag("D22")
        void endInTheSameVersionIfManyNodesWriteAtOnce() {
            Record login = signedIn();
            List<Write> writes = writes(login);
            Version greatest = writes.get(writes.size() - 1).record.version();

            Flux.fromIterable(writes)
                    .repeat(4)
                    .flatMap(write -> Mono.defer(() -> (write.record.version().number() % 2 == 0 ? store : other)
                                    .put(key, write.record, write.kind, "none", 0))
                            .subscribeOn(Schedulers.boundedElastic()))
                    .blockLast(TIMEOUT);

            assertThat(Objects.requireNonNull(stored()).version()).isEqualTo(greatest);
        }

        /** Writes of two nodes after a login, with a sign-out and a later login; the last one is the greatest. */
        private List<Write> writes(Record login) {
            Instant since = login.version().since();
            Record first = login.refreshed(1, token(2));
            Record sibling = login.refreshed(2, token(3));
            Record second = sibling.refreshed(3, token(4));
            Record out = Record.signOut(since.plusMillis(5), id(7));
            Record again = Record.login(since.plusMillis(9), id(5), token(5));
            Record last = again.refreshed(4, token(6));
            return new ArrayList<>(List.of(
                    new Write(login, Kind.LOGIN),
                    new Write(login.dead(), Kind.DEAD),
                    new Write(first, Kind.REFRESH),
                    new Write(first.dead(), Kind.DEAD),
                    new Write(sibling, Kind.REFRESH),
                    new Write(second, Kind.REPAIR),
                    new Write(out, Kind.SIGN_OUT),
                    new Write(again, Kind.LOGIN),
                    new Write(last, Kind.REPAIR)));
        }
    }

    private record Write(Record record, Kind kind) {}

    /** Grants and releases of leases. */
    @Nested
    public class Leases {

        /** For JUnit. */
        public Leases() {}

        @Test
        void areGrantedForTheRecordThatWasSeen() {
            Record login = signedIn();
            Acquired acquired = acquire(store, "a", login.version());

            assertThat(acquired.outcome()).isEqualTo(Outcome.GRANTED);
            assertThat(acquired.record()).isEqualTo(login);
            assertThat(acquired.attempt()).isEqualTo(1);
            assertThat(acquired.otherMark()).isNull();
        }

        @Test
        void areNotGrantedWithoutTheRecordThatWasSeen() {
            Record absent = login(1);
            assertThat(acquire(store, "a", absent.version()).outcome()).isEqualTo(Outcome.MOVED);
            assertThat(acquire(store, "a", absent.version()).record()).isNull();

            Record login = signedIn();
            Record next = login.refreshed(1, token(2));
            put(store, next, Kind.REFRESH);
            Acquired moved = acquire(other, "b", login.version());
            assertThat(moved.outcome()).isEqualTo(Outcome.MOVED);
            assertThat(moved.record()).isEqualTo(next);

            put(store, next.dead(), Kind.DEAD);
            assertThat(acquire(other, "b", next.version()).outcome()).isEqualTo(Outcome.MOVED);
            assertThat(acquire(other, "b", next.dead().version()).outcome()).isEqualTo(Outcome.MOVED);
        }

        @Test
        void areNotGrantedIfOneFieldOfTheVersionDiffers() {
            Record record = signedIn().refreshed(5, token(2));
            put(store, record, Kind.REFRESH);
            Version seen = record.version();

            for (Version view : List.of(
                    new Version(seen.since().plusMillis(1), seen.login(), seen.number(), seen.attempt(), false),
                    new Version(seen.since(), id(9), seen.number(), seen.attempt(), false),
                    new Version(seen.since(), seen.login(), seen.number() + 1, seen.attempt(), false),
                    new Version(seen.since(), seen.login(), seen.number(), seen.attempt() + 1, false),
                    new Version(seen.since(), seen.login(), seen.number(), seen.attempt(), true))) {
                Acquired refused = acquire(other, "b", view);
                assertThat(refused.outcome()).isEqualTo(Outcome.MOVED);
                assertThat(refused.record()).isEqualTo(record);
            }
        }

        @Test
        void areHeldByOneAttemptAlsoOfOneOwner() {
            Record login = signedIn();
            acquire(store, "a", login.version());

            for (Acquired second :
                    List.of(acquire(other, "b", login.version()), acquire(store, "a", login.version()))) {
                assertThat(second.outcome()).isEqualTo(Outcome.BUSY);
                assertThat(second.record()).isEqualTo(login);
            }
        }

        @Test
        void areHeldByOneOfManyThatAskAtOnce() {
            Record login = signedIn();

            List<Acquired> outcomes = Flux.range(0, 40)
                    .flatMap(
                            node -> Mono.defer(() -> (node % 2 == 0 ? store : other)
                                            .acquire(key, "node-" + node, login.version(), lease()))
                                    .subscribeOn(Schedulers.boundedElastic()),
                            40)
                    .collectList()
                    .block(TIMEOUT);

            assertThat(outcomes)
                    .filteredOn(acquired -> acquired.outcome() == Outcome.GRANTED)
                    .hasSize(1);
            assertThat(outcomes)
                    .filteredOn(acquired -> acquired.outcome() == Outcome.BUSY)
                    .hasSize(39);
        }

        @Test
        void ofOneKeyDoNotHinderAnother() {
            acquire(store, "a", signedIn().version());
            key = key();

            assertThat(acquire(store, "a", signedIn().version()).outcome()).isEqualTo(Outcome.GRANTED);
        }

        @Test
        void countTheirAttempts() {
            Record login = signedIn();
            for (int attempt = 1; attempt <= 3; attempt++) {
                assertThat(acquire(store, "a", login.version()).attempt()).isEqualTo(attempt);
                get(store.release(key, "a", attempt, Duration.ZERO, false).thenReturn(true));
            }
            Record next = login.refreshed(7, token(2));
            put(store, next, Kind.REFRESH);

            assertThat(acquire(other, "b", next.version()).attempt()).isEqualTo(8);
        }

        @Test
        void endWithTheWriteOfTheirResult() {
            Record login = signedIn();
            long attempt = acquire(store, "a", login.version()).attempt();
            Record next = login.refreshed(attempt, token(2));
            get(store.put(key, next, Kind.REFRESH, "a", attempt));

            assertThat(acquire(other, "b", next.version()).outcome()).isEqualTo(Outcome.GRANTED);
        }

        @Test
        void endWithAWriteThatIsRefused() {
            Record login = signedIn();
            long attempt = acquire(store, "a", login.version()).attempt();
            Record again = Record.login(login.version().since().plusMillis(1), id(2), token(2));
            put(other, again, Kind.LOGIN);
            get(store.put(key, login.refreshed(attempt, token(3)), Kind.REFRESH, "a", attempt));

            assertThat(acquire(other, "b", again.version()).outcome()).isEqualTo(Outcome.GRANTED);
        }

        @Test
        void doNotEndWithTheWriteOfSomebodyElse() {
            Record login = signedIn();
            long attempt = acquire(store, "a", login.version()).attempt();
            Record again = Record.login(login.version().since().plusMillis(1), id(2), token(2));
            put(other, again, Kind.LOGIN);
            Record third = Record.login(login.version().since().plusMillis(2), id(3), token(3));
            Record last = Record.login(login.version().since().plusMillis(3), id(4), token(4));
            for (Record next : List.of(third, third)) { // accepted, and then refused
                get(other.put(key, next, Kind.LOGIN, "b", attempt));
            }
            for (Record next : List.of(last, last)) {
                get(other.put(key, next, Kind.LOGIN, "a", attempt + 1));
            }

            assertThat(acquire(other, "b", last.version()).outcome()).isEqualTo(Outcome.BUSY);
        }

        @Test
        @Tag("D23")
        void areReleasedByTheirHolderOnly() {
            Record login = signedIn();
            long attempt = acquire(store, "a", login.version()).attempt();

            get(other.release(key, "b", attempt, Duration.ofHours(1), true).thenReturn(true));
            get(other.release(key, "a", attempt + 1, Duration.ofHours(1), true).thenReturn(true));
            assertThat(acquire(other, "b", login.version()).outcome()).isEqualTo(Outcome.BUSY);

            get(store.release(key, "a", attempt, Duration.ZERO, true).thenReturn(true));
            assertThat(acquire(other, "b", login.version()).outcome()).isEqualTo(Outcome.GRANTED);
        }

        @Test
        @Tag("D23")
        void areExtendedByTheirHolderOnly() {
            Record login = signedIn();
            long attempt = acquire(store, "a", login.version()).attempt();

            Acquired extended = get(store.extend(key, "a", attempt, lease()));
            assertThat(extended.outcome()).isEqualTo(Outcome.GRANTED);
            assertThat(extended.record()).isEqualTo(login);
            assertThat(extended.attempt()).isEqualTo(attempt);
            for (Acquired refused : List.of(
                    get(other.extend(key, "b", attempt, lease())), get(store.extend(key, "a", attempt + 1, lease())))) {
                assertThat(refused.outcome()).isEqualTo(Outcome.MOVED);
                assertThat(refused.record()).isEqualTo(login);
            }

            get(store.release(key, "a", attempt, Duration.ZERO, true).thenReturn(true));
            assertThat(get(store.extend(key, "a", attempt, lease())).outcome()).isEqualTo(Outcome.MOVED);
        }

        @Test
        void areNotGrantedDuringAPause() {
            Record login = signedIn();
            long attempt = acquire(store, "a", login.version()).attempt();
            get(store.release(key, "a", attempt, Duration.ofMinutes(10), false).thenReturn(true));

            Acquired paused = acquire(other, "b", login.version());
            assertThat(paused.outcome()).isEqualTo(Outcome.PAUSED);
            assertThat(paused.record()).isEqualTo(login);
            assertThat(paused.remaining()).isBetween(Duration.ofMinutes(9), Duration.ofMinutes(10));
            assertThat(acquire(store, "a", login.version()).outcome()).isEqualTo(Outcome.PAUSED);
        }
    }
}
