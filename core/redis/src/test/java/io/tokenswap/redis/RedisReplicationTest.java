package io.tokenswap.redis;

import static io.tokenswap.redis.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import io.netty.channel.Channel;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A store that waits for its replica: a real primary, and a real replica that is frozen. */
@Timeout(120)
class RedisReplicationTest {

    private static final KeyRing KEYS = KeyRing.random();
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SHORT = Duration.ofMillis(100);
    private static final Duration LEASE = Duration.ofSeconds(20);
    private static final Record LOGIN = Record.login(
            Instant.parse("2030-01-01T00:00:00Z"),
            "0123456789abcdef0123456789abcdef",
            Token.builder("access", Instant.parse("2030-01-01T00:00:00Z"))
                    .refreshToken("refresh")
                    .build());

    @TempDir
    static Path directory;

    private static RedisServer primary;
    private static RedisServer replica;

    private final String user = "user-" + ThreadLocalRandom.current().nextLong(Long.MAX_VALUE);

    @BeforeAll
    static void replicate() {
        primary = RedisServer.start(directory, "--repl-diskless-sync-delay", "0");
        replica = RedisServer.start(directory, "--replicaof", "127.0.0.1 " + primary.port());
        await(() -> primary.operator().sync().info("replication").contains("state=online"));
    }

    @AfterEach
    void thaw() {
        replica.thaw();
        awaitReplica();
    }

    /** Waits until the replica has acknowledged all writes. The write of this connection comes after them. */
    private static void awaitReplica() {
        primary.operator().sync().set("written-before-wait", "");
        await(() -> primary.operator().sync().waitForReplication(1, 0) == 1);
    }

    @AfterAll
    static void end() {
        replica.close();
        primary.close();
    }

    private RedisTokenStore.Builder store() {
        return RedisTokenStore.builder(primary.client(), KEYS).replicas(1);
    }

    private static Mono<Entry> put(TokenStore store, String key) {
        return store.put(key, LOGIN, Kind.LOGIN, "a", 0);
    }

    @Test
    @Tag("E92")
    void aWriteWaitsForTheReplicaAndDelaysNoOtherKey() {
        RedisTokenStore store = store().replicaTimeout(LONG).grace(LEASE).build();
        List<String> others =
                IntStream.range(0, 200).mapToObj(i -> user + "-" + i).toList();
        Flux.fromIterable(others).flatMap(key -> put(store, key)).blockLast(TIMEOUT);
        replica.freeze();

        CompletableFuture<Entry> waits = put(store, user).toFuture();
        await(() -> primary.operator().sync().exists("tokenswap:{" + user + "}:record") == 1);
        List<Outcome> leases = Flux.fromIterable(others)
                .flatMap(key -> store.acquire(key, "a", LOGIN.version(), LEASE))
                .map(Acquired::outcome)
                .distinct()
                .collectList()
                .block(TIMEOUT);

        assertThat(leases).containsExactly(Outcome.GRANTED);
        assertThat(waits).isNotDone();
        replica.thaw();
        assertThat(waits.join().record()).isEqualTo(LOGIN);
        assertThat(store.unconfirmedWrites()).isZero();
    }

    @Test
    @Tag("E92")
    void writesThatEndTogetherAreConfirmedTogether() {
        RedisTokenStore store = store().replicaTimeout(LONG).build();
        put(store, user).block(TIMEOUT);
        long before = calls("wait");
        replica.freeze();

        CompletableFuture<List<Entry>> all = Flux.range(0, 100)
                .flatMap(i -> put(store, user + "-" + i), 100)
                .collectList()
                .toFuture();
        await(() -> primary.operator().sync().keys("*" + user + "-*:record").size() == 100);
        assertThat(all).isNotDone();
        replica.thaw();

        assertThat(all.join()).hasSize(100);
        assertThat(store.unconfirmedWrites()).isZero();
        // 100 without shared rounds.
        assertThat(calls("wait") - before).isBetween(1L, 70L);
    }

