package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.testing.RawServer;
import java.net.URI;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

class TokenRequestsTest extends WireFixture {

    /** The rest of a text is never shown, and to search it would cost what a hostile server likes. */
    @Test
    void anEchoBehindAllThatIsShownIsNone() {
        TokenServer peer = new TokenServer("server", URI.create("https://exchange.test/refresh"), "");
        TokenRequest request = TokenRequest.refresh(peer, Encoding.FORM, Samples.REFRESH_TOKEN);
        String secret = Samples.REFRESH_TOKEN.secret();

        assertThat(request.isEchoedIn("x".repeat(256 - secret.length()) + secret))
                .isTrue();
        assertThat(request.isEchoedIn("x".repeat(256) + secret)).isFalse();
    }

    @Test
    void nothingIsSentBeforeSubscriptionAndOneRequestForEach() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        Mono<Token> refresh = endpoint(server.uri()).build().refresh(Samples.REFRESH_TOKEN);
        assertThat(server.requests()).isEmpty();

        refresh.block();
        refresh.block();
        assertThat(server.requests()).hasSize(2);
    }

    @Test
    void headersAreOursThenTheCallers() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        AtomicInteger day = new AtomicInteger();
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.create()
                        .headers(headers -> headers.set("X-From-Client", "kept")
                                .set(HttpHeaderNames.ACCEPT, "text/html")
                                .set(HttpHeaderNames.ACCEPT_ENCODING, "br")))
                .header("X-Api-Key", "one")
                .headers(headers -> headers.set("X-Day", day.incrementAndGet()))
                .build();

        endpoint.swap(Samples.CODE).block();
        endpoint.swap(Samples.CODE).block();

        assertThat(server.requests().get(0).headers().entries())
                .extracting(header -> header.getKey().toLowerCase(Locale.ROOT) + ": " + header.getValue())
                .containsExactlyInAnyOrder(
                        "host: 127.0.0.1:" + server.uri().getPort(),
                        "connection: close",
                        "user-agent: reactive-token-swap",
                        "accept: application/json",
                        "content-type: application/json",
                        "content-length: " + server.requests().get(0).body().length(),
                        "x-from-client: kept",
                        "x-api-key: one",
                        "x-day: 1");
        assertThat(server.requests().get(1).headers().get("X-Day")).isEqualTo("2");
    }

    @Test
    void whatACustomiserThrowsIsWhatTheCallerGets() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        TokenEndpoint endpoint = endpoint(server.uri())
                .headers(headers -> {
                    throw new IllegalStateException("no key today");
                })
                .build();

        assertThatThrownBy(() -> endpoint.swap(Samples.CODE).block())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no key today");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void cancellingClosesTheConnection() throws InterruptedException {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));

        Disposable subscription =
                endpoint(server.uri()).build().swap(Samples.CODE).subscribe();
        server.arrived().await();
        subscription.dispose();

        assertThat(server.isClosedByClient()).isTrue();
        assertThat(server.requests()).hasSize(1);
    }
}
