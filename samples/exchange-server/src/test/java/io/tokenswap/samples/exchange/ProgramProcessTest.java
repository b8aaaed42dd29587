package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.tcp.TcpServer;

/** What only its own process shows. */
class ProgramProcessTest {

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @Test
    @Tag("E60")
    void endlessFailuresStopNothingWhileNoProgramReadsTheLog() throws Exception {
        try (ServerProcess process = start(Map.of("MAX_CONNECTIONS_PER_ADDRESS", "5000"))) {
            URI uri = process.uri();
            List<Socket> halfSent = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                Socket socket = new Socket("127.0.0.1", uri.getPort());
                socket.getOutputStream()
                        .write(
                                "POST /swap HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
                                        .getBytes(StandardCharsets.US_ASCII));
                halfSent.add(socket);
            }
            for (Socket socket : halfSent) {
                socket.setSoLinger(true, 0);
                socket.close();
            }
            // The provider refuses connections. Each failure is worth a line; 64 KiB of lines fill the pipe.
            for (int round = 0; round < 40; round++) {
                int first = round * 50;
                IntStream.range(first, first + 50)
                        .mapToObj(i -> refresh(uri, "rt-" + i))
                        .toList()
                        .forEach(CompletableFuture::join);
            }

            assertThat(health(uri)).isEqualTo(200);
            process.stop();
            Map<String, Long> kinds = process.log().stream()
                    .filter(line -> line.contains("WARN") || line.contains("ERROR"))
                    .collect(Collectors.groupingBy(
                            line -> line.replaceAll("^\\S+ +", "").replaceAll("request [0-9a-f]+", ""),
                            Collectors.counting()));
            assertThat(kinds).isNotEmpty();
            assertThat(kinds.values()).allMatch(count -> count <= 10);
            // A client that hangs up is nothing to act on.
            assertThat(kinds.keySet()).noneMatch(kind -> kind.contains("onErrorDropped"));
        }
    }

    @Test
    @Tag("E60")
    void aProviderThatHangsUpIsLoggedByThisProgramOnly() throws Exception {
        DisposableServer provider = TcpServer.create()
                .host("127.0.0.1")
                .handle((in, out) -> in.receive().next().then())
                .bindNow();
        try (ServerProcess process =
                start(Map.of("PROVIDER_TOKEN_URL", "http://127.0.0.1:" + provider.port() + "/token"))) {
            for (int i = 0; i < 15; i++) {
                assertThat(refresh(process.uri(), "rt-" + i).join().statusCode())
                        .isEqualTo(502);
            }
            process.stop();

            assertThat(process.log().stream().filter(line -> line.contains(" WARN ") || line.contains(" ERROR ")))
                    .isNotEmpty()
                    .allSatisfy(line -> assertThat(line).contains("The provider returned no token"));
        } finally {
            provider.disposeNow();
        }
    }

    @Test
    @Tag("E63")
    void aSignalToEndIsObeyedWithExitCodeZero() throws Exception {
        try (ServerProcess process = start(Map.of())) {
            assertThat(process.stop()).isZero();
        }
    }

    @Test
    void linesAreJsonWhereTheOperatorWantsThat() throws Exception {
        try (ServerProcess process = start(Map.of("LOG_FORMAT", "json"))) {
            refresh(process.uri(), "canary").join();
            process.stop();

            assertThat(process.log().stream().filter(line -> line.contains("returned no token")))
                    .singleElement()
                    .asString()
                    .startsWith("{")
                    .endsWith("}")
                    .contains("\"level\":\"WARN\"")
                    .doesNotContain("canary");
        }
    }

    @Test
    @Tag("E64")
    void aLowFileLimitLowersTheConnectionsAndIsNamed() throws Exception {
        Map<String, String> variables = Map.of("PROVIDER_CONNECTIONS", "50", "MAX_CONNECTIONS_PER_ADDRESS", "9999");
        try (ServerProcess process =
                start(variables, List.of("sh", "-c", "ulimit -n 700 && exec \"$@\"", "with-few-files"))) {
            List<Socket> sockets = new ArrayList<>();
            int served = 0;
            for (int i = 0; i < 300; i++) {
                Socket socket = new Socket("127.0.0.1", process.uri().getPort());
                socket.setSoTimeout(20_000);
                socket.getOutputStream()
                        .write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                served += isServed(socket) ? 1 : 0;
                sockets.add(socket);
            }
            for (Socket socket : sockets) {
                socket.close();
            }
            process.stop();

            assertThat(served).isEqualTo(250);
            assertThat(process.log()).anySatisfy(line -> assertThat(line).contains("takes 250 connections"));
        }
    }

    private static boolean isServed(Socket socket) {
        try {
            return socket.getInputStream().read() >= 0;
        } catch (IOException cut) {
            return false;
        }
    }

    @Test
    @Tag("C65")
    void aClientWhoseResponseDiedWithTheServerRefreshesAtTheNextOne() throws Exception {
        try (FakeProvider provider = new FakeProvider()) {
            Map<String, String> variables = Map.of(
                    "SEAL_KEYS",
                    Exchange.KEY,
                    "PROVIDER_TOKEN_URL",
                    provider.uri("/api/token").toString());
            String sealed = sealedRefreshToken();
            try (ServerProcess killed = start(variables)) {
                // The provider has rotated, and its response is on the way.
                provider.waitsFor(Mono.never());
                CompletableFuture<HttpResponse<String>> lost = refresh(killed.uri(), sealed);
                provider.arrived().block();
                killed.kill();
                assertThat(lost).failsWithin(Duration.ofSeconds(30));
            }
            provider.waitsFor(Mono.empty());
            try (ServerProcess next = start(variables)) {
                assertThat(refresh(next.uri(), sealed).join().statusCode()).isEqualTo(200);
                assertThat(provider.asked)
                        .extracting(asked -> asked.form().get("refresh_token"))
                        .containsExactly("rt-1", "rt-1");
            }
        }
    }

    private static String sealedRefreshToken() {
        try (Exchange exchange = new Exchange(Map.of("SEAL_KEYS", Exchange.KEY))) {
            exchange.now = Instant.now();
            return Exchange.refreshToken(exchange.swap("c"));
        }
    }

    private static int health(URI uri) throws IOException, InterruptedException {
        return HTTP.send(HttpRequest.newBuilder(uri.resolve("/health/live")).build(), body())
                .statusCode();
    }

    private static CompletableFuture<HttpResponse<String>> refresh(URI uri, String refreshToken) {
        return HTTP.sendAsync(
                HttpRequest.newBuilder(uri.resolve("/refresh"))
                        .timeout(Duration.ofSeconds(30))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString("refresh_token=" + refreshToken))
                        .build(),
                body());
    }

    private static HttpResponse.BodyHandler<String> body() {
        return HttpResponse.BodyHandlers.ofString();
    }

    private static ServerProcess start(Map<String, String> variables, List<String> before) throws IOException {
        FakeProvider closed = new FakeProvider();
        Map<String, String> all = new HashMap<>(
                Map.of("PROVIDER_TOKEN_URL", closed.uri("/api/token").toString()));
        closed.close();
        all.putAll(variables);
        return ServerProcess.start(all, before);
    }

    private static ServerProcess start(Map<String, String> variables) throws IOException {
        return start(variables, List.of());
    }
}
