package io.tokenswap.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Sessions of several nodes on one real Redis, at a provider that takes each refresh token once. */
class RedisNodesTest {

    private static final KeyRing KEYS = KeyRing.random();
    private static final Duration TIMEOUT = Duration.ofMinutes(25);

    @TempDir
    Path directory;

    private final StrictProvider provider = new StrictProvider();

    private void refreshes(int nodes, int users, int expiries) {
        List<RedisClient> clients = new ArrayList<>();
        try (RedisServer redis = RedisServer.start(directory)) {
            List<TokenStore> stores = new ArrayList<>();
            for (int node = 0; node < nodes; node++) {
                RedisClient client = redis.newClient();
                clients.add(client);
                stores.add(RedisTokenStore.builder(client, KEYS).build());
            }
            Flux.range(0, users)
                    .flatMap(user -> sessions(stores, "user-" + user)
                            .flatMap(sessions -> expire(sessions)
                                    .repeat(expiries - 1)
                                    .then(Flux.fromIterable(sessions)
                                            .flatMap(TokenSession::disposeLater)
                                            .then())))
                    .then()
                    .block(TIMEOUT);
        } finally {
            clients.forEach(client -> client.shutdown(Duration.ZERO, Duration.ofSeconds(2)));
        }
        assertThat(provider.refreshes).hasValue(users * expiries);
        assertThat(provider.duplicates).hasValue(0);
    }

    /** One user's session at each node. The first node has signed the user in. */
    private Mono<List<TokenSession>> sessions(List<TokenStore> stores, String user) {
        Mono<TokenSession> first =
                TokenSession.builder(provider).store(stores.get(0), user).start(StrictProvider.token(user, 1));
        return first.flatMap(session -> Flux.fromIterable(stores.subList(1, stores.size()))
                .flatMap(store ->
                        TokenSession.builder(provider).store(store, user).restore())
                .startWith(session)
                .collectList());
    }

    /** All nodes find the same token refused at once, and all get its one successor. */
    private static Mono<Void> expire(List<TokenSession> sessions) {
        return Flux.fromIterable(sessions)
                .flatMap(TokenSession::token)
                .collectList()
                .flatMap(tokens -> {
                    assertThat(accessTokens(tokens)).hasSize(1);
                    sessions.forEach(session -> session.invalidate(tokens.get(0)));
                    return Flux.fromIterable(sessions)
                            .flatMap(TokenSession::token)
                            .collectList()
                            .doOnNext(next -> assertThat(accessTokens(next))
                                    .hasSize(1)
                                    .doesNotContain(tokens.get(0).accessToken().secret()))
                            // The API accepts it: what is refused next is no sign that it refuses every token.
                            .doOnNext(next -> sessions.forEach(session -> session.accept(next.get(0))))
                            .then();
                });
    }

    private static Set<String> accessTokens(List<Token> tokens) {
        Set<String> secrets = new HashSet<>();
        tokens.forEach(token -> secrets.add(token.accessToken().secret()));
        return secrets;
    }

    @Test
    @Tag("D41")
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    void presentEachRefreshTokenOnce() {
        refreshes(3, 20, 10);
    }

    @Test
    @Tag("D41")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void presentEachOfAHundredThousandRefreshTokensOnce() {
        refreshes(3, 1_000, 100);
    }
}
