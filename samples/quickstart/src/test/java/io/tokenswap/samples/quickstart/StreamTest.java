package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenSession;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.test.StepVerifier;

class StreamTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint exchange = new ScriptedEndpoint(clock, Duration.ofHours(1));
    private final TokenSession session = clock.session(exchange).build(exchange.grant());
    private final AtomicInteger connections = new AtomicInteger();

    /**
     * Sends the token of each connection and keeps the connection, but for the first one, which it closes, and the second one,
     * which it refuses.
     */
    private DisposableServer server() {
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.get("/v1/events", (request, response) -> {
                    String token = request.requestHeaders().get("Authorization");
                    int number = connections.incrementAndGet();
                    if (number == 2) {
                        return response.status(503).send();
                    }
                    boolean first = number == 1;
                    return response.sendWebsocket(
                            (in, out) -> out.sendString(Mono.just(token)).then(first ? Mono.empty() : Mono.never()));
                }))
                .bindNow();
    }

    @SuppressWarnings("unchecked")
    private Flux<String> messages(DisposableServer server, Path classes) {
        try {
            Method messages = LocalProgram.compile(
                            Stream.class,
                            classes,
                            Map.of("wss://stream.example.com", "ws://127.0.0.1:" + server.port()))
                    .load()
                    .getDeclaredMethod("messages", TokenSession.class);
            messages.setAccessible(true);
            return (Flux<String>) messages.invoke(null, session);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void reconnectsAfterACloseAndWithEachTokenAndWaitsForANewLogin(@TempDir Path classes) {
        DisposableServer server = server();
        try {
            StepVerifier.create(messages(server, classes))
                    .expectNext(
                            "Bearer access-1",
                            "Bearer access-1") // the server has closed one connection and refused another
                    .then(() -> clock.advance(Duration.ofHours(1)))
                    .expectNext("Bearer access-2")
                    .then(() -> {
                        exchange.revoke();
                        clock.advance(Duration.ofHours(1));
                        assertThat(session.state().status()).isEqualTo(Status.LOGIN_REQUIRED);
                        session.renew(exchange.grant()).block();
                    })
                    .expectNext("Bearer access-3")
                    .then(session::dispose)
                    .thenCancel()
                    .verify(TIMEOUT);
            assertThat(connections).hasValue(5);
        } finally {
            server.disposeNow();
        }
    }
}
