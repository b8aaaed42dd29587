package io.tokenswap.samples.exchange;

import java.io.IOException;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;

/** Passes each request on to {@code PROVIDER} and the response back, by Reactor Netty and without a look at either. */
public final class RawProxy {

    private RawProxy() {}

    public static void main(String[] args) throws IOException {
        HttpClient client = HttpClient.create(ConnectionProvider.create("provider", 256));
        String provider = System.getenv("PROVIDER");
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> client.headers(headers -> headers.set(
                                        "Content-Type", request.requestHeaders().get("Content-Type"))
                                .set("Content-Length", request.requestHeaders().get("Content-Length"))
                                .set("Authorization", "Basic Y2xpZW50OnNlY3JldA=="))
                        .post()
                        .uri(provider)
                        .send(request.receive().retain())
                        .response((received, content) -> response.status(received.status())
                                .header(
                                        "Content-Type",
                                        received.responseHeaders().get("Content-Type", ""))
                                .send(content.retain())))
                .bindNow();
        BenchmarkProcess.serve(server);
    }
}
