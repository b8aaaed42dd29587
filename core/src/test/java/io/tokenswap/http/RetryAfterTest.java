package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.TokenUnavailableException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When a server wants to be asked again. */
class RetryAfterTest extends ResponseFixture {

    @Tag("E84")
    @Test
    @Tag("B47")
    void aValueOfMoreThan64CharactersIsInvalid() {
        assertThat(wait("5,".repeat(31) + "60")).isEqualTo(Duration.ofMinutes(1));
        assertThat(wait("5,".repeat(31) + "060")).isNull();
    }

    private static Duration wait(String value) {
        HttpHeaders headers = new DefaultHttpHeaders().set("Retry-After", value);
        TokenUnavailableException throttled =
                catchThrowableOfType(TokenUnavailableException.class, () -> read(response(429, headers, new byte[0])));
        return throttled.retryAt() == null ? null : Duration.between(Samples.NOW, throttled.retryAt());
    }

    @ParameterizedTest(name = "{0} with Retry-After {1} waits {2}")
    @CsvSource(delimiter = '|', textBlock = """
        429 | 5                              | PT5S
        429 | 0                              | PT0S
        429 | Mon, 23 Nov 2026 10:01:00 GMT  | PT1M
        429 | Monday, 23-Nov-26 10:01:00 GMT | PT1M
        429 | Mon Nov 23 10:01:00 2026       | PT1M
        429 | Mon, 23 Nov 2026 09:00:00 GMT  | PT0S
        429 |                                |
        429 | -5                             |
        429 | 1.5                            | PT2S
        429 | 30, 60                         | PT1M
        429 | 60,30                          | PT1M
        429 | 1.                             |
        429 | 30, soon                       |
        429 | Mon, 23 Nov 2026 10:01:00 CET  |
        429 | Mon, 23 Nov 2026 10:01:00 +0100 |
        429 | soon                           |
        429 | soon, after all that we have to do before it, which takes as long as it takes |
        429 | 86400                          | P1D
        429 | 864000                         | P1D
        429 | 99999999999999999999999        | P1D
        429 | Mon, 23 Nov 2099 10:00:00 GMT  | P1D
        """)
    @Tag("B45")
    @Tag("B46")
    @Tag("B47")
    void saysWhenToTryAgain(int status, String value, Duration wait) {
        HttpHeaders headers = new DefaultHttpHeaders();
        if (value != null) {
            headers.set("Retry-After", value);
        }

        TokenUnavailableException throttled = catchThrowableOfType(
                TokenUnavailableException.class, () -> read(response(status, headers, new byte[0])));

        assertThat(throttled.reason()).isEqualTo(TokenUnavailableException.Reason.THROTTLED);
        assertThat(throttled.retryAt()).isEqualTo(wait == null ? null : Samples.NOW.plus(wait));
    }

    @ParameterizedTest(name = "503 {0} to a refresh yields {1}")
    @CsvSource(delimiter = '|', textBlock = """
        ''                     | RESPONSE_LOST
        {"processed":"unknown"} | RESPONSE_LOST
        {"processed":"no"}      | NOT_SENT
        """)
    @Tag("B48")
    void anOutageIsNoThrottleThoughItNamesATime(String body, TokenUnavailableException.Reason reason) {
        HttpHeaders headers = new DefaultHttpHeaders().set("Retry-After", "5");

        TokenUnavailableException outage = catchThrowableOfType(
                TokenUnavailableException.class,
                () -> read(new TokenResponse(REFRESH, 503, headers, body.getBytes(StandardCharsets.UTF_8))));

        assertThat(outage.reason()).isEqualTo(reason);
        assertThat(outage.retryAt()).isEqualTo(Samples.NOW.plusSeconds(5));
        assertThat(outage.status()).isEqualTo(503);
    }

    @ParameterizedTest(name = "a failure reported by {0} carries that status")
    @ValueSource(ints = {408, 425, 429, 500, 503, 504, 200})
    void theStatusIsPartOfTheFailure(int status) {
        HttpHeaders headers = new DefaultHttpHeaders().add("Retry-After", "5");

        assertThat(catchThrowableOfType(
                                TokenUnavailableException.class, () -> read(response(status, headers, new byte[0])))
                        .status())
                .isEqualTo(status);
    }

    @Test
    @Tag("B45")
    void longestOfSeveralHeadersCounts() {
        HttpHeaders headers = new DefaultHttpHeaders().add("Retry-After", List.of("soon", "5", "60", "1"));

        assertThat(catchThrowableOfType(
                                TokenUnavailableException.class, () -> read(response(429, headers, new byte[0])))
                        .retryAt())
                .isEqualTo(Samples.NOW.plusSeconds(60));
    }
}
