package io.tokenswap.samples.quickstart;

import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.netty.http.client.HttpClient;
import reactor.util.retry.Retry;

/** WebSocket that reconnects with each new token, and waits for a new login. */
class Stream {
    static Flux<String> messages(TokenSession session) {
        HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl("wss://stream.example.com"), session);
        Flux<String> connection = api.websocket()
                .uri("/v1/events")
                .handle((in, out) -> in.receive().asString())
                .repeatWhen(ended -> ended.delayElements(Duration.ofSeconds(1))) // the server may close it at any time
                .retryWhen(Retry.backoff(Long.MAX_VALUE, Duration.ofSeconds(1)).maxBackoff(Duration.ofMinutes(1)));
        return session.tokensUntilClosed().switchMap(token -> connection);
    }
}
