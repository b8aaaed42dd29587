package io.tokenswap.spring;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.LoopResources;

/**
 * Exchange server, provider and API in one server on loopback. Each login is granted at once. Tokens count up:
 * {@code access-1} and {@code refresh-1}, {@code access-2} and {@code refresh-2}.
 */
final class FakeProvider implements AutoCloseable {

    private final LoopResources loops = LoopResources.create("provider", 1, true);
    private final AtomicInteger granted = new AtomicInteger();
    private final Set<String> codes = ConcurrentHashMap.newKeySet();
    private final Set<String> live = ConcurrentHashMap.newKeySet();
    private DisposableServer server;

    final AtomicInteger swaps = new AtomicInteger();
    final AtomicInteger refreshes = new AtomicInteger();
    final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());

    /** Added to the redirect in place of a code. */
    volatile String error = "";

    /** Completes when the responses to swaps may be sent. */
    volatile Mono<Void> swapGate = Mono.empty();

    /** Completes when the responses to refreshes may be sent. */
    volatile Mono<Void> refreshGate = Mono.empty();

    /** The status of refreshes, 200 for a token. */
    volatile int refreshStatus = 200;

    volatile Duration lifetime = Duration.ofHours(1);

    FakeProvider() {
        server = listen(0);
    }

    private DisposableServer listen(int port) {
        return HttpServer.create()
                .host("127.0.0.1")
                .port(port)
                .runOn(loops)
                .route(routes -> routes.get("/", this::authorize)
                        .post(
                                "/swap",
                                (request, response) ->
                                        request.receive().aggregate().asString().flatMap(body -> swap(body, response)))
                        .post(
                                "/refresh",
                                (request, response) ->
                                        request.receive().aggregate().asString().flatMap(body -> refresh(response)))
                        .get("/v1/me", this::me))
                .bindNow();
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.port());
    }

    /** The server cannot be reached until {@link #comeBack()}. */
    void goAway() {
        server.disposeNow();
        // The operating system accepts connections until the event loop has run once more.
        while (isListening()) {
            Thread.onSpinWait();
        }
    }

    private boolean isListening() {
        try (Socket connected = new Socket("127.0.0.1", server.port())) {
            return connected.isConnected();
        } catch (IOException refused) {
            return false;
        }
    }

    void comeBack() {
        server = listen(server.port());
    }

    /** The API refuses all tokens that were granted so far. */
    void revokeAll() {
        live.clear();
    }

    private Mono<Void> authorize(HttpServerRequest request, HttpServerResponse response) {
        Map<String, String> query = query(request.uri());
        String code = "code-" + granted.incrementAndGet();
        codes.add(code);
        return response.sendRedirect(query.get("server_uri") + "?"
                + (error.isEmpty() ? "code=" + code : "error=" + error) + "&state=" + query.get("state"));
    }

    private Mono<Void> swap(String body, HttpServerResponse response) {
        swaps.incrementAndGet();
        boolean good = codes.removeIf(code -> body.contains('"' + code + '"'));
        return swapGate.then(
                Mono.defer(() -> good ? token(response) : json(response, 400, "{\"error\":\"invalid_grant\"}")));
    }

    private Mono<Void> refresh(HttpServerResponse response) {
        refreshes.incrementAndGet();
        return refreshGate.then(Mono.defer(() -> refreshed(response)));
    }

    private Mono<Void> refreshed(HttpServerResponse response) {
        return switch (refreshStatus) {
            case 200 -> token(response);
            case 400 -> json(response, 400, "{\"error\":\"invalid_grant\"}");
            default -> json(response.header("Retry-After", "7"), refreshStatus, "{}");
        };
    }

    private Mono<Void> token(HttpServerResponse response) {
        int number = granted.incrementAndGet();
        live.add("Bearer access-" + number);
        return json(
                response,
                200,
                "{\"access_token\":\"access-%d\",\"token_type\":\"Bearer\",\"expires_in\":%d,\"refresh_token\":\"refresh-%d\"}"
                        .formatted(number, lifetime.toSeconds(), number));
    }

    private Mono<Void> me(HttpServerRequest request, HttpServerResponse response) {
        String authorization = request.requestHeaders().get("Authorization", "");
        authorizations.add(authorization);
        return live.contains(authorization)
                ? json(response, 200, "{\"id\":\"%s\"}".formatted(authorization))
                : json(response, 401, "{\"error\":\"expired\"}");
    }

    private static Mono<Void> json(HttpServerResponse response, int status, String body) {
        return response.status(status)
                .header("Content-Type", "application/json")
                .sendString(Mono.just(body))
                .then();
    }

    private static Map<String, String> query(String uri) {
        Map<String, String> query = new ConcurrentHashMap<>();
        for (String parameter : uri.substring(uri.indexOf('?') + 1).split("&")) {
            String[] parts = parameter.split("=", 2);
            query.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    @Override
    public void close() {
        server.disposeNow();
        loops.disposeLater(Duration.ZERO, Duration.ofSeconds(1)).block();
    }
}
