package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ConnectTimeoutException;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.testing.RawServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.transport.ProxyProvider;

class BrokenNetworkTest extends WireFixture {

    @ParameterizedTest(name = "a name server that responds with {0} leaves the request unsent")
    @CsvSource({"NXDOMAIN, 3", "SERVFAIL, 2"})
    @Tag("B54")
    void nameThatCannotBeResolvedIsNamed(String what, int code) throws IOException {
        FakeNameServer names = started(FakeNameServer.responding(code));

        TokenUnavailableException failure = unavailable(asking(names).build().swap(Samples.CODE));

        assertThat(failure.reason()).isEqualTo(Reason.NOT_SENT);
        assertThat(failure)
                .hasMessage("The exchange server at https://exchange.invalid/swap could not be reached: the name of"
                        + " exchange.invalid:443 is unknown. Is the URL right, and the network up?");
        assertThat(names.asked.getCount()).isZero();
    }

    @Test
    @Tag("B54")
    void nameServerThatIsSilentLeavesTheRequestUnsent() throws Exception {
        FakeNameServer names = started(FakeNameServer.responding(-1));

        assertThat(Deadline.of(timers -> asking(names).timers(timers).build().swap(Samples.CODE), names.asked)
                        .reason())
                .isEqualTo(Reason.NOT_SENT);
    }

    private static ExchangeServerEndpoint.Builder asking(FakeNameServer names) {
        return ExchangeServerEndpoint.builder(URI.create("https://exchange.invalid"))
                .httpClient(names.client());
    }

    @Test
    @Tag("B55")
    void refusedConnectionNamesTheAddressAndTheRemedy() throws IOException {
        int port;
        try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = closed.getLocalPort();
        }

        TokenUnavailableException failure = unavailable(
                ExchangeServerEndpoint.create("http://127.0.0.1:" + port).swap(Samples.CODE));

