package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.KeyRing;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.testing.StrictProvider;
import io.tokenswap.testing.TokenStoreContract;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

class OneProcessTokenStoreTest extends TokenStoreContract {

    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final String LATER_ID = "1123456789abcdef0123456789abcdef";

    private final VirtualClock clock = new VirtualClock();
    private final KeyRing keys = KeyRing.random();
    private final Map<String, String> table = new ConcurrentHashMap<>();
    private Mono<Void> disk = Mono.empty();
    private final TokenStore tested = new OneProcessTokenStore(
            keys,
            key -> disk.then(Mono.fromSupplier(() -> table.get(key)).subscribeOn(Schedulers.boundedElastic())),
            (key, text) -> disk.then(Mono.fromRunnable(() -> table.put(key, text))),
            key -> disk.then(Mono.fromRunnable(() -> table.remove(key))),
            clock);

    @Override
    protected TokenStore store() {
        return tested;
    }

    private Record login() {
        Token token = Token.builder("access-1", clock.instant())
                .refreshToken("refresh-1")
                .build();
        return Record.login(clock.instant(), ID, token);
    }

    private Entry put(Record record, Kind kind) {
        return Objects.requireNonNull(tested.put("k", record, kind, "a", 0).block());
    }

    @Test
    void aSignOutRemovesTheRowAndLateWritesAreStillRefused() {
        Record login = login();
        put(login, Kind.LOGIN);
        assertThat(table.get("k")).isNotNull().doesNotContain("refresh-1");
        put(Record.signOut(clock.instant().plusMillis(1), LATER_ID), Kind.SIGN_OUT);

        assertThat(table).isEmpty();
        assertThat(put(login, Kind.LOGIN).record().state()).isEqualTo(State.OUT);
        assertThat(table).isEmpty();
        clock.advance(Duration.ofHours(25));
        tested.release("other", "a", 1, Duration.ZERO, true).block();
        assertThat(tested.load("k").block().record()).isNull();
    }

    @Test
    void aRowThatIsRestoredAfterASignOutCountsOnlyIfItIsOfALaterLogin() {
        Record login = login();
        put(login, Kind.LOGIN);
        String row = Objects.requireNonNull(table.get("k"));
        put(Record.signOut(clock.instant().plusMillis(1), LATER_ID), Kind.SIGN_OUT);
        table.put("k", row); // from a backup, for example
        assertThat(tested.load("k").block().record().state()).isEqualTo(State.OUT);

        clock.advance(Duration.ofSeconds(1));
        Record later = login();
        table.put("k", TokenCodec.encode("k", later, keys)); // by another program
        assertThat(tested.load("k").block().record()).isEqualTo(later);
    }

    @Test
    void aSignOutIsForgottenADayAfterTheLastChangeOfItsUser() {
        put(login(), Kind.LOGIN);
        put(Record.signOut(clock.instant().plusMillis(1), LATER_ID), Kind.SIGN_OUT);
        clock.advance(Duration.ofHours(23));
        tested.release("k", "a", 1, Duration.ZERO, true).block();
        clock.advance(Duration.ofHours(2));
        tested.release("other", "a", 1, Duration.ZERO, true).block();
        assertThat(tested.load("k").block().record().state()).isEqualTo(State.OUT);

        clock.advance(Duration.ofHours(25));
        tested.release("other", "a", 1, Duration.ZERO, true).block();
        assertThat(tested.load("k").block().record()).isNull();
    }

    @Test
    void aRowThatIsRemovedByHandIsASignOut() {
        Record login = login();
        put(login, Kind.LOGIN);
        table.clear();

        assertThat(tested.load("k").block().record()).isNull();
        assertThat(tested.acquire("k", "a", login.version(), Duration.ZERO)
                        .block()
                        .outcome())
                .isEqualTo(Outcome.MOVED);
        assertThat(put(login.refreshed(1, login.token()), Kind.REFRESH).record())
                .isNull();
    }

