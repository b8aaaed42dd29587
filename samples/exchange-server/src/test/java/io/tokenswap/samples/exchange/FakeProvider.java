package io.tokenswap.samples.exchange;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Token URL of a provider that sends scripted responses and records its requests. */
final class FakeProvider implements AutoCloseable {

    static final String TOKEN = """
            {"access_token":"at-1","token_type":"Bearer","scope":"a b","expires_in":3600,"refresh_token":"rt-1"}""";

    /** What came: the form in its own order, and who claims to ask. */
    record Asked(String uri, Map<String, String> form, String authorization) {}

    /** What goes back. */
    record Reply(int status, String contentType, String body, Map<String, String> headers) {}

    final List<Asked> asked = new CopyOnWriteArrayList<>();
    private volatile Reply reply = new Reply(200, "application/json", TOKEN, Map.of());
    private volatile Mono<Void> gate = Mono.empty();
    private final Sinks.Empty<Void> arrived = Sinks.empty();
    private final DisposableServer server;

    FakeProvider() {
        server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> request.receive()
                        .aggregate()
                        .asString()
                        .defaultIfEmpty("")
                        .flatMap(body -> {
                            asked.add(new Asked(
                                    request.uri(),
                                    Parameters.ofQuery(body),
                                    request.requestHeaders().get("Authorization", "")));
                            Reply now = reply;
                            arrived.tryEmitEmpty();
                            now.headers().forEach(response::header);
                            return gate.then(response.status(now.status())
                                    .header("Content-Type", now.contentType())
                                    .sendString(Mono.just(now.body()))
                                    .then());
                        }))
                .bindNow();
    }

    void respondsWith(int status, String json) {
        respondsWith(status, "application/json", json, Map.of());
    }

    void respondsWith(int status, String contentType, String body, Map<String, String> headers) {
        reply = new Reply(status, contentType, body, headers);
    }

    /** Responses wait for this from now on. */
    void waitsFor(Mono<Void> gate) {
        this.gate = gate;
    }

    /** When the first request has come. */
    Mono<Void> arrived() {
        return arrived.asMono();
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:" + server.port() + path);
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
