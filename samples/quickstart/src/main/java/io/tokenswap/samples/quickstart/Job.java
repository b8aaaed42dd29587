package io.tokenswap.samples.quickstart;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.redis.RedisTokenStore;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.TokenSessions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/** Background job over thousands of users, without a browser. */
class Job {
    static Flux<String> run(Flux<String> users, RedisClient redis, KeyRing keys) {
        return Flux.usingWhen(
                Mono.fromSupplier(() -> TokenSessions.builder(ExchangeServerEndpoint.create("https://auth.example.com"))
                        .store(RedisTokenStore.builder(redis, keys).build())
                        .policy(RefreshPolicy.spotify())
                        .maximumSize(500)
                        .build()),
                sessions -> {
                    HttpClient api = BearerAuthentication.apply(
                            HttpClient.create().baseUrl("https://api.spotify.com"), sessions.current());
                    return users.flatMap(
                            user -> api.get()
                                    .uri("/v1/me/player/recently-played")
                                    .responseContent()
                                    .aggregate()
                                    .asString()
                                    .onErrorResume(LoginRequiredException.class, e -> Mono.just(user + " must sign in"))
                                    .onErrorResume(
                                            TokenUnavailableException.class,
                                            e -> Mono.just(user + " again at " + e.retryAt()))
                                    .contextWrite(TokenSessions.withUser(user)),
                            64); // 64 users at a time
                },
                TokenSessions::disposeLater); // unsaved tokens are saved first
    }
}
