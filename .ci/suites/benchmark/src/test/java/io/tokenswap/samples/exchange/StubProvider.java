package io.tokenswap.samples.exchange;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Provider that replaces each refresh token. It prints its port, and ends with its standard input. */
public final class StubProvider {

    private StubProvider() {}

    public static void main(String[] args) throws IOException {
        AtomicInteger count = new AtomicInteger();
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> request.receive()
                        .then(response.header("Content-Type", "application/json")
                                .sendString(Mono.fromSupplier(() ->
                                        "{\"access_token\":\"access-token-of-thirty-five-chars-1\",\"token_type\":\"Bearer\","
                                                + "\"expires_in\":3600,\"scope\":\"user-read-private user-read-email\","
                                                + "\"refresh_token\":\"refresh-token-" + count.incrementAndGet()
                                                + "\"}"))
                                .then()))
                .bindNow();
        BenchmarkProcess.serve(server);
    }
}