    private long calls(String command) {
        return primary.operator()
                .sync()
                .info("commandstats")
                .lines()
                .filter(line -> line.startsWith("cmdstat_" + command + ":calls="))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf('=') + 1, line.indexOf(','))))
                .sum();
    }

    @Test
    @Tag("E92")
    void aReplicaThatIsAwayIsCountedAndNoError() {
        RedisTokenStore waiting = store().replicaTimeout(LONG).build();
        put(waiting, user).block(TIMEOUT);
        assertThat(waiting.unconfirmedWrites()).isZero();
        replica.freeze();

        RedisTokenStore store = store().replicaTimeout(SHORT).grace(LEASE).build();
        assertThat(put(store, user + "-other").block(TIMEOUT).record()).isEqualTo(LOGIN);
        assertThat(store.unconfirmedWrites()).isOne();
        store.acquire(user + "-other", "a", LOGIN.version(), LEASE).block(TIMEOUT);
        assertThat(store.unconfirmedWrites()).isOne();
    }

    @Test
    @Tag("E92")
    void eachWriteIsCountedThatTheReplicaDoesNotConfirm() {
        RedisTokenStore store = store().timeout(LONG).replicaTimeout(SHORT).build();
        put(store, user).block(TIMEOUT);
        long before = store.unconfirmedWrites();
        replica.freeze();

        Flux.range(0, 100).flatMap(i -> put(store, user + "-" + i), 100).blockLast(TIMEOUT);

        assertThat(store.unconfirmedWrites()).isEqualTo(before + 100);
    }

    /** The store has its connection for operations, and gets none to wait for replicas. */
    @Test
    @Tag("E92")
    void aWriteWithoutAConnectionToWaitForReplicasIsCountedAndNoError() {
        try (RedisServer full = RedisServer.start(directory)) {
            RedisTokenStore store = RedisTokenStore.builder(full.client(), KEYS)
                    .timeout(LONG)
                    .replicas(1)
                    .build();
            store.load(user).block(TIMEOUT);
            full.operator().sync().configSet("maxclients", "1");

            assertThat(put(store, user).block(TIMEOUT).record()).isEqualTo(LOGIN);
            assertThat(store.unconfirmedWrites()).isOne();
        }
    }

    /** {@code WAIT} counts what its connection has sent before. Another connection has written the record. */
    @Test
    @Tag("E92")
    void aWriteIsNotConfirmedByWhatTheReplicaHadBefore() {
        RedisTokenStore store = store().replicaTimeout(SHORT).build();
        put(store, user).block(TIMEOUT);
        put(store, user + "-second").block(TIMEOUT);
        awaitReplica();
        long before = store.unconfirmedWrites();
        replica.freeze();

        put(store, user + "-third").block(TIMEOUT);

        assertThat(store.unconfirmedWrites()).isEqualTo(before + 1);
    }

    @Test
    @Tag("E92")
    void withoutAGraceALeaseIsConfirmedToo() {
        put(store().replicaTimeout(LONG).build(), user).block(TIMEOUT);
        replica.freeze();

        RedisTokenStore store = store().replicaTimeout(SHORT).build();
        Acquired acquired = store.acquire(user, "a", LOGIN.version(), LEASE).block(TIMEOUT);

        assertThat(acquired.outcome()).isEqualTo(Outcome.GRANTED);
        assertThat(store.unconfirmedWrites()).isOne();
        store.acquire(user, "b", LOGIN.version(), LEASE).block(TIMEOUT);
        assertThat(store.unconfirmedWrites()).as("of a lease that is busy").isOne();
    }

    /** An exception within the client removes a call from those that wait for a response, so that the next gets its response. */
    @Test
    @Tag("E92")
    void aConnectionThatMixesUpItsResponsesIsReplaced() throws Exception {
        List<Channel> channels = new CopyOnWriteArrayList<>();
        RedisClient client = primary.newClient(channels::add);
        try {
            RedisTokenStore store = RedisTokenStore.builder(client, KEYS)
                    .replicas(1)
                    .replicaTimeout(LONG)
                    .build();
            put(store, user).block(TIMEOUT);
            assertThat(store.unconfirmedWrites()).isZero();
            assertThat(channels).as("for operations, and to wait for replicas").hasSize(2);
            Channel waiting = channels.get(1);
            replica.freeze();
            CompletableFuture<Entry> forgotten = put(store, user + "-2").toFuture();
            await(() -> !primary.operator().sync().info("clients").contains("blocked_clients:0"));
            waiting.eventLoop()
                    .submit(() -> waiting.pipeline().fireExceptionCaught(new IllegalStateException("full")))
                    .get();
            forgotten.join();
            assertThat(store.unconfirmedWrites()).isOne();
            replica.thaw();

            put(store, user + "-3").block(TIMEOUT);
            assertThat(store.unconfirmedWrites()).as("after another response").isEqualTo(2);
            put(store, user + "-4").block(TIMEOUT);
            assertThat(store.unconfirmedWrites()).as("over another connection").isEqualTo(2);
            waiting.closeFuture().get();
        } finally {
            client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
            client.getResources().shutdown(0, 2, TimeUnit.SECONDS);
        }
    }

    @Test
    @Tag("E92")
    void theReplicasOfAClusterAreThoseOfTheNodeThatHasTheKey() {
        try (RedisServer one =
                        RedisServer.start(directory, "--cluster-enabled", "yes", "--cluster-config-file", user + "-1");
                RedisServer two = RedisServer.start(
                        directory, "--cluster-enabled", "yes", "--cluster-config-file", user + "-2")) {
            one.operator().sync().clusterAddSlots(IntStream.range(0, 8_192).toArray());
            two.operator().sync().clusterAddSlots(IntStream.range(8_192, 16_384).toArray());
            one.operator().sync().clusterMeet("127.0.0.1", two.port());
            await(() -> one.operator().sync().clusterInfo().contains("cluster_state:ok")
                    && two.operator().sync().clusterInfo().contains("cluster_state:ok"));
            RedisClusterClient client = RedisClusterClient.create("redis://127.0.0.1:" + one.port());
            try {
                RedisTokenStore store = RedisTokenStore.builder(client, KEYS)
                        .replicas(1)
                        .replicaTimeout(SHORT)
                        .build();

                Flux.range(0, 20).concatMap(i -> put(store, "user-" + i)).blockLast(TIMEOUT);

                assertThat(store.unconfirmedWrites()).isEqualTo(20);
                assertThat(one.operator().sync().info("commandstats")).contains("cmdstat_wait");
                assertThat(two.operator().sync().info("commandstats")).contains("cmdstat_wait");
            } finally {
                // Not awaited: the end of a cluster's connections may take longer than this test.
                client.shutdownAsync();
            }
        }
    }
}
