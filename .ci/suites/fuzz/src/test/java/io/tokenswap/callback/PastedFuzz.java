package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.AuthorizationResponse.Failed;
import io.tokenswap.AuthorizationResponse.Granted;
import io.tokenswap.testing.Effort;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.scheduler.Schedulers;

/** Lines that a user pastes: only the state ends the login, or a lone code where that is allowed. */
class PastedFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));
    private static final AuthorizationRequest REQUEST = AuthorizationRequest.builder(
                    URI.create("https://auth.example.com/login"))
            .build(URI.create("http://localhost:4002/auth"));
    private static final String STATE = HitFuzz.state(REQUEST);

    static Stream<Arguments> seeds() {
        return Stream.of(
                Arguments.of(" http://localhost:4002/auth?code=AQD&state=STATE#_ \n", false),
                Arguments.of("code=AQD&state=STATE", true),
                Arguments.of("?error=server_error&error_description=STATE&state=STATE", true),
                Arguments.of("AQDLxV2cS5rYk9Xy", true),
                Arguments.of("AQDLxV2cS5rYk9Xy", false),
                Arguments.of("x?".repeat(1_000), true),
                Arguments.of("a&".repeat(1_000) + "code=a&state=STATE", true));
    }

    @MethodSource("seeds")
    @FuzzTest
    void onlyTheStateOrAnAllowedCodeEndsTheLogin(@NotNull String pasted, boolean codeAlone) {
        String line = pasted.replace("STATE", STATE);
        AuthorizationResponse response = EFFORT.of(() -> offered(line, codeAlone));
        if (response != null) {
            check(response, line, codeAlone);
        }
    }

    /** Returns the response that ends the login, or null. */
    private static AuthorizationResponse offered(String line, boolean codeAlone) {
        AtomicReference<AuthorizationResponse> response = new AtomicReference<>();
        new PendingLogin(REQUEST, CallbackPage.create(), Schedulers.parallel(), response::set).paste(line, codeAlone);
        return response.get();
    }

    private static void check(AuthorizationResponse response, String line, boolean codeAlone) {
        assertThat(line.contains(STATE) || codeAlone).isTrue();
        if (response instanceof Granted granted) {
            assertThat(granted.code().secret()).hasSizeBetween(1, 7168);
        } else if (response instanceof Failed failed) {
            assertThat(line).contains(STATE);
            assertThat(failed.error()).hasMessageNotContaining(STATE);
        }
    }

    @AfterAll
    static void report() {
        System.out.println("Pasted lines: " + EFFORT);
    }
}
