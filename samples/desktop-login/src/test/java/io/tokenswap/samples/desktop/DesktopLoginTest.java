package io.tokenswap.samples.desktop;

import static io.tokenswap.samples.desktop.Servers.assertFree;
import static io.tokenswap.samples.desktop.Servers.freePort;
import static io.tokenswap.samples.desktop.Servers.url;
import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import tools.jackson.databind.JsonNode;

/** The program, run in this process against real servers. */
class DesktopLoginTest {

    private static EmbeddedSystem system;
    private static String headless;

    @BeforeAll
    static void start() {
        system = EmbeddedSystem.withDemoProvider(
                List.of(URI.create("http://127.0.0.1:0/auth")), Duration.ofSeconds(3), true);
        headless = "--browser headless --listen http://127.0.0.1:0/auth --exchange " + system.exchangeUri() + " ";
    }

    @AfterAll
    static void stop() {
        system.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"json", "single-uri", "form", "SINGLE_URI"})
    void signsInRefreshesAndCallsTheApiInEveryDialect(String dialect) {
        Run run = Run.of(headless + "--refreshes 1 --json --me-url " + system.meUri() + " --dialect " + dialect)
                .succeeds();
        List<JsonNode> events = run.events();
        assertThat(run.eventNames()).containsExactly("authorize", "token", "token", "me");
        assertThat(events.get(0).get("url").asString()).startsWith(system.exchangeUri() + "/?response_type=code");
        List<JsonNode> tokens = events.subList(1, 3);
        assertThat(tokens).extracting(token -> token.get("refresh").asInt()).containsExactly(0, 1);
        assertThat(tokens)
                .extracting(token -> token.get("fingerprint").asString())
                .doesNotHaveDuplicates()
                .allMatch(fingerprint -> fingerprint.matches("[0-9a-f]{8}"));
        assertThat(tokens).allMatch(token -> token.get("scopes").size() == 2);
        assertThat(tokens)
                .extracting(token -> token.get("expires_in").asInt())
                .allMatch(seconds -> seconds >= 1 && seconds <= 3);
        assertThat(events.get(3).get("status").asInt()).isEqualTo(200);
        assertThat(events.get(3).get("user").get("id").asString()).isEqualTo("demo");
    }

    @Test
    void withoutAnExchangeServerItBringsTheWholeSystemAndSaysThatThereIsNoDisplay() {
        int port = freePort();
        Run run = Run.of("--refreshes 0 --listen http://localhost:" + port + "/auth")
                .succeeds();
        assertThat(run.out())
                .contains("There is no display: the program opens the sign-in page itself")
                .contains("signed in")
                .doesNotContain("refresh 1")
                .contains("the API responds with 200")
                .doesNotContain("\u001B");
        assertFree(port);
    }

    @Test
    void theNextOfSeveralAddressesIsTakenWhenOneIsInUse() {
        DisposableServer foreign = Servers.start((request, response) -> response.sendNotFound());
        try {
            Run run = Run.of(
                            Map.of(),
                            "--listen " + url(foreign) + "/auth " + headless + "--refreshes 0 --json",
                            l -> {})
                    .succeeds();
            assertThat(run.eventNames()).containsExactly("authorize", "token");
        } finally {
            foreign.disposeNow();
        }
    }

    @Test
    void aRefreshThatFailsIsAnEventAndTheTokensGoOn() {
        AtomicInteger refreshes = new AtomicInteger();
        DisposableServer moody = Servers.start((request, response) -> refreshes.getAndIncrement() == 0
                ? response.status(503).send()
                : response.header("Content-Type", "application/json")
                        .sendString(Mono.just("{\"access_token\":\"canary-access-token\",\"expires_in\":3}")));
        try {
            Run run = Run.of(headless + "--refreshes 1 --json --refresh-url " + url(moody))
                    .succeeds();
            assertThat(run.eventNames()).containsExactly("authorize", "token", "refresh_failed", "token");
            JsonNode failed = run.events().get(2);
            assertThat(failed.get("message").asString()).contains("status 503");
            assertThat(failed.get("retry_at").asString()).isNotEmpty();
            assertThat(run.out()).doesNotContain("canary");
        } finally {
            moody.disposeNow();
        }
    }

    @Test
    void theEndOfTheGrantIsAnEventAndAnExitCode() {
        Run run = Run.of(Map.of(), headless + "--json", line -> {
            if (line.contains("\"refresh\":0")) {
                Objects.requireNonNull(system.provider()).revokeAll();
            }
        });
        assertThat(run.exitCode()).as(run.toString()).isEqualTo(8);
        // The program ends with the error of the stream, which may come before the session's event.
        assertThat(run.eventNames()).startsWith("authorize", "token").contains("error");
        int error = run.eventNames().indexOf("error");
        assertThat(run.events().get(error).get("kind").asString()).isEqualTo("login_required");
    }

    @Test
    void withTheVariablesOfSpotifyTheExchangeServerIsBeforeThatProviderAtTheRegisteredAddress() {
        int port = freePort();
        try (DemoProvider standIn = DemoProvider.builder()
                .redirectUris("http://127.0.0.1:" + port + "/callback")
                .autoApprove(true)
                .start()) {
            Map<String, String> environment = Map.of(
                    "SPOTIFY_CLIENT_ID", "demo-client",
                    "SPOTIFY_CLIENT_SECRET", "demo-secret",
                    "PROVIDER_AUTHORIZE_URL", standIn.authorizeUri().toString(),
                    "PROVIDER_TOKEN_URL", standIn.tokenUri().toString(),
                    "PORT", String.valueOf(port));
            Run run = Run.of(
                            environment,
                            "--refreshes 0 --browser headless --listen http://127.0.0.1:0/auth --me-url "
                                    + standIn.meUri(),
                            line -> {})
                    .succeeds();
            assertThat(run.out())
                    .contains("Redirect URI to register at Spotify: http://127.0.0.1:" + port + "/callback")
                    .contains("the API responds with 200")
                    .doesNotContain("demo-secret");
        }
        assertFree(port);
    }
}
