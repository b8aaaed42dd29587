package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The program as a process of its own, with the logging of the packaged program. */
class ProgramProcessTest {

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @Test
    @Tag("E60")
    void failuresWithoutEndStopNothingThoughNobodyReadsTheLog() throws Exception {
        Process process = start(Map.of("MAX_CONNECTIONS_PER_ADDRESS", "5000"));
        try {
            URI uri = uri(process);
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

            assertThat(HTTP.send(
                                    HttpRequest.newBuilder(uri.resolve("/health/live"))
                                            .build(),
                                    body())
                            .statusCode())
                    .isEqualTo(200);
            process.toHandle().destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            Map<String, Long> kinds = lines(process).stream()
                    .filter(line -> line.contains("WARN") || line.contains("ERROR"))
                    .collect(Collectors.groupingBy(
                            line -> line.replaceAll("^\\S+ +", "").replaceAll("request [0-9a-f]+", ""),
                            Collectors.counting()));
            assertThat(kinds).isNotEmpty();
            assertThat(kinds.values()).allMatch(count -> count <= 10);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    @Tag("E63")
    void aSignalToEndIsObeyedWithExitCodeZero() throws Exception {
        Process process = start(Map.of());
        try {
            uri(process);
            process.toHandle().destroy();

            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void linesAreJsonWhereTheOperatorWantsThat() throws Exception {
        Process process = start(Map.of("LOG_FORMAT", "json"));
        try {
            URI uri = uri(process);
            refresh(uri, "canary").join();
            process.toHandle().destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

            assertThat(lines(process).stream().filter(line -> line.contains("returned no token")))
                    .singleElement()
                    .asString()
                    .startsWith("{")
                    .endsWith("}")
                    .contains("\"level\":\"WARN\"")
                    .doesNotContain("canary");
        } finally {
            process.destroyForcibly();
        }
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

    private static Process start(Map<String, String> variables) throws IOException {
        FakeProvider closed = new FakeProvider();
        String tokenUrl = closed.uri("/api/token").toString();
        closed.close();
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-Dlogback.configurationFile="
                        + Path.of("src/main/program/logback.xml").toAbsolutePath(),
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName());
        builder.environment().clear();
        builder.environment()
                .putAll(Map.of(
                        "PORT", "0",
                        "CLIENT_ID", "client",
                        "CLIENT_SECRET", Exchange.SECRET,
                        "PROVIDER_TOKEN_URL", tokenUrl,
                        "DRAIN_DELAY", "0s"));
        builder.environment().putAll(variables);
        return builder.start();
    }

    private static URI uri(Process process) throws IOException {
        BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = out.readLine();
        assertThat(line).startsWith("Exchange server at ");
        return URI.create(line.substring("Exchange server at ".length()));
    }

    private static List<String> lines(Process process) {
        return new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))
                .lines()
                .toList();
    }
}
