package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tokenswap.RefreshToken;
import io.tokenswap.TokenEndpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.ChannelBindException;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;

class ExchangeServerTest {

    private static final String REQUEST = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

    @Test
    void nothingListensBeforeSubscription() throws IOException {
        int port = RedisProcess.freePort();
        Mono<ExchangeServer> cold = ExchangeServer.start(config(port));
        try (ServerSocket another = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            assertThat(another.isBound()).isTrue();
        }

        try (ExchangeServer server = cold.blockOptional().orElseThrow()) {
            assertThat(server.uri()).hasToString("http://127.0.0.1:" + port);
        }
    }

    @Test
    void severalLiveInOneProcessEachWithItsOwnUrlAndLogins() {
        try (Exchange one = new Exchange();
                Exchange two = new Exchange()) {
            assertThat(one.server.uri())
                    .hasToString("http://127.0.0.1:" + one.port())
                    .isNotEqualTo(two.server.uri());
            assertThat(one.login(Exchange.AUTHORIZE).providerQuery())
                    .containsEntry("redirect_uri", one.server.uri() + "/callback");
            assertThat(two.login(Exchange.AUTHORIZE).providerQuery())
                    .containsEntry("redirect_uri", two.server.uri() + "/callback");
        }
    }

    @ParameterizedTest(name = "{0} is called {1}")
    @CsvSource({
        "127.0.0.1, 127.0.0.1",
        "127.0.0.2, 127.0.0.2",
        "0.0.0.0, 127.0.0.1",
        "::, 127.0.0.1",
        "::1, [::1]",
        "[::1], [::1]",
        "0:0:0:0:0:0:0:1, [::1]",
        "::ffff:127.0.0.1, 127.0.0.1"
    })
    void theUrlOfAPortNamesAnAddressThatIsBound(String bound, String host) throws UnknownHostException {
        assumeTrue(isOfThisMachine(bound));
        try (Exchange exchange = new Exchange(Map.of("BIND_ADDRESS", bound))) {
            URI uri = exchange.server.uri();

            assertThat(uri).hasToString("http://" + host + ":" + exchange.port());
            assertThat(Exchange.get(uri.resolve("/health/live")).statusCode()).isEqualTo(200);
        }
    }

