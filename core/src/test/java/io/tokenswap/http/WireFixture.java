package io.tokenswap.http;

import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import java.net.URI;
import org.junit.jupiter.api.AfterEach;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/** What tests of requests over real sockets have in common. */
abstract class WireFixture {

    private final Disposable.Composite servers = Disposables.composite();

    @AfterEach
    void stop() {
        servers.dispose();
    }

    <S extends Disposable> S started(S server) {
        servers.add(server);
        return server;
    }

    static ExchangeServerEndpoint.Builder endpoint(URI uri) {
        // No pool: a connection that one test leaves behind is of no use to the next.
        return ExchangeServerEndpoint.builder(uri)
                .httpClient(HttpClient.newConnection().wiretap(true));
    }

    static TokenUnavailableException unavailable(Mono<Token> request) {
        return (TokenUnavailableException) request.map(token -> new Throwable("no failure but a token"))
                .onErrorResume(Mono::just)
                .block();
    }

    static String ok(String json) {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + json.length() + "\r\n\r\n"
                + json;
    }
}
