package io.tokenswap.samples.exchange;

import java.io.IOException;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Least server that Reactor Netty can be, to compare the start with. */
public final class BareServer {

    private BareServer() {}

    public static void main(String[] args) throws IOException {
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> response.sendString(Mono.just("up")))
                .bindNow();
        BenchmarkProcess.serve(server);
    }
}