    /** Some containers have no IPv6. */
    private static boolean isOfThisMachine(String address) throws UnknownHostException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(address))) {
            return socket.isBound();
        } catch (IOException absent) {
            return false;
        }
    }

    @Test
    void aPortThatIsTakenIsAnError() {
        try (Exchange one = new Exchange()) {
            assertThatThrownBy(() -> ExchangeServer.start(config(one.port())).block())
                    .isInstanceOf(ChannelBindException.class);
        }
    }

    @Test
    void aPublicUrlThatIsGivenIsUsed() {
        try (Exchange one =
                new Exchange(Map.of("PUBLIC_URL", "https://exchange.example/spotify/", "SEAL_KEYS", Exchange.KEY))) {
            assertThat(one.server.uri()).hasToString("https://exchange.example/spotify");
            assertThat(one.login(Exchange.AUTHORIZE).providerQuery())
                    .containsEntry("redirect_uri", "https://exchange.example/spotify/callback");
        }
    }

    @Test
    void aResponseInFlightArrivesAfterTheServerWasAskedToStop() {
        try (Exchange exchange = new Exchange()) {
            Sinks.Empty<Void> gate = Sinks.empty();
            exchange.provider.waitsFor(gate.asMono());
            CompletableFuture<Integer> status =
                    CompletableFuture.supplyAsync(() -> exchange.swap("c").statusCode());
            exchange.provider.arrived().block();

            CompletableFuture<Void> stopped = CompletableFuture.runAsync(exchange.server::close);
            exchange.server.onListenerClose().block();
            gate.tryEmitEmpty();

            assertThat(status.join()).isEqualTo(200);
            stopped.join();
        }
    }

    @Test
    @Tag("E63")
    void aRequestThatArrivesAfterTheListenerHasClosedIsServedOnItsConnection() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("DRAIN_DELAY", "0s"));
                Socket fresh = connect(exchange);
                Socket idle = connect(exchange)) {
            exchange.awaitConnections(2);
            assertThat(askAndRead(idle)).doesNotContainIgnoringCase("connection: close");
            CompletableFuture<Void> drained =
                    exchange.server.drain(Duration.ofMinutes(10)).toFuture();
            exchange.server.onListenerClose().block();

            assertThat(askAndRead(idle)).startsWith("HTTP/1.1 200 ").containsIgnoringCase("connection: close");
            assertThat(askAndRead(fresh)).startsWith("HTTP/1.1 200 ").containsIgnoringCase("connection: close");
            // Both have closed, so that nothing is left to wait for.
            drained.join();
        }
    }

    @Test
    void closingWithoutAnAnnouncementKeepsOnlyTheConnectionsThatAreNew() throws IOException {
        try (Exchange exchange = new Exchange();
                Socket fresh = connect(exchange);
                Socket idle = connect(exchange)) {
            exchange.awaitConnections(2);
            askAndRead(idle);
            CompletableFuture<Void> closed =
                    CompletableFuture.runAsync(() -> exchange.server.close(false, Duration.ofMinutes(10)));

            assertThat(idle.getInputStream().read()).isEqualTo(-1);
            assertThat(askAndRead(fresh)).startsWith("HTTP/1.1 200 ");
            closed.join();
        }
    }

    @Test
    @Tag("E63")
    void theEndOfTheLingerClosesWhatIsIdleAndLetsARequestFinish() throws IOException {
        List<Socket> halves = new ArrayList<>();
        try (Exchange exchange = new Exchange();
                Socket fresh = connect(exchange)) {
            for (int i = 0; i < 20; i++) {
                Socket half = connect(exchange);
                halves.add(half);
                // The response to the first request shows that the first line of the second was read.
                half.getOutputStream()
                        .write((REQUEST + "GET /health/live HTTP/1.1\r\n").getBytes(StandardCharsets.US_ASCII));
                read(half);
            }
            exchange.awaitConnections(21);
            CompletableFuture<Void> closed =
                    CompletableFuture.runAsync(() -> exchange.server.close(true, Duration.ofMillis(1)));

            assertThat(fresh.getInputStream().read()).isEqualTo(-1);
            for (Socket half : halves) {
                half.getOutputStream().write("Host: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                assertThat(read(half)).startsWith("HTTP/1.1 200 ").containsIgnoringCase("connection: close");
                half.close();
            }
            closed.join();
        }
    }

    @Test
    @Tag("C50")
    void aRequestToTheProviderHasTenSeconds() {
        ConnectionProvider connections = ConnectionProvider.newConnection();

        assertThat(ExchangeServer.provider(config(0), "of-no-use", connections).timeout())
                .isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    @Tag("E36")
    void aBusyConnectionToTheProviderEndsAfterItsLife() {
        Set<Integer> ports = new ConcurrentSkipListSet<>();
        DisposableServer provider = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> {
                    ports.add(request.remoteAddress().getPort());
                    // Longer than the life of a connection.
                    return response.header("Content-Type", "application/json")
                            .sendString(Mono.delay(Duration.ofMillis(50)).thenReturn(FakeProvider.TOKEN));
                })
                .bindNow();
        ExchangeServerConfig config = ExchangeServerConfig.from(Map.of(
                "CLIENT_ID",
                "client",
                "CLIENT_SECRET",
                Exchange.SECRET,
                "PROVIDER_TOKEN_URL",
                "http://127.0.0.1:" + provider.port() + "/token"));
        ConnectionProvider connections = ExchangeServer.providerConnections(config, Duration.ofMillis(1));
        TokenEndpoint endpoint = ExchangeServer.provider(config, Exchange.SECRET, connections);
        for (int i = 0; i < 3; i++) {
            endpoint.refresh(RefreshToken.of("rt-" + i)).block();
        }
        connections.dispose();
        provider.disposeNow();

        assertThat(ports).hasSize(3);
        assertThat(ExchangeServer.PROVIDER_LIFE).isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    @Tag("C50")
    void theEndWaitsForARequestToTheProviderWhoseCallerHasHungUp() throws Exception {
        try (Exchange exchange = new Exchange(Map.of("DRAIN_DELAY", "0s"))) {
            exchange.provider.waitsFor(Mono.delay(Duration.ofMillis(500)).then());
            Socket caller = connect(exchange);
            caller.getOutputStream()
                    .write(("POST /refresh HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                    + "Content-Length: 15\r\n\r\nrefresh_token=a")
                            .getBytes(StandardCharsets.US_ASCII));
            exchange.provider.arrived().block();
            caller.close();
            exchange.server.drain().block();

            assertThat(exchange.server.providerRequests()).isZero();
        }
    }

    private static Socket connect(Exchange exchange) throws IOException {
        Socket socket = new Socket("127.0.0.1", exchange.port());
        socket.setSoTimeout(60_000);
        return socket;
    }

    private static String askAndRead(Socket socket) throws IOException {
        socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
        return read(socket);
    }

    /** Reads one response of the health check. */
    private static String read(Socket socket) throws IOException {
        StringBuilder response = new StringBuilder();
        while (response.indexOf("{\"status\":\"up\"}") < 0) {
            int next = socket.getInputStream().read();
            if (next < 0) {
                return response + "(end)";
            }
            response.append((char) next);
        }
        return response.toString();
    }

    private static ExchangeServerConfig config(int port) {
        return ExchangeServerConfig.from(
                Map.of("PORT", String.valueOf(port), "CLIENT_ID", "client", "CLIENT_SECRET", Exchange.SECRET));
    }
}
