package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.SharedTokenStoreContract;
import io.tokenswap.testing.StoreProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The contract on a real Redis, with one node in this process and one in another. */
class RedisTwoProcessesTest extends SharedTokenStoreContract {

    @TempDir
    static Path directory;

    private static RedisServer redis;
    private static StoreProcess process;
    private static TokenStore store;

    @BeforeAll
    static void start() {
        byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        String key = Base64.getEncoder().encodeToString(secret);
        redis = RedisServer.start(directory);
        store = store(redis.client(), key);
        process = StoreProcess.start(RedisTwoProcessesTest.class, String.valueOf(redis.port()), key);
    }

    @AfterAll
    static void stop() {
        process.close();
        redis.close();
    }

    /** The other process: serves the store of the other node. */
    public static void main(String[] arguments) throws IOException {
        StoreProcess.serve(store(RedisClient.create("redis://127.0.0.1:" + arguments[0]), arguments[1]));
    }

    private static TokenStore store(RedisClient client, String key) {
        return RedisTokenStore.builder(client, KeyRing.of(key))
                .timeout(RedisTokenStoreContractTest.LIMIT)
                .build();
    }

    @Override
    protected TokenStore store() {
        return store;
    }

    @Override
    protected TokenStore other(TokenStore store) {
        return process.store();
    }

    @Override
    protected int orders() {
        return 100;
    }
}
