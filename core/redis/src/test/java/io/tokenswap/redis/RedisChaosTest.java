package io.tokenswap.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Three processes on one real Redis that writes durably, and one fault at a time: a process is killed, frozen past its
 * lease or replaced; Redis is killed, frozen, full or takes no writes. {@code -Dchaos.faults=100} for ten minutes.
 */
@Tag("stress")
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class RedisChaosTest {

    private static final int USERS = 50;
    private static final int NODES = 3;
    private static final Duration LONGEST = Duration.ofSeconds(120);
    private static final Duration BETWEEN_FAULTS = Duration.ofSeconds(5);
    private static final Duration LONGER_THAN_A_LEASE = Duration.ofSeconds(22);

    @TempDir
    Path directory;

    private final Random random = new Random(Long.getLong("chaos.seed", 1));
    private final List<ChaosNode> nodes = new ArrayList<>();

    private static void pass(Duration time) {
        Mono.delay(time).block();
    }

    @Test
    @Tag("D41")
    void noSessionIsLostToSingleFaultsIfTheProviderHasAGrace() {
        byte[] secret = new byte[32];
        random.nextBytes(secret);
        String key = Base64.getEncoder().encodeToString(secret);
        int faults = Integer.getInteger("chaos.faults", 14);
        try (GracefulProvider provider = new GracefulProvider(ChaosNode.GRACE);
                RedisServer redis = RedisServer.start(directory, "--appendonly", "yes", "--appendfsync", "always")) {
            RedisClient client = redis.newClient();
            TokenSessions first = ChaosNode.sessions(provider.uri(), client, key);
            Instant now = Instant.now();
            Flux.fromIterable(ChaosNode.users(USERS))
                    .flatMap(user -> first.signIn(
                            user,
                            Token.builder("access-0-" + user, now)
                                    .refreshToken("refresh-0-" + user)
                                    .expiresAt(now.plusSeconds(30))
                                    .build()))
                    .blockLast(LONGEST);
            first.disposeLater().block(LONGEST);
            try {
                for (int i = 0; i < NODES; i++) {
                    nodes.add(ChaosNode.start(provider.uri(), redis.port(), key, USERS));
                }
                pass(BETWEEN_FAULTS);
                for (int i = 0; i < faults; i++) {
                    fault(i % 7, redis, () -> ChaosNode.start(provider.uri(), redis.port(), key, USERS));
                    pass(BETWEEN_FAULTS);
                }
            } finally {
                nodes.forEach(ChaosNode::close);
            }
            TokenSessions last = ChaosNode.sessions(provider.uri(), client, key);
            List<Token> tokens = Flux.fromIterable(ChaosNode.users(USERS))
                    .flatMap(last::get)
                    .flatMap(TokenSession::token)
                    .collectList()
                    .block(LONGEST);
            last.disposeLater().block(LONGEST);
            client.shutdown(Duration.ZERO, Duration.ofSeconds(2));

            System.out.printf(
                    "%d faults, %d refreshes, %d of them repeated, lost: %s%n",
                    faults, provider.refreshes.get(), provider.repeated.get(), provider.lost);
            assertThat(provider.lost).isEmpty();
            assertThat(tokens).hasSize(USERS);
            assertThat(provider.refreshes.get()).isGreaterThan(USERS * faults / 6);
        }
    }

    private void fault(int kind, RedisServer redis, Supplier<ChaosNode> start) {
        int victim = random.nextInt(NODES);
        switch (kind) {
            case 0 -> {
                nodes.get(victim).kill();
                nodes.set(victim, start.get());
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
                nodes.set(victim, start.get());
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
