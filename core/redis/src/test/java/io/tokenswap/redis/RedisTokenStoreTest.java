package io.tokenswap.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolVersion;
import io.netty.channel.Channel;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.session.TokenStore.UnreadableRecordException.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class RedisTokenStoreTest {

    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00Z");
    private static final KeyRing KEYS = KeyRing.random();

    @TempDir
    static Path directory;

    private static RedisServer redis;
    private static RedisCommands<String, String> operator;

    private final TokenStore store =
            RedisTokenStore.builder(redis.client(), KEYS).build();
    private final String key =
            TokenStore.key("user-" + ThreadLocalRandom.current().nextLong(Long.MAX_VALUE));

    @BeforeAll
    static void start() {
        redis = RedisServer.start(directory);
        operator = redis.operator().sync();
    }

    @AfterAll
    static void stop() {
        redis.close();
    }

    private static Record login(Instant grantExpiresAt) {
        Token token = Token.builder("canary-access", ISSUED)
                .refreshToken("canary-refresh")
                .grantExpiresAt(grantExpiresAt)
                .build();
        return Record.login(ISSUED, ID, token);
    }

    private Entry put(TokenStore store, Record record, Kind kind) {
        return store.put(key, record, kind, "a", 0).block(TIMEOUT);
    }

    private String record() {
        return "tokenswap:{" + key + "}:record";
    }

    private String lease() {
        return "tokenswap:{" + key + "}:lease";
    }

    @Test
    @Tag("D21")
    @Tag("E97")
    void tokensAreSealedAndVersionsAreInClear() {
        put(store, login(null), Kind.LOGIN);
        store.acquire(key, "a", login(null).version(), Duration.ofSeconds(20)).block(TIMEOUT);

        assertThat(operator.get(record()))
                .startsWith(
                        "{\"v\":1,\"since\":1893456000000,\"login\":\"" + ID + "\",\"n\":0,\"p\":0,\"state\":\"LIVE\"")
                .doesNotContain("canary");
        assertThat(operator.hgetall(lease())).containsEntry("owner", "a").containsEntry("p", "1");
    }

    @Test
    void recordsLiveAsLongAsTheyAreOfUse() {
        put(store, login(null), Kind.LOGIN);
        assertThat(operator.pttl(record())).isBetween(days(180) - 60_000, days(180));
        store.acquire(key, "a", login(null).version(), Duration.ofSeconds(20)).block(TIMEOUT);
        assertThat(operator.pttl(lease())).isBetween(days(180) - 60_000, days(180));
        put(store, login(null).dead(), Kind.DEAD);
        assertThat(operator.pttl(record())).isBetween(days(1) - 60_000, days(1));

        TokenStore shorter = RedisTokenStore.builder(redis.client(), KEYS)
                .unused(Duration.ofDays(7))
                .build();
        put(shorter, login(null).refreshed(1, login(null).token()), Kind.REFRESH);
        assertThat(operator.pttl(record())).isBetween(days(7) - 60_000, days(7));
        Record ending = login(Instant.now().plus(Duration.ofDays(3)));
        put(store, ending.refreshed(1, ending.token()).refreshed(2, ending.token()), Kind.REFRESH);
        assertThat(operator.pttl(record())).isBetween(days(3) - 60_000, days(3));
    }

    /** The write must not fail, because it would be repeated for ever. */
    @Test
    void theRecordOfAGrantThatHasEndedIsAccepted() {
        Record ended = login(Instant.now().minus(Duration.ofDays(1)));

        assertThat(put(store, ended, Kind.LOGIN).record()).isEqualTo(ended);
    }

    /** The record may have been lost, or expired, without its mark. */
    @Test
    @Tag("D23")
    void aMarkOfAnotherRecordIsNone() {
        put(store, login(null), Kind.LOGIN);
        for (Map<String, String> another : List.of(Map.of("markN", "1"), Map.of("markLogin", "f".repeat(32)))) {
            Map<String, String> mark =
                    new HashMap<>(Map.of("markLogin", ID, "markN", "0", "markAt", "1", "markP", "9"));
            mark.putAll(another);
            operator.del(lease());
            operator.hset(lease(), mark);

            assertThat(store.acquire(key, "a", login(null).version(), Duration.ofSeconds(20))
                            .block(TIMEOUT)
                            .otherMark())
                    .isNull();
        }
    }

    private static long days(int days) {
        return Duration.ofDays(days).toMillis();
    }

    @Test
    @Tag("D39")
    void scriptsAreSentAgainAfterTheyWereFlushed() {
        put(store, login(null), Kind.LOGIN);
        operator.scriptFlush();

        assertThat(store.load(key).block(TIMEOUT).record()).isEqualTo(login(null));
    }

    @Test
    @Tag("D35")
    void aKeyOfAnotherTypeOrWithRubbishFailsByNameAndALoginReplacesRubbish() {
        operator.lpush(record(), "list");
        assertThatThrownBy(() -> store.load(key).block(TIMEOUT)).hasMessageContaining("WRONGTYPE");
        operator.del(record());
        String members = "\"login\":\"" + ID + "\",\"state\":\"LIVE\"";
        for (String rubbish : List.of(
                "rubbish",
                "5",
                "null",
                "[]",
                "{\"v\":1}",
                "{\"v\":1,\"n\":0,\"p\":0,\"since\":\"a\"," + members + "}",
                "{\"v\":1,\"n\":\"a\",\"p\":0,\"since\":1," + members + "}",
                "{\"v\":1,\"n\":0,\"p\":\"a\",\"since\":1," + members + "}",
                "{\"v\":1,\"n\":0,\"p\":0,\"since\":1,\"login\":5,\"state\":\"LIVE\"}")) {
            operator.set(record(), rubbish);
            assertThatThrownBy(() -> store.load(key).block(TIMEOUT)).as(rubbish).satisfies(this::isCorrupt);
            assertThatThrownBy(() ->
                            put(store, login(null).refreshed(1, login(null).token()), Kind.REFRESH))
                    .as(rubbish)
                    .satisfies(this::isCorrupt);
            assertThatThrownBy(() -> put(store, login(null), Kind.REPAIR))
                    .as(rubbish)
                    .satisfies(this::isCorrupt);
            assertThat(operator.get(record())).isEqualTo(rubbish);

            assertThat(put(store, login(null), Kind.LOGIN).record()).isEqualTo(login(null));
            operator.set(record(), rubbish);
            assertThat(put(store, Record.signOut(ISSUED, ID), Kind.SIGN_OUT).record())
                    .isEqualTo(Record.signOut(ISSUED, ID));
        }
    }

    private void isCorrupt(Throwable error) {
        assertThat(error)
                .isInstanceOfSatisfying(
                        UnreadableRecordException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.CORRUPT));
    }

    @Test
    @Tag("D42")
    void aRecordOfANewerReleaseIsNeverReplaced() {
        for (String newer : List.of(
                "{\"v\":2}", "{\"v\":2,\"since\":1,\"login\":\"" + ID + "\",\"n\":0,\"p\":0,\"state\":\"LIVE\"}")) {
            operator.set(record(), newer);
            for (Kind kind : Kind.values()) {
                assertThatThrownBy(() -> put(store, login(null), kind))
                        .isInstanceOfSatisfying(
                                UnreadableRecordException.class,
                                e -> assertThat(e.reason()).isEqualTo(Reason.NEWER_FORMAT));
            }
            assertThat(operator.get(record())).isEqualTo(newer);
        }
    }

    @Test
    void changesAreHeardByOtherClients() {
        whenSubscribed()
                .then(() -> put(RedisTokenStore.builder(redis.client(), KEYS).build(), login(null), Kind.LOGIN))
                .expectNext(key)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void theEndOfALeaseIsHeardAlsoIfItsResultIsRefused() {
        Record login = login(null);
        put(store, login, Kind.LOGIN);
        long attempt = store.acquire(key, "a", login.version(), Duration.ofMinutes(10))
                .block(TIMEOUT)
                .attempt();
        whenSubscribed()
                .then(() -> store.put(key, login, Kind.REFRESH, "a", attempt).block(TIMEOUT))
                .expectNext(key)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void theEndOfALeaseIsHeardAlsoIfItHasNoResult() {
        Record login = login(null);
        put(store, login, Kind.LOGIN);
        long attempt = store.acquire(key, "a", login.version(), Duration.ofMinutes(10))
                .block(TIMEOUT)
                .attempt();
        whenSubscribed()
                .then(() ->
                        store.release(key, "a", attempt, Duration.ZERO, true).block(TIMEOUT))
                .expectNext(key)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    @Tag("D40")
    void theTimeIsThatOfTheServerToTheMillisecond() {
        Instant before = serverTime();
        Instant now = store.load(key).block(TIMEOUT).now();

        assertThat(now).isBetween(before, serverTime());
    }

    private static Instant serverTime() {
        List<String> time = operator.time();
        return Instant.ofEpochMilli(Long.parseLong(time.get(0)) * 1_000 + Long.parseLong(time.get(1)) / 1_000);
    }

    /** A session loads its record before the first notification can arrive. */
    @Test
    void theBeginningOfTheNotificationsIsReportedForAllKeys() {
        StepVerifier.create(store.changes().take(1))
                .expectNext(TokenStore.ANY_KEY)
                .expectComplete()
                .verify(TIMEOUT);
    }

    /** Begins with the report that the subscription is there. */
    private StepVerifier.Step<String> whenSubscribed() {
        return StepVerifier.create(store.changes()
                        .filter(changed -> changed.equals(key) || changed.equals(TokenStore.ANY_KEY))
                        .distinct()
                        .take(2))
                .expectNext(TokenStore.ANY_KEY);
    }

    @Test
    @Tag("D34")
    void aServerThatEvictsIsRefusedByName() {
        try (RedisServer evicting =
                RedisServer.start(directory, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")) {
            TokenStore refused =
                    RedisTokenStore.builder(evicting.client(), KEYS).build();
            assertThatThrownBy(() -> refused.load(key).block(TIMEOUT))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("maxmemory-policy allkeys-lru")
                    .hasMessageContaining("Set maxmemory-policy noeviction");

            evicting.operator().sync().configSet("maxmemory-policy", "noeviction");
            assertThat(refused.load(key).block(TIMEOUT).record()).isNull();
        }
    }

    private static void setUser(String name, String... rules) {
        CommandArgs<String, String> arguments =
                new CommandArgs<>(StringCodec.UTF8).add("SETUSER").add(name);
        for (String rule : rules) {
            arguments.add(rule);
        }
        operator.dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), arguments);
    }

    /** Neither CONFIG, INFO, SCRIPT nor PUBLISH. */
    @Test
    @Tag("D36")
    void aUserWithFewRightsIsEnoughAndAWrongPasswordIsNamed() {
        operator.configSet("acl-pubsub-default", "resetchannels");
        setUser(
                "app",
                "on",
                ">secret",
                "resetchannels",
                "~tokenswap:*",
                "-@all",
                "+eval",
                "+evalsha",
                "+get",
                "+set",
                "+hmget",
                "+hset",
                "+hdel",
                "+pexpire",
                "+time",
                "+hello",
                "+ping");
        RedisClient limited = redis.newClient("app", "secret");
        RedisClient wrong = redis.newClient("app", "canary-wrong");
        try {
            TokenStore few = RedisTokenStore.builder(limited, KEYS).build();
            assertThat(put(few, login(null), Kind.LOGIN).record()).isEqualTo(login(null));
            assertThat(few.acquire(key, "a", login(null).version(), Duration.ofSeconds(20))
                            .block(TIMEOUT)
                            .outcome())
                    .isEqualTo(Outcome.GRANTED);
            assertThatThrownBy(() -> RedisTokenStore.builder(wrong, KEYS)
                            .build()
                            .load(key)
                            .block(TIMEOUT))
                    .hasStackTraceContaining("WRONGPASS")
                    .satisfies(e -> assertThat(e.toString()).doesNotContain("canary"));
        } finally {
            limited.shutdown(Duration.ZERO, Duration.ofSeconds(2));
            wrong.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        }
    }

    @Test
    @Tag("D29")
    void aServerThatIsDownFailsEachOperationAndIsUsedWhenItIsThere() {
        try (RedisServer other = RedisServer.start(directory)) {
            TokenStore unreachable =
                    RedisTokenStore.builder(other.client(), KEYS).build();
            other.stop();
            assertThatThrownBy(() -> unreachable.load(key).block(TIMEOUT)).hasMessageContaining("Unable to connect");
            other.restart();

            assertThat(unreachable.load(key).block(TIMEOUT).record()).isNull();
        }
    }

    @Test
    @Tag("D29")
    void notificationsThatCouldNotBeginAreAskedForByALaterSubscriber() {
        try (RedisServer other = RedisServer.start(directory)) {
            TokenStore unreachable =
                    RedisTokenStore.builder(other.client(), KEYS).build();
            other.stop();
            Disposable first = unreachable.changes().subscribe();
            assertThatThrownBy(() -> unreachable.load(key).block(TIMEOUT)).hasMessageContaining("Unable to connect");
            other.restart();

            assertThat(Flux.defer(() -> unreachable.changes().take(Duration.ofMillis(200)))
                            .repeat()
                            .blockFirst(TIMEOUT))
                    .isEqualTo(TokenStore.ANY_KEY);
            first.dispose();
        }
    }

    /** Sessions then look at their keys: the server may have lost what it had confirmed. */
    @Test
    @Tag("D28")
    void aReconnectIsReportedForAllKeys() {
        try (RedisServer other = RedisServer.start(directory)) {
            TokenStore restarted = RedisTokenStore.builder(other.client(), KEYS).build();
            StepVerifier.create(restarted
                            .changes()
                            .filter(TokenStore.ANY_KEY::equals)
                            .take(2))
                    .expectNext(TokenStore.ANY_KEY) // listening
                    .then(other::restart)
                    .expectNext(TokenStore.ANY_KEY)
                    .expectComplete()
                    .verify(TIMEOUT);
        }
    }

    /** An operation that was given up is not sent after a reconnect, so the queue of the client does not grow. */
    @Test
    @Tag("D31")
    @Tag("E82")
    void aServerThatIsFrozenFailsEachOperationAtItsTimeout() {
        try (RedisServer other = RedisServer.start(directory)) {
            TokenStore frozen = RedisTokenStore.builder(other.client(), KEYS)
                    .timeout(Duration.ofMillis(300))
                    .build();
            Mono.defer(() -> frozen.load(key)).retry(20).block(TIMEOUT);
            other.freeze();
            for (int i = 0; i < 3; i++) {
                assertThat(frozen.load(key).materialize().block(TIMEOUT).getThrowable())
                        .isInstanceOf(TimeoutException.class);
            }
            other.thaw();

            assertThat(Mono.defer(() -> put(frozen, login(null)))
                            .retry(20)
                            .block(TIMEOUT)
                            .record())
                    .isEqualTo(login(null));
        }
    }

    /**
     * An exception within the client, for example when direct memory is short, removes a call from those that wait for a
     * response. Its response is then taken for that of the next call, and so on.
     */
    @Test
    @Tag("E82")
    void aConnectionThatMixesUpItsResponsesIsReplacedAndNoneIsTakenForAnother() throws Exception {
        try (RedisServer other = RedisServer.start(directory)) {
            List<Channel> channels = new CopyOnWriteArrayList<>();
            RedisClient client = other.newClient(channels::add);
            try {
                TokenStore confused = RedisTokenStore.builder(client, KEYS).build();
                put(confused, login(null), Kind.LOGIN);
                assertThat(confused.load(key).block(TIMEOUT).record()).isEqualTo(login(null));
                assertThat(channels).hasSize(1);
                Channel channel = channels.get(0);
                other.freeze();
                CompletableFuture<Entry> forgotten =
                        confused.load(TokenStore.key("absent")).toFuture();
                channel.eventLoop()
                        .submit(() -> channel.pipeline().fireExceptionCaught(new IllegalStateException("full")))
                        .get();
                other.thaw();

                assertThat(forgotten).failsWithin(TIMEOUT);
                assertThatThrownBy(() -> confused.load(key).block(TIMEOUT))
                        .hasMessageContaining("responded to another request");
                assertThat(confused.load(key).block(TIMEOUT).record()).isEqualTo(login(null));
                channel.closeFuture().get();
            } finally {
                client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
                client.getResources().shutdown(0, 2, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aClientOfTheOlderProtocolIsEnough() {
        RedisClient client = redis.newClient();
        client.setOptions(
                ClientOptions.builder().protocolVersion(ProtocolVersion.RESP2).build());
        try {
            TokenStore older = RedisTokenStore.builder(client, KEYS).build();
            assertThat(put(older, login(null), Kind.LOGIN).record()).isEqualTo(login(null));
            assertThat(older.acquire(key, "a", login(null).version(), Duration.ofSeconds(20))
                            .block(TIMEOUT)
                            .attempt())
                    .isEqualTo(1);
            assertThat(older.changes().blockFirst(TIMEOUT)).isEqualTo(TokenStore.ANY_KEY);
        } finally {
            client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        }
    }

    /** A hosting provider may have renamed it. */
    @Test
    @Tag("D36")
    void aServerWithoutScriptsIsNamedWithTheRemedy() {
        try (RedisServer renamed =
                RedisServer.start(directory, "--rename-command", "EVALSHA", "", "--rename-command", "CONFIG", "")) {
            TokenStore store = RedisTokenStore.builder(renamed.client(), KEYS).build();

            assertThatThrownBy(() -> store.load(key).block(TIMEOUT))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Redis refused the scripts of this store")
                    .hasMessageContaining("The user needs EVAL, EVALSHA")
                    .hasMessageContaining("tokenswap:*");
        }
    }

    /** In turn, a right that each operation needs. */
    @ParameterizedTest
    @ValueSource(strings = {"-evalsha", "-time", "resetkeys"})
    @Tag("D36")
    void aUserWithoutARightIsNamedWithTheRemedy(String without) {
        setUser("poor", "reset", "on", ">secret", "~*", "+@all", without);
        RedisClient poor = redis.newClient("poor", "secret");
        try {
            assertThatThrownBy(() -> RedisTokenStore.builder(poor, KEYS)
                            .build()
                            .load(key)
                            .block(TIMEOUT))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("The user needs EVAL, EVALSHA");
        } finally {
            poor.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        }
    }

    @Test
    @Tag("E82")
    void theThreadsOfTheClientReadNoRecord() {
        put(store, login(null), Kind.LOGIN);

        assertThat(store.load(key)
                        .map(entry -> Thread.currentThread().getName())
                        .block(TIMEOUT))
                .startsWith("tokenswap-redis");
    }

    private Mono<Entry> put(TokenStore store, Record record) {
        return store.put(key, record, Kind.LOGIN, "a", 0);
    }

    /** A replica that was the primary before a failover, or the other way round. */
    @Test
    @Tag("D37")
    void aServerThatIsReadOnlyFailsByNameAndLosesNothing() {
        try (RedisServer other = RedisServer.start(directory)) {
            TokenStore replica = RedisTokenStore.builder(other.client(), KEYS).build();
            put(replica, login(null), Kind.LOGIN);
            RedisCommands<String, String> commands = other.operator().sync();
            commands.configSet("replica-serve-stale-data", "yes");
            commands.replicaof("127.0.0.1", 1);

            assertThatThrownBy(() ->
                            put(replica, login(null).refreshed(1, login(null).token()), Kind.REFRESH))
                    .hasMessageContaining("READONLY");
            assertThat(replica.load(key).block(TIMEOUT).record()).isEqualTo(login(null));
            commands.replicaofNoOne();
            assertThat(put(replica, login(null).refreshed(1, login(null).token()), Kind.REFRESH)
                            .record()
                            .version()
                            .number())
                    .isEqualTo(1);
        }
    }

    @Test
    void aServerThatIsFullFailsByNameAndKeepsWhatItHas() {
        try (RedisServer other = RedisServer.start(directory)) {
            TokenStore full = RedisTokenStore.builder(other.client(), KEYS).build();
            put(full, login(null), Kind.LOGIN);
            other.operator().sync().configSet("maxmemory", "1");

            assertThatThrownBy(() ->
                            put(full, login(null).refreshed(1, login(null).token()), Kind.REFRESH))
                    .hasMessageContaining("OOM");
            assertThat(full.load(key).block(TIMEOUT).record()).isEqualTo(login(null));
        }
    }

    @Test
    @Tag("D38")
    void aClusterIsAskedAtTheNodeOfTheKey() {
        try (RedisServer node = RedisServer.start(directory, "--cluster-enabled", "yes")) {
            node.operator().sync().clusterAddSlots(IntStream.range(0, 16_384).toArray());
            RedisClusterClient client = RedisClusterClient.create("redis://127.0.0.1:" + node.port());
            try {
                TokenStore cluster = RedisTokenStore.builder(client, KEYS).build();
                Mono.defer(() -> put(cluster, login(null)))
                        .onErrorResume(starting -> Mono.empty())
                        .repeat()
                        .filter(entry -> entry.holds(login(null).version()))
                        .blockFirst(TIMEOUT);
                Acquired acquired = cluster.acquire(key, "a", login(null).version(), Duration.ofSeconds(20))
                        .block(TIMEOUT);

                assertThat(acquired.outcome()).isEqualTo(Outcome.GRANTED);
                Record next =
                        login(null).refreshed(acquired.attempt(), login(null).token());
                assertThat(cluster.put(key, next, Kind.REFRESH, "a", acquired.attempt())
                                .block(TIMEOUT)
                                .record())
                        .isEqualTo(next);
            } finally {
                client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
            }
        }
    }
}
