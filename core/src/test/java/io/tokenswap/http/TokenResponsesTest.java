package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.testing.RawServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

class TokenResponsesTest extends WireFixture {

    @ParameterizedTest(name = "{0} to {1} is not followed")
    @CsvSource({
        "301, http",
        "302, http",
        "303, http",
        "307, http",
        "308, http",
        "302, https",
        "302, same host",
        "307, same host"
    })
    @Tag("B50")
    void redirectIsNotFollowed(int status, String kind) {
        RecordingServer target = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        URI location = target.uri("/swap");
        RecordingServer server = started(RecordingServer.responding((request, response) -> response.status(status)
                .header(
                        "Location",
                        kind.equals("same host")
                                ? "/other"
                                : location.toString().replace("http", kind))
                .send()));

        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection().followRedirect(true))
                .build();

        assertThatThrownBy(() -> endpoint.swap(Samples.CODE).block())
                .isInstanceOf(RequestRejectedException.class)
                .hasMessageContaining("follows no redirect")
                .hasMessageEndingWith("It may speak another dialect: try SINGLE_URI or FORM.");
        assertThat(server.requests()).hasSize(1);
        assertThat(target.requests()).isEmpty();
    }

    @Test
    @Tag("B31")
    void endlessResponseIsCutAt64Kib() throws InterruptedException {
        String chunk = "2000\r\n" + " ".repeat(0x2000) + "\r\n";
        AtomicInteger written = new AtomicInteger();
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (true) {
                connection.write(chunk);
                written.addAndGet(chunk.length());
            }
        }));

        assertThat(unavailable(endpoint(server.uri()).build().swap(Samples.CODE))
                        .reason())
                .isEqualTo(Reason.INVALID_RESPONSE);
        assertThat(server.isClosedByClient()).isTrue();
        // What fits into the buffers of two sockets, and not a byte more is asked for.
        assertThat(written.get()).isLessThan(16 * 1024 * 1024);
    }

    @ParameterizedTest(name = "a body of {0} bytes yields {1}")
    @CsvSource({"65536, TOKEN", "65537, INVALID_RESPONSE"})
    @Tag("B31")
    void bodyMayHave64Kib(int length, String outcome) {
        String json = "{\"access_token\":\"canary\"}";
        RawServer server = started(RawServer.responding(ok(json + " ".repeat(length - json.length()))));

        assertThat(Outcomes.of(
                        () -> endpoint(server.uri()).build().swap(Samples.CODE).block()))
                .isEqualTo(outcome);
    }

    @Test
    @Tag("B32")
    void digitsThatDripInForEverAreCut() throws InterruptedException {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"canary\",\"expires_in\":");
            while (true) {
                connection.write("9999");
            }
        }));

        assertThat(unavailable(endpoint(server.uri()).build().swap(Samples.CODE))
                        .reason())
                .isEqualTo(Reason.INVALID_RESPONSE);
        assertThat(server.isClosedByClient()).isTrue();
    }

    @Test
    @Tag("B32")
    void digitsThatFitIntoAResponseAreRefusedUnread() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"canary\",\"expires_in\":");
            for (int i = 0; i < 60_000; i += 100) {
                connection.write("9".repeat(100));
            }
            connection.write("}");
        }));

        assertThat(unavailable(endpoint(server.uri()).build().swap(Samples.CODE))
                        .reason())
                .isEqualTo(Reason.INVALID_RESPONSE);
    }

    @Test
    @Tag("B38")
    void callersCompressionIsSwitchedOff() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8));
        }
        RecordingServer server = started(RecordingServer.responding((request, response) ->
                response.header("Content-Encoding", "gzip").sendByteArray(Mono.just(packed.toByteArray()))));
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection().compress(true))
                .build();

        assertThat(unavailable(endpoint.swap(Samples.CODE)).reason()).isEqualTo(Reason.INVALID_RESPONSE);
        assertThat(server.onlyRequest().headers().contains("Accept-Encoding")).isFalse();
    }

    @Test
    @Tag("B42")
    void bodyOfARefusalMayBeEndless() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
            while (true) {
                connection.write("canary ".repeat(1000));
            }
        }));

        assertThatThrownBy(() -> endpoint(server.uri())
                        .build()
                        .refresh(Samples.REFRESH_TOKEN)
                        .block())
                .isInstanceOf(RequestRejectedException.class);
    }

    @ParameterizedTest(name = "{0} yields {1}")
    @CsvSource(delimiter = '|', textBlock = """
        103 Early Hints         | RESPONSE_LOST
        206 Partial Content     | INVALID_RESPONSE
        299 Whatever            | INVALID_RESPONSE
        600 Beyond              | INVALID_RESPONSE
        999 Request denied      | INVALID_RESPONSE
        """)
    @Tag("B51")
    void anUnassignedStatusIsNoToken(String status, String outcome) {
        String json = "{\"access_token\":\"canary\"}";
        RawServer server = started(RawServer.responding(
                "HTTP/1.1 " + status + "\r\nContent-Length: " + json.length() + "\r\n\r\n" + json));

        assertThat(Outcomes.of(
                        () -> endpoint(server.uri()).build().swap(Samples.CODE).block()))
                .isEqualTo(outcome);
        assertThat(server.requests()).hasSize(1);
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "garble garbage\r\n\r\n",
                "SSH-2.0-garble\r\n",
                "HTTP/1.1 garble OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nGarble header\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: garble\r\n\r\n{}",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ngarble\r\n"
            })
    @Tag("B53")
    void garbageIsNoHttp(String bytes) {
        RawServer server = started(RawServer.responding(bytes));

        TokenUnavailableException failure =
                unavailable(endpoint(server.uri()).build().swap(Samples.CODE));

        assertThat(failure.reason()).isEqualTo(Reason.INVALID_RESPONSE);
        assertThat(failure).hasNoCause();
        assertThat(failure.getMessage().toLowerCase(Locale.ROOT)).doesNotContain("garble");
    }
}
