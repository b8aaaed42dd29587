package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** What the application is told, by what the provider answered: only the provider ends a grant. */
class ProviderFailureTest {

    private static final String HTML = "text/html";
    private static final String JSON = "application/json";
    private static final Map<String, String> NONE = Map.of();

    private final Exchange exchange = new Exchange();

    @AfterEach
    void stop() {
        exchange.close();
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                row("invalid_grant", 400, JSON, error("invalid_grant"), NONE, 400, "invalid_grant", null),
                row("invalid_request", 400, JSON, error("invalid_request"), NONE, 400, "invalid_request", null),
                row("invalid_client", 401, JSON, error("invalid_client"), NONE, 500, "server_error", "no"),
                row("invalid_client, status 400", 400, JSON, error("invalid_client"), NONE, 500, "server_error", "no"),
                row("401 without a word", 401, HTML, "", NONE, 500, "server_error", "no"),
                row("unauthorized_client", 400, JSON, error("unauthorized_client"), NONE, 500, "server_error", "no"),
                row("an error that nobody knows", 400, JSON, error("canary"), NONE, 500, "server_error", "no"),
                row("throttled", 429, JSON, "{}", Map.of("Retry-After", "7"), 429, "temporarily_unavailable", "no"),
                row("throttled without a time", 429, HTML, "", NONE, 429, "temporarily_unavailable", "no"),
                row("500", 500, HTML, "<h1>canary</h1>", NONE, 502, "server_error", "unknown"),
                row("503", 503, JSON, "{}", NONE, 502, "server_error", "unknown"),
                row(
                        "invalid_grant with status 500",
                        500,
                        JSON,
                        error("invalid_grant"),
                        NONE,
                        502,
                        "server_error",
                        "unknown"),
                row(
                        "server_error in the words of OAuth",
                        400,
                        JSON,
                        error("server_error"),
                        NONE,
                        502,
                        "server_error",
                        "unknown"),
                row("HTML", 200, HTML, "<h1>canary</h1>", NONE, 502, "server_error", "unknown"),
                row("a redirect", 302, HTML, "", Map.of("Location", "/canary"), 502, "server_error", "unknown"),
                row("no token", 200, JSON, "{\"token_type\":\"Bearer\"}", NONE, 502, "server_error", "unknown"),
                row(
                        "too much",
                        200,
                        JSON,
                        "{\"x\":\"" + "x".repeat(70_000) + "\"}",
                        NONE,
                        502,
                        "server_error",
                        "unknown"),
                row("404", 404, HTML, "canary", NONE, 502, "server_error", "unknown"));
    }

    @Tag("C46")
    @Tag("C47")
    @Tag("C49")
    @ParameterizedTest(name = "{0} becomes {5} {6}")
    @MethodSource("failures")
    void mapped(
            String what,
            int status,
            String type,
            String body,
            Map<String, String> headers,
            int expectedStatus,
            String expectedError,
            String expectedProcessed) {
        exchange.provider.answers(status, type, body, headers);

        for (HttpResponse<String> answer :
                List.of(exchange.form("/swap", "code=AQ1234"), exchange.form("/refresh", "refresh_token=Ng1234"))) {
            assertThat(answer.statusCode()).isEqualTo(expectedStatus);
            assertThat(answer.body())
                    .matches("\\{\"error\":\"" + expectedError + "\",\"error_description\":\"[A-Za-z ,.]+\""
                            + (expectedProcessed == null ? "" : ",\"processed\":\"" + expectedProcessed + "\"") + "}")
                    .doesNotContain("canary");
            assertThat(answer.headers().firstValue("Content-Type")).contains(JSON);
            assertThat(answer.headers().firstValue("Location")).isEmpty();
        }
        assertThat(exchange.provider.asked).hasSize(2);
    }

    @Test
    void thePatienceThatTheProviderAsksForIsPassedOn() {
        exchange.provider.answers(429, JSON, "{}", Map.of("Retry-After", "120"));

        assertThat(exchange.form("/swap", "code=c").headers().firstValue("Retry-After"))
                .contains("120");
    }

    @Test
    @Tag("C49")
    void aProviderThatStaysSilentGets504() {
        try (Exchange impatient = new Exchange(Map.of(), Duration.ofMillis(100))) {
            impatient.provider.waitsFor(Mono.never());

            HttpResponse<String> answer = impatient.form("/swap", "code=AQ1234");

            assertThat(answer.statusCode()).isEqualTo(504);
            assertThat(answer.body()).contains("\"temporarily_unavailable\"").contains("\"processed\":\"unknown\"");
        }
    }

    @Test
    @Tag("C49")
    void aProviderThatCannotBeReachedGets503() {
        exchange.provider.close();

        HttpResponse<String> answer = exchange.form("/swap", "code=c");

        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.body()).contains("\"temporarily_unavailable\"").contains("\"processed\":\"no\"");
    }

    private static String error(String error) {
        return "{\"error\":\"" + error + "\",\"error_description\":\"canary\"}";
    }

    private static Arguments row(Object... values) {
        return Arguments.of(values);
    }
}
