package stores;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.redis.RedisTokenStore;

/** Keeps a token in Redis. Arguments: the port of a server, and a port where nothing listens. */
public final class Main {

    private Main() {}

    public static void main(String[] args) {
        KeyRing keys = KeyRing.random();
        Sessions.moveBetween(
                () -> RedisTokenStore.builder(client(args[0]), keys).build());
        Sessions.fail(RedisTokenStore.builder(client(args[1]), keys).build());
        System.exit(0);
    }

    private static RedisClient client(String port) {
        return RedisClient.create("redis://127.0.0.1:" + port);
    }
}
