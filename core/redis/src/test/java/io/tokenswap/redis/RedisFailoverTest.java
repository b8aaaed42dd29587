package io.tokenswap.redis;

import static io.tokenswap.redis.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.testing.StrictProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * A session over a real primary, a real replica and a real Sentinel, or over a server that goes away in the middle of a
 * refresh.
 */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class RedisFailoverTest {

    private static final KeyRing KEYS = KeyRing.random();
    private static final Duration LONGEST = Duration.ofSeconds(60);
    private static final String USER = "user";

    @TempDir
    Path directory;

    private final StrictProvider provider = new StrictProvider();

    private static Mono<Boolean> isStored(TokenStore store, long number) {
        return store.load(TokenStore.key(USER)).map(entry -> {
            Record record = entry.record();
            return record != null && record.version().number() == number;
        });
    }

    /** The replica was cut off when the refreshed token was saved, so that the failover loses the save. */
    @Test
    @Tag("D28")
    @Tag("D37")
    void aTokenThatAFailoverHasLostIsPutBackByTheNodeThatHasIt() {
        try (RedisServer primary = RedisServer.start(directory, "--repl-diskless-sync-delay", "0");
                RedisServer replica = RedisServer.start(directory, "--replicaof", "127.0.0.1 " + primary.port())) {
            await(Mono.fromSupplier(
                    () -> primary.operator().sync().info("replication").contains("state=online")));
            try (RedisSentinel sentinel = RedisSentinel.watch(directory, primary)) {
                RedisClient client = sentinel.newClient();
                RedisClient other = replica.newClient();
                try {
                    TokenStore store = RedisTokenStore.builder(client, KEYS).build();
                    TokenSession session = TokenSession.builder(provider)
                            .store(store, USER)
                            .start(StrictProvider.token(USER, 1))
                            .block(LONGEST);
                    Disposable inUse = session.tokens().subscribe();
                    Token first = session.token().block(LONGEST);
                    TokenStore promoted = RedisTokenStore.builder(other, KEYS).build();
                    await(isStored(promoted, 0));
                    await(Mono.fromSupplier(() -> sentinel.replicas().contains(String.valueOf(replica.port()))));
                    replica.freeze();
                    session.invalidate(first);
                    Token second = session.token().block(LONGEST);

                    primary.stop();
                    replica.thaw();

                    await(isStored(promoted, 1));
                    assertThat(session.token().block(LONGEST)).isEqualTo(second);
                    session.invalidate(second);
                    await(session.token().map(third -> !third.equals(second)));
                    assertThat(provider.duplicates()).isZero();
                    inUse.dispose();
                    session.disposeLater().block(LONGEST);
                } finally {
                    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
                    other.shutdown(Duration.ZERO, Duration.ofSeconds(2));
                }
            }
        }
    }

    /** The only copy of the successor is in this process. The restarted server is empty. */
    @Test
    @Tag("D30")
    void aTokenThatCouldNotBeSavedIsServedAndSavedWhenTheServerIsThere() {
        try (RedisServer redis = RedisServer.start(directory)) {
            TokenStore store = RedisTokenStore.builder(redis.client(), KEYS).build();
            TokenSession session = TokenSession.builder(provider)
                    .store(store, USER)
                    .start(StrictProvider.token(USER, 1))
                    .block(LONGEST);
            Token first = session.token().block(LONGEST);
            provider.onRefresh(redis::stop);
            session.invalidate(first);

            Token second = session.token().block(LONGEST);
            assertThat(second).isNotEqualTo(first);
            redis.restart();

            await(isStored(store, 1));
            assertThat(session.token().block(LONGEST)).isEqualTo(second);
            assertThat(provider.refreshes()).isEqualTo(1);
            session.disposeLater().block(LONGEST);
        }
    }
}
