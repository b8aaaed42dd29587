package io.tokenswap.http;

import static io.tokenswap.http.Samples.NOW;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.tokenswap.testing.Effort;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.MethodSource;

/** Values of {@code Retry-After}: nothing, or an instant from now to a day from now. */
class RetryAfterFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));

    static Stream<String> seeds() {
        return Stream.of(
                "0",
                "5",
                " 86400 ",
                "99999999999999999999",
                "-1",
                "1.5",
                "Mon, 23 Nov 2026 11:00:00 GMT",
                "Monday, 23-Nov-26 11:00:00 GMT",
                "Mon Nov 23 11:00:00 2026",
                "Mon, 23 Nov 2026 11:00:00 GMT\n120",
                "9".repeat(1_000));
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyValueIsUnderstoodOrIgnored(@NotNull String lines) {
        check(List.of(lines.split("\n", -1)));
    }

    private static void check(List<String> values) {
        Instant retryAt = EFFORT.of(() -> RetryAfter.latest(values, NOW));
        if (retryAt != null) {
            assertThat(retryAt).isBetween(NOW, NOW.plus(Duration.ofDays(1)));
        }
        for (String value : values) {
            if (value.matches("[0-9]{1,4}")) {
                assertThat(retryAt).isAfterOrEqualTo(NOW.plusSeconds(Integer.parseInt(value)));
            }
        }
    }

    @AfterAll
    static void report() {
        System.out.println("Retry-After: " + EFFORT);
    }
}
