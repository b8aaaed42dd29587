package io.tokenswap.redis;

import static io.tokenswap.redis.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.redis.ChaosNode.Settings;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Three processes on one real Redis that writes durably, and one fault at a time: a process is killed, frozen past its
 * lease or replaced; Redis is killed, frozen, full or takes no writes; the primary is killed and its replica promoted.
 * {@code -Dchaos.faults=60} for ten minutes of the first kind, {@code -Dchaos.failovers=24} of the second.
 */
@Tag("stress")
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class RedisChaosTest {

    private static final int USERS = 50;
    private static final int NODES = 3;
    private static final int FAULTS = Integer.getInteger("chaos.faults", 14);
    private static final int FAILOVERS = Integer.getInteger("chaos.failovers", 4);
    private static final Duration LONGEST = Duration.ofSeconds(120);
    private static final Duration BETWEEN_FAULTS = Duration.ofSeconds(5);
    private static final Duration BETWEEN_FAILOVERS = Duration.ofSeconds(15);
    private static final Duration LONGER_THAN_A_LEASE = Duration.ofSeconds(22);
    private static final Retry UNAVAILABLE =
            Retry.fixedDelay(60, Duration.ofSeconds(1)).filter(TokenUnavailableException.class::isInstance);
    private static final String[] DURABLE = {"--appendonly", "yes", "--appendfsync", "always"};

    @TempDir
    Path directory;

    private final Random random = new Random(Long.getLong("chaos.seed", 1));
    private final List<ChaosNode> nodes = new ArrayList<>();
    private Settings settings;

    private static void pass(Duration time) {
        Mono.delay(time).block();
    }

    @Test
    @Tag("D41")
    void noSessionIsLostToSingleFaultsIfTheProviderHasAGrace() {
        assertThat(lostToSingleFaults(ChaosNode.GRACE)).isEmpty();
    }

    /** Reports the rate. Some of the faults lose a session by necessity, see the states U1 to U5 of the protocol. */
    @Test
    @Tag("D27")
    void sessionsThatSingleFaultsLoseWithoutAGraceAreFew() {
        assertThat(lostToSingleFaults(Duration.ZERO)).hasSizeLessThan(USERS / 2);
    }

    @Test
    @Tag("D28")
    @Tag("D41")
    void noSessionIsLostToFailoversIfTheProviderHasAGrace() throws IOException {
        assertThat(lostToFailovers(ChaosNode.GRACE)).isEmpty();
    }

    /** Reports the rate, as above. */
    @Test
    @Tag("D27")
    void sessionsThatFailoversLoseWithoutAGraceAreFew() throws IOException {
        assertThat(lostToFailovers(Duration.ZERO)).hasSizeLessThan(USERS / 2);
    }

    private List<String> lostToSingleFaults(Duration grace) {
        try (RedisServer redis = RedisServer.start(directory, DURABLE)) {
            String uri = "redis://127.0.0.1:" + redis.port();
            return lost("single faults", uri, grace, 0, FAULTS, BETWEEN_FAULTS, i -> fault(i % 7, redis));
        }
    }

    private List<String> lostToFailovers(Duration grace) throws IOException {
        Path one = Files.createDirectory(directory.resolve("one"));
        Path two = Files.createDirectory(directory.resolve("two"));
        try (RedisServer first = RedisServer.start(one, durable("--repl-diskless-sync-delay", "0"));
                RedisServer second = RedisServer.start(
                        two, durable("--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 " + first.port()))) {
            awaitReplica(first);
            try (RedisSentinel sentinel = RedisSentinel.watch(directory, first)) {
                await(Mono.fromSupplier(() -> sentinel.replicas().contains(String.valueOf(second.port()))));
                return lost("failovers", sentinel.uri(), grace, 1, FAILOVERS, BETWEEN_FAILOVERS, i -> {
                    RedisServer primary = sentinel.primary() == first.port() ? first : second;
                    RedisServer replica = primary == first ? second : first;
                    awaitReplica(primary);
                    primary.stop();
                    await(Mono.fromSupplier(() -> sentinel.primary() == replica.port()));
                    pass(BETWEEN_FAULTS);
                    // The Sentinel turns it into a replica of the other.
                    primary.restart();
                    awaitReplica(replica);
                });
            }
        }
    }

    private static String[] durable(String... more) {
        List<String> all = new ArrayList<>(List.of(DURABLE));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private static void awaitReplica(RedisServer primary) {
        await(Mono.fromSupplier(
                () -> primary.operator().sync().info("replication").contains("state=online")));
    }

    /** Runs the nodes through the faults, and returns what the provider calls lost. */
    private List<String> lost(
            String name, String redis, Duration grace, int replicas, int faults, Duration between, IntConsumer fault) {
        byte[] secret = new byte[32];
        random.nextBytes(secret);
        try (GracefulProvider provider = new GracefulProvider(grace)) {
            settings = new Settings(
                    provider.uri(), redis, Base64.getEncoder().encodeToString(secret), USERS, grace, replicas);
            RedisClient client = RedisClient.create(RedisURI.create(redis));
            TokenSessions first = settings.sessions(client);
            Instant now = Instant.now();
            Flux.fromIterable(ChaosNode.users(USERS))
                    .flatMap(user -> first.signIn(
                                    user,
                                    Token.builder("access-0-" + user, now)
                                            .refreshToken("refresh-0-" + user)
                                            .expiresAt(now.plusSeconds(30))
                                            .build())
                            .retryWhen(UNAVAILABLE))
                    .blockLast(LONGEST);
            first.disposeLater().block(LONGEST);
            try {
                for (int i = 0; i < NODES; i++) {
                    nodes.add(ChaosNode.start(settings));
                }
                pass(between);
                for (int i = 0; i < faults; i++) {
                    fault.accept(i);
                    pass(between);
                }
            } finally {
                nodes.forEach(ChaosNode::close);
            }
            TokenSessions last = settings.sessions(client);
            List<Token> tokens = Flux.fromIterable(ChaosNode.users(USERS))
                    .flatMap(user -> last.get(user)
                            .flatMap(TokenSession::token)
                            .retryWhen(UNAVAILABLE)
                            .onErrorResume(LoginRequiredException.class, lost -> Mono.empty()))
                    .collectList()
                    .block(LONGEST);
            last.disposeLater().block(LONGEST);
            client.shutdown(Duration.ZERO, Duration.ofSeconds(2));

            System.out.printf(
                    "%s, grace %s: %d faults, %d refreshes, %d of them repeated, %d of %d sessions lost: %s%n",
                    name,
                    grace,
                    faults,
                    provider.refreshes.get(),
                    provider.repeated.get(),
                    provider.lost.size(),
                    USERS,
                    provider.lost);
            assertThat(tokens).hasSize(USERS - provider.lost.size());
            assertThat(provider.refreshes.get()).isGreaterThan((USERS - provider.lost.size()) * faults / 6);
            return List.copyOf(provider.lost);
        }
    }

    private void fault(int kind, RedisServer redis) {
        int victim = random.nextInt(NODES);
        switch (kind) {
            case 0 -> {
                nodes.get(victim).kill();
                nodes.set(victim, ChaosNode.start(settings));
            }
            case 1 -> redis.restart();
            case 2 -> {
                nodes.get(victim).freeze();
                pass(LONGER_THAN_A_LEASE);
                nodes.get(victim).thaw();
            }
            case 3 -> {
                redis.freeze();
                pass(Duration.ofSeconds(7));
                redis.thaw();
            }
            case 4 -> whileSet(redis, "maxmemory", "1", "0");
            case 5 -> whileSet(redis, "min-replicas-to-write", "1", "0");
            default -> {
                nodes.get(victim).close();
                nodes.set(victim, ChaosNode.start(settings));
            }
        }
    }

    private static void whileSet(RedisServer redis, String setting, String value, String before) {
        RedisCommands<String, String> operator = redis.operator().sync();
        operator.configSet(setting, value);
        pass(Duration.ofSeconds(7));
        operator.configSet(setting, before);
    }
}
