package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A real Sentinel that watches a primary, and promotes its replica half a second after the primary has gone. */
final class RedisSentinel implements AutoCloseable {

    private static final String NAME = "tokens";

    private final RedisServer sentinel;

    private RedisSentinel(RedisServer sentinel) {
        this.sentinel = sentinel;
    }

    static RedisSentinel watch(Path directory, RedisServer primary) {
        try {
            Path settings = Files.writeString(
                    directory.resolve("sentinel-" + primary.port() + ".conf"), """
                    sentinel monitor %1$s 127.0.0.1 %2$d 1
                    sentinel down-after-milliseconds %1$s 500
                    sentinel failover-timeout %1$s 3000
                    """.formatted(NAME, primary.port()));
            return new RedisSentinel(RedisServer.startSentinel(directory, settings));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RedisClient newClient() {
        return RedisClient.create(RedisURI.create(uri()));
    }

    String uri() {
        return "redis-sentinel://127.0.0.1:" + sentinel.port() + "?sentinelMasterId=" + NAME;
    }

    /** The port of the primary, for clients that connect now. */
    int primary() {
        try (var connection = sentinel.client().connectSentinel(RedisURI.create("127.0.0.1", sentinel.port()))) {
            return ((InetSocketAddress) connection.sync().getMasterAddrByName(NAME)).getPort();
        }
    }

    /** The ports of the replicas that the Sentinel knows. */
    List<String> replicas() {
        try (var connection = sentinel.client().connectSentinel(RedisURI.create("127.0.0.1", sentinel.port()))) {
            return connection.sync().replicas(NAME).stream()
                    .map(replica -> replica.get("port"))
                    .toList();
        }
    }

    @Override
    public void close() {
        sentinel.close();
    }
}
