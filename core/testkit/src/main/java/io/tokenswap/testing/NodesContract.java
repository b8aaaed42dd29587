package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.internal.Timers;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Tests of sessions at several nodes that share a store of a real engine. Their provider takes each refresh token once. Extend
 * this class beside {@link SharedTokenStoreContract}, which tests the operations of the store.
 */
public abstract class NodesContract {

    private static final Duration TIMEOUT = Duration.ofMinutes(25);
    private static final Duration RETRY_DELAY = Duration.ofMillis(100);

    private final StrictProvider provider = new StrictProvider();

    /** For subclasses. */
    protected NodesContract() {}

    /**
     * Connects one more node.
     *
     * @return a store with connections that no other node has
     */
    protected abstract TokenStore connect();

    /**
     * Lets the tokens of some users end again and again at several nodes at once. Checks that each refresh token is presented
     * once, and that all nodes get its successor.
     *
     * @param nodes the number of nodes
     * @param users the number of users, who are all refreshed together
     * @param expiries how often the token of each user ends
     */
    protected final void refreshes(int nodes, int users, int expiries) {
        List<TokenStore> stores =
                IntStream.range(0, nodes).mapToObj(node -> connect()).toList();
        Flux.range(0, users)
                .flatMap(user -> sessions(stores, "user-" + user)
                        .flatMap(sessions -> expire(sessions)
                                .repeat(expiries - 1)
                                .then(Flux.fromIterable(sessions)
                                        .flatMap(TokenSession::disposeLater)
                                        .then())))
                .then()
                .block(TIMEOUT);
        assertThat(provider.refreshes()).isEqualTo(users * expiries);
        assertThat(provider.duplicates()).isZero();
    }

    /** One user's session at each node. The first node has signed the user in. */
    private Mono<List<TokenSession>> sessions(List<TokenStore> stores, String user) {
        Mono<TokenSession> first =
                TokenSession.builder(provider).store(stores.get(0), user).start(StrictProvider.token(user, 1));
        return untilAvailable(first)
                .flatMap(session -> Flux.fromIterable(stores.subList(1, stores.size()))
                        .flatMap(store -> untilAvailable(TokenSession.builder(provider)
                                .store(store, user)
                                .restore()))
                        .startWith(session)
                        .collectList());
    }

    /** All nodes find the same token refused at once, and all get its one successor. */
    private static Mono<Void> expire(List<TokenSession> sessions) {
        return Flux.fromIterable(sessions)
                .flatMap(session -> untilAvailable(session.token()))
                .collectList()
                .flatMap(tokens -> {
                    assertThat(accessTokens(tokens)).hasSize(1);
                    sessions.forEach(session -> session.invalidate(tokens.get(0)));
                    return Flux.fromIterable(sessions)
                            .flatMap(session -> untilAvailable(session.token()))
                            .collectList()
                            .doOnNext(next -> assertThat(accessTokens(next))
                                    .hasSize(1)
                                    .doesNotContain(tokens.get(0).accessToken().secret()))
                            // The API accepts the token: what is refused next is no sign that it refuses every token.
                            .doOnNext(next -> sessions.forEach(session -> session.accept(next.get(0))))
                            .then();
                });
    }

    /** Repeats a call as callers do: on a slow machine the store misses its deadline. The limit of the test ends it. */
    private static <T> Mono<T> untilAvailable(Mono<T> call) {
        return call.retryWhen(Retry.fixedDelay(Long.MAX_VALUE, RETRY_DELAY)
                .scheduler(Timers.scheduler())
                .filter(TokenUnavailableException.class::isInstance));
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
}
