package io.tokenswap.redis;

import static io.tokenswap.redis.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.KeyRing;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.StrictProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Nodes on a real Redis that one of them does not reach, that takes no writes for a time, or that one of them leaves. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class RedisFaultsTest {

    private static final KeyRing KEYS = KeyRing.random();
    private static final Duration LONGEST = Duration.ofSeconds(90);
    private static final String USER = "user";

    @TempDir
    Path directory;

    private final StrictProvider provider = new StrictProvider();

    private static TokenStore store(RedisClient client) {
        return RedisTokenStore.builder(client, KEYS).build();
    }

    @Test
    @Tag("D32")
    void aNodeThatDoesNotReachTheServerServesItsTokenAndPresentsNothing() {
        try (RedisServer redis = RedisServer.start(directory);
                Wire wire = Wire.to(redis)) {
            RedisClient client = wire.newClient();
            try {
                TokenSession other = TokenSession.builder(provider)
                        .store(store(redis.client()), USER)
                        .start(StrictProvider.token(USER, 1))
                        .block(LONGEST);
                TokenSession alone = TokenSession.builder(provider)
                        .store(store(client), USER)
                        .restore()
                        .block(LONGEST);
                Token first = alone.token().block(LONGEST);
                wire.cut();
                other.invalidate(first);
                Token second = other.token().block(LONGEST);

                assertThat(alone.token().block(LONGEST)).isEqualTo(first);
                alone.invalidate(first);
                assertThat(alone.token().onErrorComplete().block(LONGEST)).isNull();
                assertThat(provider.refreshes()).isEqualTo(1);
                wire.repair();

                await(alone.token().map(second::equals));
                assertThat(provider.refreshes()).isEqualTo(1);
                other.disposeLater().then(alone.disposeLater()).block(LONGEST);
            } finally {
                client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
            }
        }
    }

    /** As a primary does that lost its replicas to the other side of a split network. */
    @Test
    @Tag("D33")
    void aServerWithTooFewReplicasTakesNoWriteAndNothingIsLost() {
        try (RedisServer redis = RedisServer.start(directory)) {
            RedisCommands<String, String> operator = redis.operator().sync();
            TokenStore store = store(redis.client());
            TokenSession session = TokenSession.builder(provider)
                    .store(store, USER)
                    .start(StrictProvider.token(USER, 1))
                    .block(LONGEST);
            Token first = session.token().block(LONGEST);
            provider.onRefresh(() -> operator.configSet("min-replicas-to-write", "1"));
            session.invalidate(first);
            Token second = session.token().block(LONGEST);

            assertThat(second).isNotEqualTo(first);
            assertThat(store.load(TokenStore.key(USER))
                            .block(LONGEST)
                            .record()
                            .version()
                            .number())
                    .isZero();
            session.invalidate(second);
            assertThat(session.token().onErrorComplete().block(LONGEST)).isNull();
            operator.configSet("min-replicas-to-write", "0");

            await(session.token().map(third -> !third.equals(second)));
            assertThat(provider.refreshes()).isEqualTo(2);
            assertThat(provider.duplicates()).isZero();
            await(store.load(TokenStore.key(USER))
                    .map(entry -> entry.record().version().number() == 2));
            session.disposeLater().block(LONGEST);
        }
    }

    @Test
    @Tag("D48")
    void aNodeThatLeavesWhileAThousandUsersAreRefreshedLosesNone() {
        List<String> users =
                IntStream.range(0, 1_000).mapToObj(i -> "user-" + i).toList();
        try (RedisServer redis = RedisServer.start(directory)) {
            TokenStore store = store(redis.client());
            TokenSessions leaving =
                    TokenSessions.builder(slow(provider)).store(store).build();
            Flux.fromIterable(users)
                    .flatMap(user -> leaving.signIn(user, StrictProvider.token(user, 1)))
                    .blockLast(LONGEST);
            Flux.fromIterable(users)
                    .flatMap(leaving::get)
                    .flatMap(session -> session.token().doOnNext(session::invalidate))
                    .blockLast(LONGEST);
            await(Mono.fromSupplier(() -> provider.refreshes() >= 100));

            leaving.disposeLater().block(LONGEST);
            int before = provider.refreshes();
            TokenSessions coming = TokenSessions.builder(provider).store(store).build();
            List<String> tokens = Flux.fromIterable(users)
                    .flatMap(coming::get)
                    .flatMap(session -> session.token().map(token -> {
                        session.invalidate(token);
                        return session;
                    }))
                    .flatMap(TokenSession::token)
                    .map(token -> token.accessToken().secret())
                    .collectList()
                    .block(LONGEST);

            assertThat(before).isGreaterThanOrEqualTo(100);
            assertThat(tokens).hasSize(1_000).doesNotHaveDuplicates().noneMatch(token -> token.startsWith("access-1-"));
            assertThat(provider.refreshes()).isEqualTo(before + 1_000);
            assertThat(provider.duplicates()).isZero();
            coming.disposeLater().block(LONGEST);
        }
    }

    /** A provider that takes its time, so that requests are in flight when the node leaves. */
    private static TokenEndpoint slow(TokenEndpoint provider) {
        return new TokenEndpoint() {
            @Override
            public Mono<Token> swap(AuthorizationCode code) {
                return provider.swap(code);
            }

            @Override
            public Mono<Token> refresh(RefreshToken refreshToken) {
                return provider.refresh(refreshToken).delayElement(Duration.ofMillis(200));
            }
        };
    }
}
