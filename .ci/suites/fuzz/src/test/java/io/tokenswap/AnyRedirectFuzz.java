package io.tokenswap;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.tokenswap.testing.Effort;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.MethodSource;

/** Queries of the redirect: one of the three outcomes, without the state. */
class AnyRedirectFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));

    static Stream<byte[]> seeds() {
        return Stream.concat(
                        AnyRedirect.seeds().stream(),
                        Stream.of("code=" + "%41".repeat(1_400) + "&state=STATE", "&a".repeat(1_000)))
                .map(seed -> seed.getBytes(StandardCharsets.UTF_8));
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyQueryIsJudged(byte[] input) {
        AnyRedirect.check(input, EFFORT);
    }

    @AfterAll
    static void report() {
        System.out.println("Redirects: " + EFFORT);
    }
}
