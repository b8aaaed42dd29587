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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** Responses to the application for each response of the provider: only the provider ends a grant. */
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
                row("an unknown error", 400, JSON, error("unheard_of"), NONE, 502, "server_error", "unknown"),
                row("an unsupported scope", 400, JSON, error("invalid_scope"), NONE, 502, "server_error", "unknown"),
                row("bad_refresh_token", 400, JSON, error("bad_refresh_token"), NONE, 400, "invalid_grant", null),
                row(
                        "bad_verification_code",
                        200,
                        JSON,
                        error("bad_verification_code"),
                        NONE,
                        400,
                        "invalid_grant",
                        null),
                row(
                        "refresh_token_not_found",
                        401,
                        JSON,
                        error("refresh_token_not_found"),
                        NONE,
                        400,
                        "invalid_grant",
                        null),
                row("throttled", 429, JSON, "{}", Map.of("Retry-After", "7"), 429, "temporarily_unavailable", "no"),
                row("throttled without a time", 429, HTML, "", NONE, 429, "temporarily_unavailable", "no"),
                row("500", 500, HTML, "<h1>canary</h1>", NONE, 502, "server_error", "unknown"),
                row("503", 503, JSON, "{}", NONE, 503, "temporarily_unavailable", "unknown"),
                row(
                        "503 with a time",
                        503,
                        JSON,
                        "{}",
                        Map.of("Retry-After", "7"),
                        503,
                        "temporarily_unavailable",
                        "unknown"),
                row("502", 502, HTML, "", NONE, 502, "server_error", "unknown"),
                row("504", 504, HTML, "", NONE, 502, "server_error", "unknown"),
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
    @Tag("E73")
    @Tag("E84")
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
        exchange.provider.respondsWith(status, type, body, headers);

        for (HttpResponse<String> response : List.of(exchange.swap("AQ1234"), exchange.refresh("Ng1234"))) {
            assertThat(response.statusCode()).isEqualTo(expectedStatus);
            assertThat(response.body())
                    .matches("\\{\"error\":\"" + expectedError + "\",\"error_description\":\"[A-Za-z ,.]+\""
                            + (expectedProcessed == null ? "" : ",\"processed\":\"" + expectedProcessed + "\"") + "}")
                    .doesNotContain("canary");
            assertThat(response.headers().firstValue("Content-Type")).contains(JSON);
            assertThat(response.headers().firstValue("Location")).isEmpty();
            assertThat(response.headers().firstValue("Retry-After").isPresent())
                    .isEqualTo(expectedStatus == 429 || expectedStatus == 503);
        }
        // A pause holds for all requests.
        assertThat(exchange.provider.asked).hasSize(status == 429 ? 1 : 2);
    }

    @Tag("C47")
    @ParameterizedTest(name = "the operator learns of {1} with status {0} and which settings to check")
    @CsvSource({"401, invalid_client", "400, unauthorized_client", "401, ''"})
    void refusedClient(int status, String error) {
        exchange.provider.respondsWith(status, error.isEmpty() ? "" : error(error));
        try (LogLines lines = new LogLines()) {
            exchange.refresh("Ng1234");

            assertThat(lines.forOperator())
                    .singleElement()
                    .asString()
                    .startsWith("ERROR ")
                    .contains("Check ");
        }
    }

    @Tag("C48")
    @Tag("C49")
    @Tag("E84")
    @ParameterizedTest(name = "status {0} with Retry-After {1} is passed on with {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "429|120|120",
                "503|120|120",
                "429|1.5|2",
                "429|30, 60|60",
                "429|soon|5",
                "429|-1|5",
                "503|soon|5",
                "429|Mon, 23 Nov 2026 12:01:00 CET|5",
                "429|Mon, 23 Nov 2026 12:01:00 GMT|60",
                "429|0|1"
            })
    void retryAfter(int status, String sent, String received) {
        exchange.provider.respondsWith(status, JSON, "{}", Map.of("Retry-After", sent));

        HttpResponse<String> response = exchange.swap("c");

        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(response.headers().firstValue("Retry-After")).contains(received);
    }

    @Test
    @Tag("C49")
    void aProviderThatStaysSilentGets504() {
        try (Exchange impatient = new Exchange(Map.of(), Duration.ofMillis(100))) {
            impatient.provider.waitsFor(Mono.never());

            HttpResponse<String> response = impatient.swap("AQ1234");

            assertThat(response.statusCode()).isEqualTo(504);
            assertThat(response.body()).contains("\"temporarily_unavailable\"").contains("\"processed\":\"unknown\"");
        }
    }

    @Test
    @Tag("C49")
    void aProviderThatCannotBeReachedGets503() {
        exchange.provider.close();

        HttpResponse<String> response = exchange.swap("c");

        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.body()).contains("\"temporarily_unavailable\"").contains("\"processed\":\"no\"");
    }

    private static String error(String error) {
        return "{\"error\":\"" + error + "\",\"error_description\":\"canary\"}";
    }

    private static Arguments row(Object... values) {
        return Arguments.of(values);
    }
}
