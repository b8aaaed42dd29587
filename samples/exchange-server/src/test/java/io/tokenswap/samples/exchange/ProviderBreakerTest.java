package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Sinks;

@Tag("C48")
class ProviderBreakerTest {

    private final Exchange exchange = new Exchange();
    private int count;

    @AfterEach
    void stop() {
        exchange.close();
    }

    @Test
    @Tag("E84")
    void untilTheEndOfAPauseNoRequestIsSent() {
        exchange.provider.respondsWith(429, "application/json", "{}", Map.of("Retry-After", "10"));
        assertThat(next().statusCode()).isEqualTo(429);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);

        exchange.now = exchange.now.plusMillis(4_500);
        HttpResponse<String> paused = next();
        assertThat(paused.statusCode()).isEqualTo(429);
        // Rounded up, because a request that comes too early is refused again.
        assertThat(paused.headers().firstValue("Retry-After")).contains("6");
        assertThat(paused.body()).contains("\"processed\":\"no\"");
        assertThat(exchange.provider.asked).hasSize(1);
        exchange.now = exchange.now.plusMillis(5_500);
        assertThat(next().statusCode()).isEqualTo(200);
    }

    @Test
    void aClockThatIsSetBackProlongsNeitherAPauseNorARest() {
        exchange.provider.respondsWith(429, "application/json", "{}", Map.of("Retry-After", "10"));
        assertThat(next().statusCode()).isEqualTo(429);
        exchange.ahead = Duration.ofHours(-3);
        exchange.now = exchange.now.plusSeconds(10);
        exchange.provider.respondsWith(500, "{}");
        for (int i = 0; i < 20; i++) {
            assertThat(next().statusCode()).isEqualTo(502);
        }
        assertThat(next().statusCode()).isEqualTo(503);
        exchange.ahead = Duration.ofHours(-6);
        exchange.now = exchange.now.plusSeconds(5);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);
        assertThat(next().statusCode()).isEqualTo(200);
    }

    @Test
    void aPauseWithoutATimeLastsFiveSeconds() {
        exchange.provider.respondsWith(429, "{}");
        assertThat(next().headers().firstValue("Retry-After")).contains("5");
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);

        exchange.now = exchange.now.plusMillis(4_999);
        assertThat(next().statusCode()).isEqualTo(429);
        exchange.now = exchange.now.plusMillis(1);
        assertThat(next().statusCode()).isEqualTo(200);
    }

    @Test
    void afterTwentyFailuresInARowRequestsRestAndOneProbeDecides() {
        exchange.provider.respondsWith(500, "{}");
        for (int i = 0; i < 20; i++) {
            assertThat(next().statusCode()).isEqualTo(502);
        }
        HttpResponse<String> resting = next();
        assertThat(resting.statusCode()).isEqualTo(503);
        assertThat(resting.headers().firstValue("Retry-After")).contains("5");
        assertThat(resting.body()).contains("\"processed\":\"no\"");
        assertThat(exchange.provider.asked).hasSize(20);

        exchange.now = exchange.now.plusSeconds(5);
        assertThat(next().statusCode()).isEqualTo(502);
        assertThat(next().statusCode()).isEqualTo(503);
        assertThat(exchange.provider.asked).hasSize(21);

        exchange.now = exchange.now.plusSeconds(5);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);
        assertThat(next().statusCode()).isEqualTo(200);
        assertThat(next().statusCode()).isEqualTo(200);
    }

    @Test
    void whileAProbeIsInFlightNoOtherRequestIsSent() {
        exchange.provider.respondsWith(500, "{}");
        for (int i = 0; i < 20; i++) {
            assertThat(next().statusCode()).isEqualTo(502);
        }
        exchange.now = exchange.now.plusSeconds(5);
        exchange.provider.respondsWith(200, FakeProvider.TOKEN);
        Sinks.Empty<Void> gate = Sinks.empty();
        exchange.provider.waitsFor(gate.asMono());
        CompletableFuture<HttpResponse<String>> probe = exchange.refreshAsync("rt-probe");
        exchange.awaitProviderRequests(21);

        assertThat(next().statusCode()).isEqualTo(503);
        assertThat(exchange.provider.asked).hasSize(21);
        gate.tryEmitEmpty();
        assertThat(probe.join().statusCode()).isEqualTo(200);
        assertThat(next().statusCode()).isEqualTo(200);
    }

    @Test
    void aRefusalShowsThatTheProviderIsThere() {
        for (int round = 0; round < 3; round++) {
            exchange.provider.respondsWith(500, "{}");
            for (int i = 0; i < 19; i++) {
                assertThat(next().statusCode()).isEqualTo(502);
            }
            exchange.provider.respondsWith(400, "{\"error\":\"invalid_grant\"}");
            assertThat(next().statusCode()).isEqualTo(400);
        }
    }

    private HttpResponse<String> next() {
        return exchange.refresh("rt-" + count++);
    }
}
