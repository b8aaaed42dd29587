package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.SharedTokenStoreContract;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The contract on a real Redis, with two stores of this process that share no connection. */
class RedisTokenStoreContractTest extends SharedTokenStoreContract {

    private static final KeyRing KEYS = KeyRing.random();

    /** The tests are not about the time limit of an operation, which a busy machine may miss. */
    static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    static Path directory;

    private static RedisServer redis;
    private static RedisClient second;
    private static TokenStore one;
    private static TokenStore two;

    @BeforeAll
    static void start() {
        redis = RedisServer.start(directory);
        one = RedisTokenStore.builder(redis.client(), KEYS).timeout(LIMIT).build();
        second = redis.newClient();
        two = RedisTokenStore.builder(second, KEYS).timeout(LIMIT).build();
    }

    @AfterAll
    static void stop() {
        second.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        redis.close();
    }

    @Override
    protected TokenStore store() {
        return one;
    }

    @Override
    protected TokenStore other(TokenStore store) {
        return two;
    }
}
