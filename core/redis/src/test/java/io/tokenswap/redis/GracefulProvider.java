package io.tokenswap.redis;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/**
 * A provider over HTTP for several processes. It gives each refresh token once. Within the grace it responds to the one
 * before with the same successor; any other use of an old one ends the grant of its user.
 */
final class GracefulProvider implements AutoCloseable {

    private static final Pattern REFRESH_TOKEN = Pattern.compile("refresh-(\\d+)-([a-z0-9-]+)");
    private static final int LIFETIME = 30;

    private final Duration grace;
    private final Map<String, Grant> grants = new ConcurrentHashMap<>();
    private final DisposableServer server;
    final AtomicInteger refreshes = new AtomicInteger();
    final AtomicInteger repeated = new AtomicInteger();
    /** Users whose grant was ended by a use of an old refresh token. */
    final List<String> lost = new CopyOnWriteArrayList<>();

    /** The number of the current refresh token, and when the one before was used. */
    private record Grant(int number, long usedAt, boolean ended) {}

    GracefulProvider(Duration grace) {
        this.grace = grace;
        this.server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.post("/refresh", this::refresh))
                .bindNow();
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.port());
    }

    private Mono<Void> refresh(HttpServerRequest request, HttpServerResponse response) {
        return request.receive().aggregate().asString().flatMap(body -> {
            Matcher token = REFRESH_TOKEN.matcher(body);
            Integer successor = token.find() ? successor(token.group(2), Integer.parseInt(token.group(1))) : null;
            String json = successor == null
                    ? "{\"error\":\"invalid_grant\"}"
                    : """
                    {"access_token":"access-%1$d-%2$s","refresh_token":"refresh-%1$d-%2$s","token_type":"Bearer","expires_in":%3$d}""".formatted(successor, token.group(2), LIFETIME);
            return response.status(successor == null ? HttpResponseStatus.BAD_REQUEST : HttpResponseStatus.OK)
                    .header(HttpHeaderNames.CONTENT_TYPE, "application/json")
                    .sendString(Mono.just(json))
                    .then();
        });
    }

    private @Nullable Integer successor(String user, int presented) {
        refreshes.incrementAndGet();
        long now = System.nanoTime();
        Grant after = grants.merge(user, new Grant(presented + 1, now, false), (grant, first) -> {
            if (grant.ended) {
                return grant;
            }
            if (presented == grant.number) {
                return new Grant(presented + 1, now, false);
            }
            if (presented == grant.number - 1 && now - grant.usedAt <= grace.toNanos()) {
                repeated.incrementAndGet();
                return grant;
            }
            lost.add(user + ": refresh token " + presented + " after " + grant.number);
            return new Grant(grant.number, grant.usedAt, true);
        });
        return after.ended ? null : after.number;
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
