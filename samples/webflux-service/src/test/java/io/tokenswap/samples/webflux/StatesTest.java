package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class StatesTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LONG = Duration.ofSeconds(20);

    @Test
    void theStreamShowsTheTokenAndItsSuccessorByFingerprintAndEndsWithTheSession() {
        try (World world =
                World.start(provider -> provider.autoApprove(true).accessTokenLifetime(Duration.ofSeconds(4)))) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            Flux<JsonNode> states = states(events(world, browser)).cache();

            StepVerifier.create(states.map(state -> state.get("fingerprint").asString())
                            .distinct()
                            .take(2))
                    .assertNext(first -> assertThat(first).matches("[0-9a-f]{8}"))
                    .assertNext(second -> assertThat(second).matches("[0-9a-f]{8}"))
                    .expectComplete()
                    .verify(LONG);
            assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(200);

            browser.post(world.service("/logout"));
            StepVerifier.create(states.last().map(state -> state.get("status").asString()))
                    .expectNext("CLOSED")
                    .expectComplete()
                    .verify(LONG);
        }
    }

    @Test
    void aDeadGrantIsAStateAndTheNextLoginLeadsOn() {
        try (World world = World.start("--heartbeat=50ms")) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            Flux<ServerSentEvent<String>> events = events(world, browser).cache();
            events.blockFirst(LONG);
            world.provider.revokeAll();

            // The refresh token is dead, too, so that the user has to sign in again.
            assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(401);

            StepVerifier.create(states(events)
                            .filter(state -> state.get("status").asString().equals("LOGIN_REQUIRED"))
                            .next())
                    .assertNext(
                            state -> assertThat(state.get("problem").asString()).containsIgnoringCase("sign in"))
                    .expectComplete()
                    .verify(LONG);
            StepVerifier.create(events.filter(event -> event.comment() != null).take(2))
                    .expectNextCount(2)
                    .expectComplete()
                    .verify(LONG);
            browser.open(world.service("/login"));
            assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(200);
        }
    }

    /** By a client with threads of the JDK: when Spring stops, it stops the event loops that all of Reactor Netty shares. */
    @Test
    @Tag("E55")
    void theStreamsEndWhenTheServiceStops() throws IOException {
        try (World world = World.start()) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            try (InputStream stream = browser.stream(world.service("/states"))) {
                world.stopService();

                // Reading fails if the connection is cut before the last chunk.
                assertThat(new String(stream.readAllBytes(), StandardCharsets.UTF_8))
                        .contains("\"status\":\"CLOSED\"")
                        .endsWith("\n\n");
            }
        }
    }

    @Test
    void noSubscriberListensWithoutASession() {
        try (World world = World.start()) {
            assertThat(TestRequest.status(world.service("/states"), "")).isEqualTo(401);
        }
    }

    private static Flux<ServerSentEvent<String>> events(World world, Browser browser) {
        return TestRequest.events(world.service("/states"), "tokenswap-user=" + browser.cookie("tokenswap-user"));
    }

    private static Flux<JsonNode> states(Flux<ServerSentEvent<String>> events) {
        return events.filter(event -> "state".equals(event.event()))
                .map(event -> JSON.readTree(Objects.requireNonNull(event.data())));
    }
}
