package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EventsTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LONG = Duration.ofSeconds(20);

    @Test
    void theStreamShowsTheTokenAndItsSuccessorByFingerprintAndEndsWithTheSession() {
        try (World world =
                World.start(provider -> provider.autoApprove(true).accessTokenLifetime(Duration.ofSeconds(4)))) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            Flux<ServerSentEvent<String>> events = events(world, browser).cache();
            Flux<String> fingerprints = events.filter(event -> "token".equals(event.event()))
                    .map(EventsTest::data)
                    .map(token -> token.get("fingerprint").asString());

            StepVerifier.create(fingerprints.take(2).distinct())
                    .assertNext(first -> assertThat(first).matches("[0-9a-f]{8}"))
                    .assertNext(second -> assertThat(second).matches("[0-9a-f]{8}"))
                    .expectComplete()
                    .verify(LONG);
            assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(200);

            browser.post(world.service("/logout"));
            StepVerifier.create(events.filter(event -> "session".equals(event.event()))
                            .map(event -> data(event).get("type").asString())
                            .collectList())
                    .assertNext(
                            types -> assertThat(types).startsWith("REFRESHED").endsWith("CLOSED"))
                    .expectComplete()
                    .verify(LONG);
        }
    }

    @Test
    void aTokenThatTheApiRefusesIsReplacedOnce() {
        try (World world = World.start("--service.heartbeat=50ms")) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            Flux<ServerSentEvent<String>> events = events(world, browser).cache();
            events.blockFirst(LONG);
            world.provider.revokeAll();

            // The refresh token is dead, too, so that the replacement fails: the user has to sign in again.
            assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(401);

            StepVerifier.create(events.takeUntil(event -> "login-required".equals(event.event()))
                            .mapNotNull(event -> Objects.equals(event.event(), "session")
                                    ? data(event).get("type").asString()
                                    : event.event()))
                    .expectNext("token", "INVALIDATED")
                    // The end of the tokens may come before the event that says the same.
                    .thenConsumeWhile("LOGIN_REQUIRED"::equals)
                    .expectNext("login-required")
                    .expectComplete()
                    .verify(LONG);
            StepVerifier.create(events.filter(event -> event.comment() != null).take(2))
                    .expectNextCount(2)
                    .expectComplete()
                    .verify(LONG);
            browser.open(world.service("/login"));
            assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void theStreamsEndWhenTheServiceStops() {
        try (World world = World.start()) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            Flux<ServerSentEvent<String>> events = events(world, browser).cache();
            events.blockFirst(LONG);

            world.stopService();

            StepVerifier.create(events.then()).expectComplete().verify(LONG);
        }
    }

    @Test
    void nobodyListensWithoutASession() {
        try (World world = World.start()) {
            assertThat(new Browser().get(world.service("/events")).statusCode()).isEqualTo(401);
        }
    }

    private static Flux<ServerSentEvent<String>> events(World world, Browser browser) {
        return TestRequest.events(world.service("/events"), "tokenswap-session=" + browser.cookie("tokenswap-session"));
    }

    private static JsonNode data(ServerSentEvent<String> event) {
        return JSON.readTree(Objects.requireNonNull(event.data()));
    }
}
