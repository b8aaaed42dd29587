package io.tokenswap.http;

import com.code_intelligence.jazzer.junit.DictionaryEntries;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.tokenswap.testing.Effort;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Status, headers and body of a response: a token, or one declared exception without a secret. */
class AnyResponseFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));

    static Stream<byte[]> seeds() {
        return AnyResponse.seeds().stream().map(AnyResponseFuzz::bytes);
    }

    /** As much as is read of a body, of what costs most to read. No seeds: the fuzzer would do little else. */
    static Stream<byte[]> longest() {
        int length = TokenResponse.LONGEST_BODY - 100;
        return Stream.of(
                        "200\n\n" + "[".repeat(length),
                        "200\n\n" + "{\"a\":".repeat(length / 5),
                        "200\n\n" + "x".repeat(TokenResponse.LONGEST_BODY + 1),
                        "200\n\n{\"access_token\":\"" + "a".repeat(length) + "\"}",
                        "200\n\n{\"access_token\":\"a\",\"expires_in\":" + "9".repeat(length) + "}",
                        "200\n\n{\"access_token\":\"a\",\"expires_in\":\"" + "9".repeat(length) + "\"}",
                        "200\n\n{\"access_token\":\"a\",\"scope\":\"" + "a ".repeat(length / 2) + "\"}",
                        "200\n\n{\"access_token\":\"a\",\"refresh_token\":\"" + "a".repeat(length) + "\"}",
                        "200\n\n{" + members(length / 10) + "}",
                        "400\n\n{\"error\":\"" + "a".repeat(length) + "\"}",
                        "400\n\n{\"error\":\"a\",\"error_description\":\"" + "canary-refres".repeat(length / 13)
                                + "\"}",
                        "503\nRetry-After: " + "9".repeat(8_000) + "\n\n")
                .map(AnyResponseFuzz::bytes);
    }

    private static String members(int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"" + i + "\":[]").collect(Collectors.joining(","));
    }

    private static byte[] bytes(String seed) {
        return seed.getBytes(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @MethodSource("longest")
    void theLongestResponsesTakeNoTime(byte[] input) {
        AnyResponse.check(input, EFFORT);
    }

    @DictionaryEntries({
        "\"access_token\":",
        "\"refresh_token\":",
        "\"expires_in\":",
        "\"error\":",
        "\"error_description\":",
        "\\ud800",
        "e99999999999",
        "Retry-After: "
    })
    @MethodSource("seeds")
    @FuzzTest
    void everyResponseHasADeclaredOutcome(byte[] input) {
        AnyResponse.check(input, EFFORT);
    }

    @AfterAll
    static void report() {
        System.out.println("Responses: " + EFFORT);
    }
}
