package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.cookie.DefaultCookie;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.testing.RawServer;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** The client that the caller brings is used as it is, but for what no token request may do. */
class CallersClientTest extends WireFixture {

    private static TokenEndpoint through(HttpClient client, URI uri) {
        return ExchangeServerEndpoint.builder(uri).httpClient(client).build();
    }

    @Test
    void addressIsTheEndpointsAndTheRestTheCallers() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        RecordingServer other = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        List<String> observed = new CopyOnWriteArrayList<>();
        HttpClient client = HttpClient.newConnection()
                .baseUrl(other.uri("/other").toString())
                .cookie(new DefaultCookie("affinity", "7"))
                .doOnRequest((request, connection) -> observed.add("asked " + request.path()))
                .doOnResponse((response, connection) ->
                        observed.add("responded " + response.status().code()));

        through(client, server.uri()).swap(Samples.CODE).block();

        assertThat(server.onlyRequest().uri()).isEqualTo("/swap");
        assertThat(server.onlyRequest().headers().get("Cookie")).isEqualTo("affinity=7");
        assertThat(other.requests()).isEmpty();
        assertThat(observed).containsExactly("asked swap", "responded 200");
    }

    @Test
    @Tag("B64")
    void clientThatAuthenticatesBySendingAgainSendsOnce() {
        RecordingServer server = started(RecordingServer.responding(401, ""));
        HttpClient client = HttpClient.newConnection()
                .httpAuthentication(
                        (request, response) -> response.status().code() == 401,
                        (request, address) -> request.header("Authorization", "Negotiate"));

        assertThatThrownBy(
                        () -> through(client, server.uri()).swap(Samples.CODE).block())
                .isInstanceOf(RequestRejectedException.class);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    @Tag("B50")
    void clientWithItsOwnRuleForRedirectsFollowsNothing() {
        RecordingServer server = started(RecordingServer.responding((request, response) ->
                response.status(307).header("Location", "/other").send()));
        HttpClient client = HttpClient.newConnection().followRedirect((request, response) -> true);

        assertThatThrownBy(
                        () -> through(client, server.uri()).swap(Samples.CODE).block())
                .isInstanceOf(RequestRejectedException.class);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void shorterTimeoutOfTheCallerCounts() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));

        TokenUnavailableException failure =
                unavailable(through(HttpClient.newConnection().responseTimeout(Duration.ofMillis(100)), server.uri())
                        .swap(Samples.CODE));

        assertThat(failure.reason()).isEqualTo(Reason.RESPONSE_LOST);
        assertThat(failure).hasMessageContaining("did not respond in time");
    }

    @Test
    @Tag("B31")
    void connectionOfATruncatedResponseIsNotUsedAgain() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + " ".repeat(69_999));
            connection.awaitByte().write(" " + ok(Samples.TOKEN_RESPONSE)).awaitClose();
        }));
        ConnectionProvider one = ConnectionProvider.create("one", 1);
        TokenEndpoint endpoint = through(HttpClient.create(one), server.uri());

        assertThat(unavailable(endpoint.refresh(Samples.REFRESH_TOKEN)).reason())
                .isEqualTo(Reason.INVALID_RESPONSE);
        assertThat(unavailable(endpoint.refresh(Samples.REFRESH_TOKEN)).reason())
                .isEqualTo(Reason.INVALID_RESPONSE);

        assertThat(server.connections()).isEqualTo(2);
        one.dispose();
    }

    @Test
    @Tag("E39")
    void requestThatGetsNoConnectionOfAFullPoolWasNotSent() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));
        ConnectionProvider one = ConnectionProvider.builder("one")
                .maxConnections(1)
                .pendingAcquireTimeout(Duration.ofMillis(50))
                .build();
        TokenEndpoint endpoint = through(HttpClient.create(one), server.uri());
        started(endpoint.refresh(Samples.REFRESH_TOKEN).subscribe());
        awaitFirstRequest(server);

        TokenUnavailableException refused = unavailable(endpoint.refresh(Samples.REFRESH_TOKEN));
        assertThat(refused.reason()).isEqualTo(Reason.NOT_SENT);
        assertThat(refused).hasMessageContaining("all connections of the pool are in use");
        assertThat(server.requests()).hasSize(1);
        one.dispose();
    }

    private static void awaitFirstRequest(RawServer server) {
        try {
            server.arrived().await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void literalOfIpv6IsConnectedToAndNamed() throws UnknownHostException {
        RawServer server = started(RawServer.playing(
                connection -> {
                    connection.request();
                    connection.write(ok(Samples.TOKEN_RESPONSE));
                },
                InetAddress.getByName("::1")));
        URI uri = URI.create("http://[::1]:" + server.port());

        Token token = endpoint(uri).build().swap(Samples.CODE).block();
        server.dispose();

        assertThat(token.accessToken().secret()).isEqualTo("canary-new");
        assertThat(server.requests())
                .singleElement()
                .asString()
                .containsIgnoringCase("\r\nHost: [::1]:" + server.port());
        assertThat(unavailable(through(HttpClient.newConnection(), uri).swap(Samples.CODE)))
                .hasMessageContaining("nothing listens at [::1]:" + server.port());
    }

    @ParameterizedTest
    @ValueSource(strings = {"one\r\nX-Injected: canary", "one\ncanary", "canary\0"})
    void headerThatWouldBeTwoIsRefused(String value) {
        ExchangeServerEndpoint.Builder builder = ExchangeServerEndpoint.builder(URI.create("https://h"));

        assertThatThrownBy(() -> builder.header("X-Api-Key", value))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining(Samples.CANARY);
        assertThatThrownBy(() -> builder.header("X-Api-Key: one\r\nX-Injected", "two"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.headers(headers -> headers.set("X-Api-Key", value))
                        .build()
                        .swap(Samples.CODE)
                        .block())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining(Samples.CANARY);
    }

    @Test
    void customiserCannotMoveTheEndOfTheRequest() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));

        endpoint(server.uri())
                .headers(headers -> headers.set(HttpHeaderNames.CONTENT_LENGTH, "5")
                        .set(HttpHeaderNames.TRANSFER_ENCODING, "chunked"))
                .build()
                .refresh(Samples.REFRESH_TOKEN)
                .block();

        RecordingServer.Request request = server.onlyRequest();
        assertThat(request.headers().getAll("Content-Length"))
                .containsExactly("" + request.body().length());
        assertThat(request.headers().contains("Transfer-Encoding")).isFalse();
        assertThat(request.body()).endsWith("}");
    }
}
