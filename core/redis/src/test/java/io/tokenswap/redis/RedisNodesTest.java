package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.NodesContract;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sessions of several nodes on one real Redis. */
class RedisNodesTest extends NodesContract {

    private static final KeyRing KEYS = KeyRing.random();

    @TempDir
    Path directory;

    private final List<RedisClient> clients = new ArrayList<>();
    private RedisServer redis;

    @BeforeEach
    void start() {
        redis = RedisServer.start(directory);
    }

    @AfterEach
    void stop() {
        clients.forEach(client -> client.shutdown(Duration.ZERO, Duration.ofSeconds(2)));
        redis.close();
    }

    @Override
    protected TokenStore connect() {
        RedisClient client = redis.newClient();
        clients.add(client);
        return RedisTokenStore.builder(client, KEYS).build();
    }

    @Test
    @Tag("D41")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void presentEachOfAHundredThousandRefreshTokensOnce() {
        refreshes(3, 1_000, 100);
    }
}
