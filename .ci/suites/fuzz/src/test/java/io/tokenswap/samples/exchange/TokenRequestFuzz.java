package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.tokenswap.testing.Effort;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Bodies of a swap or a refresh: a request, or a refusal in words of the server's own. */
class TokenRequestFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));

    static Stream<Arguments> seeds() {
        return Stream.of(
                Arguments.of(true, "{\"grant_type\":\"authorization_code\",\"code\":\"a\",\"redirect_uri\":null}"),
                Arguments.of(true, "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"a\"} "),
                Arguments.of(true, "[".repeat(1_000)),
                Arguments.of(false, "grant_type=authorization_code&code=AQD%2F&refresh_token="),
                Arguments.of(false, "refresh_token=a+b&code_verifier=" + "a".repeat(43)),
                Arguments.of(false, "&a=%41".repeat(300)));
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyBodyIsARequestOrARefusal(boolean json, @NotNull String body) {
        Object outcome = EFFORT.of(() -> outcome(json, body));
        if (outcome instanceof ErrorResponse refusal) {
            assertThat(refusal.status).isEqualTo(400);
            assertThat(refusal.description()).matches("[A-Za-z0-9_ ,-]+");
        } else {
            assertThat(outcome.toString()).endsWith("[redacted]");
        }
    }

    private static Object outcome(boolean json, String body) {
        try {
            Map<String, String> parameters = json
                    ? Parameters.ofJson(body.getBytes(StandardCharsets.UTF_8))
                    : Parameters.ofForm(body.getBytes(StandardCharsets.UTF_8));
            return TokenRequest.of(parameters, null);
        } catch (ErrorResponse declared) {
            return declared;
        }
    }

    @AfterAll
    static void report() {
        System.out.println("Bodies: " + EFFORT);
    }
}