    /** A shared engine may have lost the record, and the session would put it back. */
    @Test
    @Tag("D17")
    void aRowThatIsRemovedByHandSignsARunningSessionOut() {
        StrictProvider provider = new StrictProvider();
        TokenSession session = TokenSession.builder(provider)
                .store(tested, "alice")
                .start(StrictProvider.token("alice", 1))
                .block();
        table.clear();

        assertThatThrownBy(() -> session.refresh().block()).isInstanceOf(LoginRequiredException.class);
        assertThat(table).isEmpty();
        assertThat(provider.refreshes()).isZero();
    }

    @Test
    void aRowThatCannotBeReadIsLeftAloneByARefreshAndReplacedByALogin() {
        Record login = login();
        table.put("k", "rubbish");

        assertThatThrownBy(() -> tested.load("k").block()).isInstanceOf(UnreadableRecordException.class);
        assertThatThrownBy(() -> put(login.refreshed(1, login.token()), Kind.REFRESH))
                .isInstanceOf(UnreadableRecordException.class);
        assertThat(table).containsEntry("k", "rubbish");
        assertThat(put(login, Kind.LOGIN).holds(login.version())).isTrue();

        table.put("k", "{\"v\":2}");
        assertThatThrownBy(() -> put(login, Kind.LOGIN)).isInstanceOf(UnreadableRecordException.class);
        assertThat(table).containsEntry("k", "{\"v\":2}");
    }

    /** Otherwise it could arrive after the next one, and an older record would replace a newer one. */
    @Test
    void aWriteThatIsGivenUpIsFinishedBeforeTheNextOneBegins() {
        Sinks.Empty<Void> slow = Sinks.empty();
        List<String> order = new ArrayList<>();
        TokenStore store = new OneProcessTokenStore(
                keys,
                key -> Mono.fromSupplier(() -> table.get(key)),
                (key, text) -> (order.isEmpty() ? slow.asMono() : Mono.<Void>empty())
                        .doOnSubscribe(s -> order.add("begin"))
                        .then(Mono.fromRunnable(() -> {
                            table.put(key, text);
                            order.add("end");
                        })),
                key -> Mono.empty(),
                clock);
        Record login = login();
        Record next = login.refreshed(1, login.token());
        Disposable impatient = store.put("k", login, Kind.LOGIN, "a", 0).subscribe();
        impatient.dispose();
        Mono<Entry> second = store.put("k", next, Kind.REPAIR, "a", 0).cache();
        second.subscribe();
        store.load("k").subscribe().dispose();
        assertThat(order).containsExactly("begin");

        slow.tryEmitEmpty();

        assertThat(second.block().record()).isEqualTo(next);
        assertThat(order).containsExactly("begin", "end", "begin", "end");
        assertThat(store.load("k").block().record()).isEqualTo(next);
    }

    @Test
    void aTableThatFailsFailsTheOperationAndNotTheNextOne() {
        Record login = login();
        disk = Mono.error(new IllegalStateException("disk"));
        assertThatThrownBy(() -> put(login, Kind.LOGIN)).hasMessage("disk");
        disk = Mono.empty();

        assertThat(put(login, Kind.LOGIN).record()).isEqualTo(login);
    }

    @Test
    void manyStepsThatEndAtOnceNeedNoDeepStack() {
        Sinks.Empty<Void> gate = Sinks.empty();
        Mono<String> row = gate.asMono().then(Mono.empty());
        TokenStore store =
                new OneProcessTokenStore(keys, key -> row, (key, text) -> Mono.empty(), key -> Mono.empty(), clock);
        List<Mono<Entry>> loads = IntStream.range(0, 20_000)
                .mapToObj(i -> store.load("k").cache())
                .toList();
        loads.forEach(Mono::subscribe);
        gate.tryEmitEmpty();

        loads.forEach(load -> assertThat(load.block(Duration.ofSeconds(20))).isNotNull());
    }
}
