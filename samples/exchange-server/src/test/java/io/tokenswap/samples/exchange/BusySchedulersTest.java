package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.samples.exchange.redis.RedisMemory;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Deadlines while a program around the server occupies the schedulers of Reactor. */
@Timeout(60)
@Tag("E30")
class BusySchedulersTest {

    private final Disposable.Composite busy = Disposables.composite();

    private void occupySchedulers() {
        busy.add(new BusySchedulers());
    }

    @AfterEach
    void releaseThreads() {
        busy.dispose();
    }

    @Test
    void aRequestThatGetsNoPlaceIsRefusedInTime() {
        ProviderPlaces places = new ProviderPlaces(1, 10, Duration.ofMillis(50));
        busy.add(places.send(Mono.never()).subscribe());
        occupySchedulers();

        assertThatThrownBy(() -> places.send(Mono.just("late")).block()).isInstanceOf(ErrorResponse.class);
    }

    @Test
    void theServerClosesInTimeThoughTheProviderNeverResponds() throws IOException {
        try (Exchange exchange = new Exchange();
                Socket caller = new Socket("127.0.0.1", exchange.port())) {
            exchange.provider.waitsFor(Mono.never());
            caller.getOutputStream()
                    .write(("POST /refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                    + "Content-Length: 15\r\n\r\nrefresh_token=r")
                            .getBytes(StandardCharsets.US_ASCII));
            exchange.provider.arrived().block();
            occupySchedulers();

            exchange.server.close(true, Duration.ZERO, Duration.ofMillis(50));

            // The deadline of the request comes later and would have brought a response.
            assertThat(caller.getInputStream().readAllBytes()).asString().doesNotContain("504");
        }
    }

    @Test
    void aDrainEndsAfterItsDelay() {
        try (Exchange exchange = new Exchange(Map.of("DRAIN_DELAY", "10ms"))) {
            occupySchedulers();

            exchange.server.drain(Duration.ZERO).block();
        }
    }

    @Test
    void theServerKeepsAskingForRedis() {
        occupySchedulers();
        Sinks.Empty<Void> beat = Sinks.empty();
        RedisMemory memory = RedisMemory.at("redis://127.0.0.1:1");
        busy.add(memory);

        memory.start(() -> {
            beat.tryEmitEmpty();
            return Mono.empty();
        });

        beat.asMono().block(Duration.ofSeconds(30));
    }
}
