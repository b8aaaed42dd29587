package io.tokenswap.samples.exchange;

import io.netty.buffer.Unpooled;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** Refreshes over 64 connections, each token once. */
final class RefreshLoad {

    private static final int CONNECTIONS = 64;

    private final URI uri;
    private final IntFunction<String> refreshTokens;
    private final HttpClient http;
    private int sent;

    RefreshLoad(URI uri, IntFunction<String> refreshTokens) {
        this.uri = uri;
        this.refreshTokens = refreshTokens;
        this.http = HttpClient.create(ConnectionProvider.create("load-" + uri.getPort(), CONNECTIONS))
                .headers(headers -> headers.set("Content-Type", "application/x-www-form-urlencoded"));
    }

    /** Makes the bodies of the next requests, so that this costs no time later. */
    List<byte[]> bodies(int count) {
        List<byte[]> bodies = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            bodies.add(("grant_type=refresh_token&refresh_token=" + refreshTokens.apply(sent++))
                    .getBytes(StandardCharsets.US_ASCII));
        }
        return bodies;
    }

    /** Sends requests, and returns when each has its response. */
    void send(List<byte[]> bodies) {
        Flux.fromIterable(bodies)
                .flatMap(
                        body -> http.post()
                                .uri(uri)
                                .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                                .response((response, content) -> content.then(
                                        response.status().code() == 200
                                                ? Mono.<Void>empty()
                                                : Mono.error(
                                                        new IllegalStateException(uri + ": " + response.status())))),
                        CONNECTIONS)
                .blockLast();
    }
}
