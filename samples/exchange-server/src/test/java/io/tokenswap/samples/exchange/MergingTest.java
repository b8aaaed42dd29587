package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Requests with the same code or refresh token. */
class MergingTest {

    private final Exchange exchange = new Exchange();

    @AfterEach
    void stop() {
        exchange.close();
    }

    @Test
    @Tag("C44")
    void aHundredParallelRefreshesAreOneRequest() {
        Sinks.Empty<Void> gate = Sinks.empty();
        exchange.provider.waitsFor(gate.asMono());
        List<CompletableFuture<HttpResponse<String>>> responses = IntStream.range(0, 100)
                .mapToObj(i -> exchange.refreshAsync("rt"))
                .toList();
        exchange.provider.arrived().block();
        exchange.awaitRequests(100);
        gate.tryEmitEmpty();

        assertThat(responses.stream()
                        .map(CompletableFuture::join)
                        .map(HttpResponse::body)
                        .distinct())
                .hasSize(1)
                .first()
                .asString()
                .contains("at-1");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    @Tag("C34")
    void aHundredParallelSwapsOfOneCodeAreOneRequestWithOneResult() {
        String code = exchange.code("c");
        List<CompletableFuture<HttpResponse<String>>> responses = IntStream.range(0, 100)
                .mapToObj(i -> exchange.formAsync("/swap", "code=" + code))
                .toList();

        Map<Integer, Long> statuses = responses.stream()
                .map(CompletableFuture::join)
                .collect(java.util.stream.Collectors.groupingBy(
                        HttpResponse::statusCode, java.util.stream.Collectors.counting()));
        assertThat(statuses).isEqualTo(Map.of(200, 1L, 400, 99L));
        assertThat(exchange.form("/swap", "code=" + code).body()).startsWith("{\"error\":\"invalid_grant\"");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    @Tag("C34")
    void aCodeThatTheProviderCertainlyDidNotSeeMayBeSentAgain() {
        String code = exchange.code("c");
        exchange.provider.respondsWith(429, "application/json", "{}", Map.of("Retry-After", "7"));
        assertThat(exchange.form("/swap", "code=" + code).statusCode()).isEqualTo(429);
        exchange.now = exchange.now.plusSeconds(7);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);

        assertThat(exchange.form("/swap", "code=" + code).statusCode()).isEqualTo(200);
    }

    @Test
    @Tag("C34")
    void aCodeWhoseResponseWasLostIsNotSentAgain() {
        String code = exchange.code("c");
        exchange.provider.respondsWith(500, "{}");
        assertThat(exchange.form("/swap", "code=" + code).statusCode()).isEqualTo(502);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);

        assertThat(exchange.form("/swap", "code=" + code).body()).startsWith("{\"error\":\"invalid_grant\"");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    @Tag("C45")
    void aRepeatWithinThirtySecondsGetsTheSameResponse() {
        exchange.provider.respondsWith(200, "{\"access_token\":\"at-1\",\"expires_in\":60,\"refresh_token\":\"rt-2\"}");
        String first = exchange.refresh("rt").body();
        exchange.provider.respondsWith(400, "{\"error\":\"invalid_grant\"}");

        exchange.now = exchange.now.plusSeconds(30).minusMillis(1);
        assertThat(exchange.refresh("rt").body()).isEqualTo(first.replace("\"expires_in\":60", "\"expires_in\":30"));
        exchange.now = exchange.now.plusMillis(1);
        assertThat(exchange.refresh("rt").statusCode()).isEqualTo(400);
    }

    @Test
    @Tag("C46")
    void aDeadGrantIsRememberedForARepeat() {
        exchange.provider.respondsWith(400, "{\"error\":\"invalid_grant\"}");
        exchange.refresh("rt");

        assertThat(exchange.refresh("rt").body()).startsWith("{\"error\":\"invalid_grant\"");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    @Tag("C73")
    void aFamilyThatTheProviderRevokedIsOneCleanInvalidGrant() {
        exchange.provider.respondsWith(
                400,
                "{\"error\":\"invalid_grant\",\"error_description\":\"Reuse detected: the family is revoked\","
                        + "\"error_uri\":\"https://provider.example\"}");
        for (int i = 0; i < 20; i++) {
            HttpResponse<String> response = exchange.refresh("rt");
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(response.body())
                    .isEqualTo("{\"error\":\"invalid_grant\",\"error_description\":"
                            + "\"The provider does not accept this code or refresh token\"}");
        }
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    void anyOtherFailureIsNotKept() {
        exchange.provider.respondsWith(500, "{}");
        assertThat(exchange.refresh("rt").statusCode()).isEqualTo(502);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);

        assertThat(exchange.refresh("rt").statusCode()).isEqualTo(200);
    }

    @Test
    @Tag("C50")
    @Tag("E61")
    void aCallerThatHangsUpEndsNothing() throws IOException {
        Sinks.Empty<Void> gate = Sinks.empty();
        exchange.provider.waitsFor(gate.asMono());
        hangUp("refresh_token=rt");
        gate.tryEmitEmpty();

        assertThat(exchange.refresh("rt").body()).contains("at-1");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    @Tag("E83")
    void theLastOfAHundredCallersIsServedThoughTheOthersHangUp() throws IOException {
        Sinks.Empty<Void> gate = Sinks.empty();
        exchange.provider.waitsFor(gate.asMono());
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < 99; i++) {
            sockets.add(send("refresh_token=rt"));
        }
        exchange.provider.arrived().block();
        CompletableFuture<HttpResponse<String>> last = exchange.refreshAsync("rt");
        exchange.awaitRequests(100);
        for (Socket socket : sockets) {
            socket.close();
        }
        exchange.awaitRequestsAtMost(1);
        gate.tryEmitEmpty();

        assertThat(last.join().body()).contains("at-1");
        assertThat(exchange.refresh("rt").body()).contains("at-1");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    @Tag("C50")
    void theRequestOfACallerThatIsGoneStillHasItsDeadline() throws IOException {
        try (Exchange impatient = new Exchange(Map.of(), Duration.ofMillis(100))) {
            impatient.provider.waitsFor(Mono.never());

            assertThat(impatient.refresh("rt").statusCode()).isEqualTo(504);
            impatient.provider.waitsFor(Mono.empty());
            assertThat(impatient.refresh("rt").statusCode()).isEqualTo(200);
        }
    }

    private void hangUp(String body) throws IOException {
        try (Socket socket = send(body)) {
            exchange.provider.arrived().block();
            assertThat(socket.isConnected()).isTrue();
        }
        exchange.awaitRequestsAtMost(0);
    }

    private Socket send(String body) throws IOException {
        Socket socket = new Socket("127.0.0.1", exchange.port());
        socket.getOutputStream()
                .write(("POST /refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }
}
