package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/** The rules below HTTP, over real connections. */
class ConnectionGuardTest {

    private static final String FORM = "Content-Type: application/x-www-form-urlencoded\r\n";

    @Tag("E67")
    @Tag("C59")
    @ParameterizedTest(name = "{0} gets {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "GET / HTTP/1.1~~|400",
                "GET / HTTP/1.1~Host: a~Host: b~~|400",
                "GET / HTTP/1.0~Host: a~Host: b~~|400",
                "GET / HTTP/1.1~Host: a, b~~|400",
                "GET / HTTP/1.1~Host: a b~~|400",
                "GET / HTTP/1.1~Host: b@a~~|400",
                "GET / HTTP/1.1~Host: a/b~~|400",
                "GET / HTTP/1.1~Host: \u00e9~~|400",
                "GET\t/ HTTP/1.1~Host: a~~|400",
                "GET /\tHTTP/1.1~Host: a~~|400",
                "GET  / HTTP/1.1~Host: a~~|400",
                "GET /  HTTP/1.1~Host: a~~|400",
                "GET / HTTP/1.1 ~Host: a~~|400",
                "GET /a\u0001b HTTP/1.1~Host: a~~|400",
                "GET / http/1.1~Host: a~~|400",
                "GET / HTTP/1.1~Host: a~X: b~ c~~|400",
                "GET / HTTP/1.1~Host: a~X: b~\tc~~|400",
                "GET / HTTP/2.0~Host: a~~|505",
                "GET / HTTP/1.2~Host: a~~|505",
                "GET / HTTP/0.9~Host: a~~|505",
                "GET / HTTP/1.1~Host: a~Expect: 200-ok~~|417",
                "GET / HTTP/1.1~Host: a~Expect: 100-continue~Expect: 200-ok~~|417",
                "POST /swap HTTP/1.1~Host: a~Transfer-Encoding: gzip, chunked~~0~~|400",
                "POST /swap HTTP/1.1~Host: a~Transfer-Encoding: chunked~Transfer-Encoding: chunked~~0~~|400",
                "POST /swap HTTP/1.1~Host: a~Transfer-Encoding: chunked~Transfer-Encoding:~~0~~|400",
                "POST /swap HTTP/1.1~Host: a~Transfer-Encoding: xchunked~~0~~|400",
                "POST /swap HTTP/1.0~Host: a~Transfer-Encoding: chunked~~0~~|400",
                "POST /swap HTTP/1.1~Host: a~Content-Length: 16385~~|413",
                "POST /swap HTTP/1.1~Host: a~Content-Length: 5~Content-Length: 6~~code=c|400",
                "POST /swap HTTP/1.1~Host: a~Content-Length: -1~~|400",
                "POST /swap HTTP/1.1~Host: a~Content-Length: x~~|400",
                "GET / HTTP/1.1~Host: a~Bad Name: x~~|400",
                "GET / HTTP/1.1~Host : a~~|400"
            })
    void whatProxiesAndServersReadDifferentlyIsRefused(String request, int status) throws IOException {
        try (Exchange exchange = new Exchange()) {
            String response = exchange.raw(request.replace("~", "\r\n"));

            assertThat(response)
                    .startsWith("HTTP/1.1 " + status + " ")
                    .contains("{\"error\":\"invalid_request\",\"error_description\":\"")
                    .containsIgnoringCase("cache-control: no-store")
                    .containsIgnoringCase("connection: close");
            assertThat(response.split("HTTP/1\\.1 [0-9]{3} ", -1)).hasSize(2);
        }
    }

    @Tag("E67")
    @ParameterizedTest
    @ValueSource(strings = {"", "a.example:443", "[::1]:8080", "127.0.0.1", "a_b", "a%2Cb", "A.EXAMPLE."})
    void hostsOfEveryKindAreServed(String host) throws IOException {
        try (Exchange exchange = new Exchange()) {
            assertThat(exchange.raw("get /health/live HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
                            + "GET /health/live HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 405 ")
                    .contains("HTTP/1.1 200 ");
        }
    }

    @Test
    @Tag("C59")
    void aLengthBesideChunksIsRefusedOrItsConnectionCloses() throws IOException {
        try (Exchange exchange = new Exchange()) {
            String smuggled = "POST /swap HTTP/1.1\r\nHost: a\r\n" + FORM
                    + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

            assertThat(exchange.raw(smuggled)).startsWith("HTTP/1.1 400 ").doesNotContain("\"up\"");
        }
    }

    @Test
    @Tag("C59")
    void aBodyInChunksIsTheLastRequestOfItsConnection() throws IOException {
        try (Exchange exchange = new Exchange()) {
            String pair = "POST /swap HTTP/1.1\r\nHost: a\r\n" + FORM
                    + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

            assertThat(exchange.raw(pair)).startsWith("HTTP/1.1 400 ").doesNotContain("\"up\"");
        }
    }

    @Test
    @Tag("E67")
    void controlBytesAheadOfARequestAreRefused() throws IOException {
        try (Exchange exchange = new Exchange()) {
            for (String start : new String[] {"\u0001\u0002", "\u0016\u0003\u0001", " ", "\u0000"}) {
                assertThat(exchange.raw(start + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
                        .startsWith("HTTP/1.1 400 ");
            }
        }
    }

    @Test
    @Tag("E67")
    void tooLongHeadsAreNamed() throws IOException {
        try (Exchange exchange = new Exchange()) {
            assertThat(exchange.raw("GET /" + "x".repeat(9_000) + " HTTP/1.1\r\nHost: a\r\n\r\n"))
                    .startsWith("HTTP/1.1 414 ");
            assertThat(exchange.raw("GET / HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(17_000) + "\r\n\r\n"))
                    .startsWith("HTTP/1.1 431 ");
        }
    }

    @Test
    @Tag("E67")
    void earlierRequestsOfAConnectionGetTheirResponsesFirst() throws IOException {
        Sinks.Empty<Void> gate = Sinks.empty();
        try (Exchange exchange = new Exchange();
                Socket socket = connect(exchange)) {
            exchange.provider.waitsFor(gate.asMono());
            // One packet: the malformed request is read while the first one waits for the provider.
            write(
                    socket,
                    "POST /refresh HTTP/1.1\r\nHost: a\r\n" + FORM + "Content-Length: 15\r\n\r\nrefresh_token=r"
                            + "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n");
            exchange.provider.arrived().block();
            gate.tryEmitEmpty();

            assertThat(rest(socket).split("HTTP/1\\.1 ", -1)).hasSize(4).satisfies(parts -> {
                assertThat(parts[1]).startsWith("200 ");
                assertThat(parts[2]).startsWith("200 ");
                assertThat(parts[3]).startsWith("400 ");
            });
        }
    }

    @Test
    @Tag("E64")
    void aClientThatDoesNotWaitForResponsesIsRefused() throws IOException {
        Sinks.Empty<Void> gate = Sinks.empty();
        try (Exchange exchange = new Exchange();
                Socket socket = connect(exchange)) {
            exchange.provider.waitsFor(gate.asMono());
            // One packet: the first requests are read together, before a response can be sent.
            write(
                    socket,
                    "POST /refresh HTTP/1.1\r\nHost: a\r\n" + FORM + "Content-Length: 15\r\n\r\nrefresh_token=r"
                            + "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500));
            exchange.provider.arrived().block();
            gate.tryEmitEmpty();

            String[] responses = rest(socket).split("HTTP/1\\.1 ", -1);
            assertThat(responses).hasSize(18);
            assertThat(responses[1]).startsWith("200 ");
            assertThat(responses[responses.length - 1]).startsWith("429 ");
        }
    }

    @Test
    void aRequestThatArrivesByteForByteIsServed() throws IOException {
        try (Exchange exchange = new Exchange();
                Socket socket = connect(exchange)) {
            String request = "\r\nPOST /swap HTTP/1.1\r\nHost: a\r\n" + FORM
                    + "Content-Length: 6\r\n\r\ncode=cGET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            for (byte next : request.getBytes(StandardCharsets.US_ASCII)) {
                socket.getOutputStream().write(next);
            }

            assertThat(rest(socket)).contains("invalid_grant").contains("\"up\"");
        }
    }

    @Test
    void aClientThatWaitsForContinueIsServed() throws IOException {
        try (Exchange exchange = new Exchange();
                Socket socket = connect(exchange)) {
            write(
                    socket,
                    "POST /swap HTTP/1.1\r\nHost: a\r\n" + FORM
                            + "Content-Length: 6\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
            byte[] interim = socket.getInputStream().readNBytes("HTTP/1.1 100 Continue".length());
            write(socket, "code=c");

            assertThat(new String(interim, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 100 Continue");
            assertThat(rest(socket)).contains("invalid_grant");
        }
    }

    @Test
    @Tag("E64")
    @Tag("C60")
    void aHeadHasADeadline() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("HEADER_TIMEOUT", "100ms"));
                Socket begun = connect(exchange);
                Socket silent = connect(exchange)) {
            write(begun, "GET / HTTP/1.1\r\nHost:");

            assertThat(rest(begun)).startsWith("HTTP/1.1 408 ");
            assertThat(rest(silent)).isEmpty();
        }
    }

    @Test
    @Tag("E64")
    void theHeadOfALaterRequestHasADeadlineToo() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("HEADER_TIMEOUT", "300ms"));
                Socket socket = connect(exchange)) {
            write(socket, "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET / HTT");

            assertThat(rest(socket)).startsWith("HTTP/1.1 200 ").contains("HTTP/1.1 408 ");
        }
    }

    @Test
    @Tag("E64")
    @Tag("C29")
    void aBodyHasADeadline() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("BODY_TIMEOUT", "100ms"));
                Socket known = connect(exchange);
                Socket chunked = connect(exchange)) {
            write(known, "POST /swap HTTP/1.1\r\nHost: a\r\n" + FORM + "Content-Length: 100\r\n\r\ncode=");
            write(chunked, "POST /swap HTTP/1.1\r\nHost: a\r\n" + FORM + "Transfer-Encoding: chunked\r\n\r\n1\r\nc");

            assertThat(rest(known)).startsWith("HTTP/1.1 408 ").contains("invalid_request");
            assertThat(rest(chunked)).startsWith("HTTP/1.1 408 ");
            exchange.awaitRequestsAtMost(0);
        }
    }

    @Test
    @Tag("E64")
    void anUnwantedBodyIsReadToABoundOnly() throws IOException {
        try (Exchange exchange = new Exchange();
                Socket socket = connect(exchange)) {
            write(socket, "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            String chunk = "1000\r\n" + "c".repeat(0x1000) + "\r\n";

            // The server ends the connection long before the body does.
            assertThat(isCutWhileSending(socket, chunk, 10_000)).isTrue();
        }
    }

    @Test
    @Tag("E64")
    void aRefusedBodyIsReadToABoundOnly() throws IOException {
        try (Exchange exchange = new Exchange();
                Socket socket = connect(exchange)) {
            write(socket, "POST /swap HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");

            // The buffers of both systems hold a few megabytes.
            assertThat(isCutWhileSending(socket, "c".repeat(0x10000), 512)).isTrue();
        }
    }

    @Test
    @Tag("E64")
    void anUnwantedBodyThatStallsEndsItsConnection() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("BODY_TIMEOUT", "1h", "KEEP_ALIVE", "1h"));
                Socket responded = connect(exchange);
                Socket refused = connect(exchange)) {
            write(responded, "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nc");
            write(refused, "POST /swap HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\nc");

            assertThat(rest(responded)).startsWith("HTTP/1.1 404 ");
            assertThat(rest(refused)).startsWith("HTTP/1.1 413 ");
            // The half-closed connection takes what is still on its way, and then ends too.
            Flux.interval(Duration.ofMillis(20))
                    .onBackpressureDrop()
                    .publishOn(Schedulers.boundedElastic())
                    .takeUntil(tick -> isCutWhileSending(refused, "c", 1))
                    .blockLast(Duration.ofSeconds(20));
        }
    }

    @Test
    @Tag("E64")
    void aClientThatTakesNoResponseIsCut() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("RESPONSE_TIMEOUT", "200ms"));
                Socket socket = new Socket()) {
            socket.setReceiveBufferSize(1_024);
            socket.connect(new InetSocketAddress("127.0.0.1", exchange.port()));
            String request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

            // Each response is a page of 3 KiB. Nothing is read, so that the server cannot write for ever.
            assertThat(isCutWhileSending(socket, request.repeat(100), 10_000)).isTrue();
        }
    }

    @Test
    @Tag("E64")
    void connectionsAreCappedInAllAndForEachAddress() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("MAX_CONNECTIONS_PER_ADDRESS", "3", "MAX_CONNECTIONS", "5"))) {
            List<Socket> sockets = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                sockets.add(live(exchange, "127.0.0.1"));
            }
            assertClosed(exchange, "127.0.0.1");
            // The refused connection counts until the server has closed its side.
            sockets.add(eventuallyLive(exchange, "127.0.0.2"));
            sockets.add(eventuallyLive(exchange, "127.0.0.2"));
            assertClosed(exchange, "127.0.0.3");

            // A place that is given back is free again.
            sockets.remove(0).close();
            sockets.add(eventuallyLive(exchange, "127.0.0.3"));
            sockets.remove(4).close();
            sockets.add(eventuallyLive(exchange, "127.0.0.1"));
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    @Tag("E64")
    void theAddressOfAListedProxyIsNotCapped() throws IOException {
        try (Exchange exchange =
                new Exchange(Map.of("MAX_CONNECTIONS_PER_ADDRESS", "1", "TRUSTED_PROXIES", "127.0.0.0/30"))) {
            try (Socket one = live(exchange, "127.0.0.1");
                    Socket two = live(exchange, "127.0.0.1")) {
                assertThat(one.isConnected() && two.isConnected()).isTrue();
            }
        }
    }

    @Test
    @Tag("E70")
    void anIdleConnectionLivesLongerThanTheWorldsDefaults() {
        ExchangeServerConfig config =
                ExchangeServerConfig.from(Map.of("CLIENT_ID", "client", "CLIENT_SECRET", Exchange.SECRET));

        assertThat(config.connectionLimits.keepAlive()).isEqualTo(Duration.ofSeconds(75));
    }

    @Test
    @Tag("E70")
    void anIdleConnectionEndsAfterTheConfiguredTime() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("KEEP_ALIVE", "100ms"));
                Socket socket = live(exchange, "127.0.0.1")) {
            assertThat(rest(socket)).isEmpty();
        }
    }

    @Test
    @Tag("E64")
    void emptyLinesBeforeARequestKeepNoConnectionOpen() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("HEADER_TIMEOUT", "100ms", "KEEP_ALIVE", "10m"));
                Socket socket = live(exchange, "127.0.0.1")) {
            socket.getOutputStream().write("\r\n".getBytes(StandardCharsets.US_ASCII));

            assertThat(rest(socket)).isEmpty();
        }
    }

    private static Socket connect(Exchange exchange) throws IOException {
        Socket socket = new Socket("127.0.0.1", exchange.port());
        socket.setSoTimeout(20_000);
        return socket;
    }

    /** A connection that has had one response. */
    private static Socket live(Exchange exchange, String from) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(20_000);
        socket.bind(new InetSocketAddress(from, 0));
        socket.connect(new InetSocketAddress("127.0.0.1", exchange.port()));
        write(socket, "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n");
        String response = "";
        InputStream in = socket.getInputStream();
        while (!response.endsWith("}")) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("closed");
            }
            response += (char) next;
        }
        return socket;
    }

    private static Socket eventuallyLive(Exchange exchange, String from) {
        while (true) {
            try {
                return live(exchange, from);
            } catch (IOException notYet) {
                Thread.onSpinWait();
            }
        }
    }

    private static void assertClosed(Exchange exchange, String from) {
        assertThatThrownBy(() -> live(exchange, from)).isInstanceOf(IOException.class);
    }

    private static boolean isCutWhileSending(Socket socket, String text, int times) {
        try {
            for (int i = 0; i < times; i++) {
                write(socket, text);
            }
            return false;
        } catch (IOException cut) {
            return true;
        }
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static String rest(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
}
