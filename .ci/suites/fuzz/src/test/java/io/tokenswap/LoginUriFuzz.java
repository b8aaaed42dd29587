package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.tokenswap.testing.Effort;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Values that an application puts into the URL of a login: nothing in it has a meaning to a shell or a second parser. */
class LoginUriFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));
    private static final URI PAGE = URI.create("https://auth.example.com/login");
    private static final URI REDIRECT = URI.create("http://localhost:4002/auth");

    static Stream<Arguments> seeds() {
        return Stream.of(
                Arguments.of("user-read-private", "client", "prompt", "consent"),
                Arguments.of("a&b=c", "$(id)", "-x", "`id`;|<>^%"),
                Arguments.of("\u00e9\ud83c\udfb5", "\"'\\", "a b", "\r\n\u0000"));
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyValueIsEscaped(
            @NotNull String scope, @NotNull String clientId, @NotNull String name, @NotNull String value) {
        check(scope, clientId, "x" + name, value);
    }

    private static void check(String scope, String clientId, String name, String value) {
        AuthorizationRequest.Builder builder =
                AuthorizationRequest.builder(PAGE).clientId(clientId).parameter(name, value);
        boolean scoped = !scope.isEmpty() && scope.indexOf(' ') < 0;
        if (scoped) {
            builder.scopes(scope);
        }
        String uri = EFFORT.of(() -> builder.build(REDIRECT).uri()).toASCIIString();

        assertThat(uri).matches("https://auth[.]example[.]com/login[?][A-Za-z0-9&=%._~-]+");
        List<String> read = Arrays.stream(uri.substring(uri.indexOf('?') + 1).split("[&=]", -1))
                .map(part -> URLDecoder.decode(part, StandardCharsets.UTF_8))
                .toList();
        assertThat(read).hasSize(2 * (scoped ? 8 : 7)).contains(clientId, name, value);
    }

    @AfterAll
    static void report() {
        System.out.println("Login URLs: " + EFFORT);
    }
}