        assertThat(failure.reason()).isEqualTo(Reason.NOT_SENT);
        assertThat(failure)
                .hasMessage("The exchange server at http://127.0.0.1:" + port + "/swap could not be reached: nothing"
                        + " listens at 127.0.0.1:" + port + ". Is it running, and is the URL right?");
    }

    @Test
    @Tag("B56")
    void blackHoleIsGivenUpAfter5Seconds() throws IOException {
        // A full queue of a server that never accepts swallows every further SYN.
        List<Socket> queued = new ArrayList<>();
        try (ServerSocket blackHole = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            for (int i = 0; i < 5; i++) {
                Socket socket = new Socket();
                queued.add(socket);
                try {
                    socket.connect(blackHole.getLocalSocketAddress(), 200);
                } catch (SocketTimeoutException full) {
                    // As intended, after the first two.
                }
            }

            TokenUnavailableException failure =
                    unavailable(endpoint(URI.create("http://127.0.0.1:" + blackHole.getLocalPort()))
                            .build()
                            .swap(Samples.CODE));

            assertThat(failure.reason()).isEqualTo(Reason.NOT_SENT);
            assertThat(failure).hasCauseInstanceOf(ConnectTimeoutException.class);
            assertThat(failure.getCause()).hasMessageContaining("5000 ms");
        } finally {
            for (Socket socket : queued) {
                socket.close();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
        before the status line | ''
        in the status line     | HTTP/1.1 2
        in the headers         | HTTP/1.1 200 OK\\r\\nContent-Type: appl
        in the body            | HTTP/1.1 200 OK\\r\\nContent-Length: 25\\r\\n\\r\\n{"access_token":"can
        in a chunk             | HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n19\\r\\n{"access_token":"can
        """)
    @Tag("B58")
    @Tag("B59")
    void resetAfterTheRequestLeavesItOpen(String where, String bytes) {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write(bytes.replace("\\r\\n", "\r\n"));
            connection.reset();
        }));

        TokenUnavailableException failure =
                unavailable(endpoint(server.uri()).build().refresh(Samples.REFRESH_TOKEN));

        assertThat(failure.reason()).isEqualTo(Reason.RESPONSE_LOST);
        assertThat(failure).hasMessageEndingWith("It may have processed the request.");
        assertThat(server.requests()).hasSize(1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
        no response at all      | ''
        short body            | HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\n{"access_token":"canary"}
        chunk cut             | HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n40\\r\\n{"access_token":"canary"}
        last chunk missing    | HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n19\\r\\n{"access_token":"canary"}\\r\\n
        """)
    @Tag("B60")
    void halfAResponseIsNone(String what, String bytes) {
        RawServer server = started(RawServer.responding(bytes.replace("\\r\\n", "\r\n")));

        assertThat(unavailable(endpoint(server.uri()).build().refresh(Samples.REFRESH_TOKEN))
                        .reason())
                .isEqualTo(Reason.RESPONSE_LOST);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    @Tag("B60")
    void bodyThatOnlyItsEndDelimitsIsReadWholeOrNotAtAll() {
        RawServer whole = started(RawServer.responding("HTTP/1.0 200 OK\r\n\r\n" + Samples.TOKEN_RESPONSE));
        RawServer half =
                started(RawServer.responding("HTTP/1.0 200 OK\r\n\r\n" + Samples.TOKEN_RESPONSE.substring(0, 60)));

        assertThat(endpoint(whole.uri())
                        .build()
                        .swap(Samples.CODE)
                        .block()
                        .accessToken()
                        .secret())
                .isEqualTo("canary-new");
        assertThat(unavailable(endpoint(half.uri()).build().swap(Samples.CODE)).reason())
                .isEqualTo(Reason.INVALID_RESPONSE);
    }

    @Test
    @Tag("B61")
    void silenceEndsAtTheDeadline() throws Exception {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));

        TokenUnavailableException failure = Deadline.of(
                timers -> endpoint(server.uri()).timers(timers).build().swap(Samples.CODE), server.arrived());

        assertThat(failure.reason()).isEqualTo(Reason.RESPONSE_LOST);
        assertThat(failure).hasMessageContaining("did not respond in time");
        assertThat(server.isClosedByClient()).isTrue();
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    @Tag("B62")
    void dripEndsAtTheDeadlineThoughBytesKeepComing() throws Exception {
        CountDownLatch dripping = new CountDownLatch(2);
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\n\r\n");
            // By the clock of the deadline: whenever it moves on, so does the response.
            started(Flux.interval(Duration.ofMillis(10))
                    .concatMap(tick -> Mono.fromCallable(() -> connection.write(" ")))
                    .subscribe());
            dripping.countDown();
            connection.awaitClose();
        }));
        ExchangeServerEndpoint.Builder endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection().doOnResponse((response, connection) -> dripping.countDown()));

        assertThat(Deadline.of(timers -> endpoint.timers(timers).build().swap(Samples.CODE), dripping)
                        .reason())
                .isEqualTo(Reason.RESPONSE_LOST);
        assertThat(server.isClosedByClient()).isTrue();
    }

    @Test
    @Tag("B63")
    void requestOnAConnectionThatTheServerClosesIsSentOnce() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write(ok(Samples.TOKEN_RESPONSE));
            connection.request();
            connection.reset();
        }));
        ConnectionProvider one = ConnectionProvider.create("one", 1);
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.create(one))
                .build();

        endpoint.refresh(Samples.REFRESH_TOKEN).block();
        assertThat(unavailable(endpoint.refresh(Samples.REFRESH_TOKEN)).reason())
                .isEqualTo(Reason.RESPONSE_LOST);

        assertThat(server.requests()).hasSize(2);
        assertThat(server.connections()).isEqualTo(1);
        one.dispose();
    }

    private RawServer resettingTheHandshake() {
        return started(RawServer.playing(connection -> connection.awaitByte().reset()));
    }

    @Test
    @Tag("B57")
    void resetBeforeTheRequestLeavesItUnsent() {
        assertThat(unavailable(endpoint(resettingTheHandshake().secureUri())
                                .build()
                                .swap(Samples.CODE))
                        .reason())
                .isEqualTo(Reason.NOT_SENT);
    }

    @Test
    @Tag("B64")
    void resetWhereTheClientOfReactorNettyWouldRetryIsNotRetried() {
        RawServer server = resettingTheHandshake();

        unavailable(endpoint(server.secureUri()).build().swap(Samples.CODE));

        assertThat(server.connections()).isEqualTo(1);
    }

    @ParameterizedTest(name = "HTTP/2 with {0} yields {1}")
    @CsvSource({
        "a response, TOKEN",
        "a reset of the stream, RESPONSE_LOST",
        "the end of the connection after the response, TOKEN"
    })
    @Tag("B69")
    void http2OfTheCallersClientIsHonoured(String what, String outcome) {
        RecordingServer server = started(RecordingServer.http2((request, response) -> {
            response.withConnection(connection -> {
                switch (what) {
                    case "a reset of the stream" -> connection.channel().close();
                    case "the end of the connection after the response" ->
                        connection.channel().parent().close();
                    default -> {}
                }
            });
            return RecordingServer.json(200, Samples.TOKEN_RESPONSE).to(request, response);
        }));
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection().protocol(HttpProtocol.H2C))
                .build();

        assertThat(Outcomes.of(() -> endpoint.refresh(Samples.REFRESH_TOKEN).block()))
                .isEqualTo(outcome);
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void unsolicitedResponseIsNoFailure() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
            connection.awaitClose();
        }));

        assertThat(unavailable(endpoint(server.uri()).build().swap(Samples.CODE)))
                .isNotNull();
        assertThat(server.connections()).isEqualTo(1);
    }

    @Test
    @Tag("B68")
    void proxyThatRefusesIsNamed() {
        RawServer proxy = started(
                RawServer.responding("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(URI.create("https://exchange.invalid"))
                .httpClient(HttpClient.newConnection()
                        .proxy(spec -> spec.type(ProxyProvider.Proxy.HTTP)
                                .host("127.0.0.1")
                                .port(proxy.port())))
                .build();

        TokenUnavailableException failure = unavailable(endpoint.swap(Samples.CODE));

        assertThat(failure.reason()).isEqualTo(Reason.NOT_SENT);
        assertThat(failure).hasMessageContaining("the proxy would not connect to exchange.invalid:443");
        assertThat(proxy.requests()).singleElement().asString().startsWith("CONNECT exchange.invalid:443");
    }

    @Test
    @Tag("E39")
    void anUnknownNameIsThatOfTheProxyUnlessItIsTheServers() {
        TokenServer server = new TokenServer("exchange server", URI.create("https://exchange.invalid"), "");

        assertThat(TransportFailure.of(server, new UnknownHostException("proxy.invalid"), false, true))
                .hasMessageContaining("the name of the proxy is unknown");
        assertThat(TransportFailure.of(server, new UnknownHostException("exchange.invalid"), false, true))
                .hasMessageContaining("the name of exchange.invalid:443 is unknown");
        assertThat(TransportFailure.of(server, new UnknownHostException("exchange.invalid"), false, false))
                .hasMessageContaining("the name of exchange.invalid:443 is unknown");
    }

    @Test
    @Tag("E39")
    void aProxyThatIsDownIsNamed() throws IOException {
        int port;
        try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = closed.getLocalPort();
        }
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(URI.create("https://exchange.invalid"))
                .httpClient(HttpClient.newConnection()
                        .proxy(spec -> spec.type(ProxyProvider.Proxy.HTTP)
                                .host("127.0.0.1")
                                .port(port)))
                .build();

        assertThat(unavailable(endpoint.swap(Samples.CODE)))
                .hasMessageContaining("the proxy did not accept a connection")
                .hasMessageNotContaining("nothing listens at exchange");
    }
}
