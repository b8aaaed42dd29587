package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import io.tokenswap.testing.RawServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/**
 * Process with 20 sessions that is stopped by a signal between request and response, for longer than all deadlines. The
 * server rotates refresh tokens without grace: a session that presents one twice is lost.
 */
@Tag("stress")
@DisabledOnOs(OS.WINDOWS)
class FrozenProcessTest {

    private static final int SESSIONS = 20;
    private static final Duration DEADLINE = Duration.ofSeconds(2);

    private final Set<String> presented = ConcurrentHashMap.newKeySet();
    private final AtomicInteger presentedAgain = new AtomicInteger();
    private final CountDownLatch arrived = new CountDownLatch(SESSIONS);
    private final CountDownLatch stopped = new CountDownLatch(1);

    /** The session waits 2 s longer than its endpoint: its timer is a little late, or very late. */
    @ParameterizedTest
    @ValueSource(longs = {4_600, 10_000})
    @Tag("E20")
    @Timeout(120)
    void losesNoSession(long frozenMillis) throws Exception {
        RawServer server = RawServer.playing(connection -> {
            while (true) {
                connection.write(response(connection.request()));
            }
        });
        Process process = start(server.port());
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(arrived.await(60, TimeUnit.SECONDS)).isTrue();
            signal("-STOP", process);
            stopped.countDown();
            Mono.delay(Duration.ofMillis(frozenMillis)).block();
            signal("-CONT", process);
            List<String> outcomes = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                outcomes.add(out.readLine());
            }
            assertThat(outcomes).allMatch("served"::equals);
            assertThat(presentedAgain).hasValue(0);
        } finally {
            process.destroyForcibly();
            server.dispose();
        }
    }

    private String response(String request) {
        String body = request.substring(request.indexOf("\r\n\r\n") + 4);
        String token = body.replaceAll(".*\"refresh_token\"\\s*:\\s*\"([^\"]+)\".*", "$1");
        if (token.equals(body)) {
            token = new QueryStringDecoder(body, false)
                    .parameters()
                    .get("refresh_token")
                    .get(0);
        }
        boolean first = presented.add(token);
        if (first) {
            arrived.countDown();
            await(stopped);
        } else {
            presentedAgain.incrementAndGet();
        }
        String json = first
                ? "{\"access_token\":\"canary-access\",\"expires_in\":3600,\"refresh_token\":\"" + token + "-next\"}"
                : "{\"error\":\"invalid_grant\"}";
        return "HTTP/1.1 " + (first ? "200 OK" : "400 Bad Request")
                + "\r\nContent-Type: application/json\r\nContent-Length: " + json.length() + "\r\n\r\n" + json;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Process start(int port) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FrozenProcessTest.class.getName(),
                        String.valueOf(port))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static void signal(String signal, Process process) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", signal, String.valueOf(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    /** The process: prints a line for each of its sessions, in any order. */
    public static void main(String[] args) {
        HttpClient client = HttpClient.create(ConnectionProvider.create("frozen", 2 * SESSIONS));
        TokenSession.Builder builder =
                TokenSession.builder(ExchangeServerEndpoint.builder("http://127.0.0.1:" + Integer.parseInt(args[0]))
                        .httpClient(client)
                        .timeout(DEADLINE)
                        .build());
        Flux.range(0, SESSIONS)
                .flatMap(
                        number -> builder.build(Token.builder("expired", Instant.EPOCH)
                                        .refreshToken("canary-refresh-" + number)
                                        .expiresAt(Instant.EPOCH)
                                        .build())
                                .token()
                                .map(token -> "served")
                                .onErrorResume(error -> Mono.just("lost: " + error)),
                        SESSIONS)
                .doOnNext(line -> {
                    System.out.println(line);
                    System.out.flush();
                })
                .blockLast();
        System.exit(0);
    }
}
