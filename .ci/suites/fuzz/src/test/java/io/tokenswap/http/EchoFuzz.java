package io.tokenswap.http;

import static io.tokenswap.http.Samples.NOW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.TokenSwapException;
import io.tokenswap.internal.Json;
import io.tokenswap.testing.Effort;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A server that repeats a refresh token that it chooses, or a long piece of it, in its error: neither is ever shown. */
class EchoFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));
    private static final TokenServer PEER = new TokenServer("server", URI.create("https://exchange.test/refresh"), "");

    /** As much of a longer secret as gives it away. */
    private static final int TELLING = 16;

    static Stream<Arguments> seeds() {
        return Stream.of(
                Arguments.of("+/=&%", 0, "", "Token ", " is revoked"),
                Arguments.of("0123456789abcdefghijklmnopqrstuvwxyz", 5, "", "", ""),
                Arguments.of("a\"b\\c d\u00e9", 0, "\u0000\u00e9", "a", "b"),
                Arguments.of("a".repeat(1_000), 0, "", "aaaaaaaaaaaaaaab".repeat(60), "b"));
    }

    @Test
    void aServerThatNearlyRepeatsItsOwnLongTokenGainsNoTime() {
        TokenResponse response = response("a".repeat(60_000), "aaaaaaaaaaaaaaab".repeat(1_900));
        assertThat(EFFORT.of(() -> failure(response))).isInstanceOf(OAuthErrorException.class);
    }

    @MethodSource("seeds")
    @FuzzTest
    void noEchoIsShown(
            @NotNull String secret, int start, @NotNull String between, @NotNull String before, @NotNull String after) {
        String token = "canary-" + secret;
        check(token, Math.floorMod(start, token.length()), separator(between), before, after);
    }

    /** Characters that no description keeps. */
    private static String separator(String text) {
        return text.replaceAll("[\\x20-\\x7E&&[^\"\\\\]]", "");
    }

    private static void check(String token, int start, String between, String before, String after) {
        String echo = token.substring(start, Math.min(token.length(), start + 2 * TELLING));
        String text = before + echo.chars().mapToObj(Character::toString).collect(Collectors.joining(between)) + after;
        TokenResponse response = response(token, text);
        TokenSwapException failure = EFFORT.of(() -> failure(response));

        String shown = failure instanceof OAuthErrorException said
                ? printable(said.error()) + "\n" + printable(Objects.requireNonNullElse(said.description(), ""))
                : "";
        String secret = printable(token);
        int telling = Math.min(TELLING, secret.length());
        for (int i = 0; i + telling <= Math.min(secret.length(), start + 2 * TELLING); i++) {
            assertThat(shown.contains(secret.substring(i, i + telling)))
                    .as("the echo is shown")
                    .isFalse();
        }
        assertThat(failure.toString()).doesNotContain(secret);
    }

    private static TokenResponse response(String refreshToken, String text) {
        byte[] body = Json.writeObject(Map.of("error", text, "error_description", text));
        return new TokenResponse(
                TokenRequest.refresh(PEER, Encoding.FORM, RefreshToken.of(refreshToken)),
                400,
                new DefaultHttpHeaders(),
                body);
    }

    private static TokenSwapException failure(TokenResponse response) {
        return catchThrowableOfType(TokenSwapException.class, () -> response.token(NOW, NOW));
    }

    private static String printable(String text) {
        return text.replaceAll("[^\\x20-\\x7E]|[\"\\\\]", "");
    }

    @AfterAll
    static void report() {
        System.out.println("Echoes: " + EFFORT);
    }
}
