package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Leaks of every kind, on purpose: without the watch over the suite, none of them would be noticed. */
class CanaryTest {

    private static final Logger LOG = LoggerFactory.getLogger("planted");

    static Stream<Arguments> leaks() {
        return Stream.of(
                leak("access token", "access-1"),
                leak("refresh token", "canary-refresh"),
                leak("code", "http://localhost:4002/auth?code=canary-code&state=x"),
                leak("verifier", "code_verifier=" + "mtDo_6dLqQ4Yp0uW-zXk8cVbN1sRgHj5FiEaTe9yK2M"),
                leak("state", "state=" + "Zk3vN_8xQm2LhT7rYcW1pJbD9sGfA-4uVeXoKiR6tMg"),
                leak("client secret", "Authorization: Basic " + base64("me:canary-secret")),
                leak("Authorization header", "Authorization: Bearer canary"),
                leak("API key", "X-Api-Key: canary"),
                leak("cookie", "Cookie: session=canary"));
    }

    private static Arguments leak(String kind, String text) {
        return Arguments.of(kind, "planted " + text);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static boolean isNoticed(Runnable leak) {
        leak.run();
        return !Canary.takeHits(hit -> hit.contains("planted")).isEmpty();
    }

    @ParameterizedTest(name = "a leaked {0} is noticed")
    @MethodSource("leaks")
    @Tag("B109")
    void leakIsNoticed(String kind, String text) {
        assertThat(isNoticed(() -> LOG.trace(text))).isTrue();
        assertThat(isNoticed(() -> LOG.trace("said {}", text))).isTrue();
        assertThat(isNoticed(() -> LOG.debug("failed", new IllegalStateException(text))))
                .isTrue();
        assertThat(isNoticed(() -> LOG.debug("failed", new RuntimeException(new IllegalStateException(text)))))
                .isTrue();
        assertThat(isNoticed(() -> LOG.debug("failed", suppressing(new IllegalStateException(text)))))
                .isTrue();
        assertThat(isNoticed(() -> Operators.onNextDropped(text, Context.empty())))
                .isTrue();
        assertThat(isNoticed(() -> LOG.trace("in {}", Context.of("planted", text))))
                .isTrue();
    }

    private static Throwable suppressing(Throwable other) {
        Throwable failure = new IllegalStateException("failed");
        failure.addSuppressed(other);
        return failure;
    }

    @Test
    @Tag("B109")
    void leakIntoTheConsoleIsNoticed() {
        assertThat(isNoticed(() -> System.out.println("planted on purpose: canary")))
                .isTrue();
        assertThat(isNoticed(() -> System.err.println("planted on purpose: canary")))
                .isTrue();
    }

    @Test
    void namesAreNoSecrets() {
        Consumer<String> isNone = text -> assertThat(Canary.isIn(text)).as(text).isFalse();

        List.of(
                        "at io.tokenswap.http.BrokenNetworkTest.b63_requestOnAConnectionThatTheServerClosesIsSent(X.java:1)",
                        "b63_requestOnAConnectionThatTheServerCloses",
                        "Token[0a1b2c3d, Bearer, scopes=[user-read-private]]",
                        "refresh failed, access denied")
                .forEach(isNone);
    }
}
