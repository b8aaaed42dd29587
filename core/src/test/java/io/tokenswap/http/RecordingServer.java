package io.tokenswap.http;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.ssl.SslContext;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerResponse;

/** Server on loopback that records every request before it sends a scripted response. */
final class RecordingServer implements Disposable {

    /** What came in. */
    record Request(String method, String uri, HttpHeaders headers, String body) {}

    /** What goes out. */
    @FunctionalInterface
    interface Responder {
        Publisher<Void> to(Request request, HttpServerResponse response);
    }

    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final DisposableServer server;
    private final String origin;

    private RecordingServer(HttpServer http, String origin, Responder response) {
        this.origin = origin;
        this.server = http.host("127.0.0.1")
                .port(0)
                .handle((in, out) -> in.receive()
                        .aggregate()
                        .asString(StandardCharsets.UTF_8)
                        .defaultIfEmpty("")
                        .flatMapMany(body -> {
                            Request request = new Request(in.method().name(), in.uri(), in.requestHeaders(), body);
                            requests.add(request);
                            return response.to(request, out);
                        }))
                .bindNow();
    }

    static RecordingServer responding(Responder response) {
        return new RecordingServer(HttpServer.create(), "http://127.0.0.1:", response);
    }

    static RecordingServer secure(SslContext context, Responder response) {
        HttpServer http = HttpServer.create().secure(spec -> spec.sslContext(context));
        return new RecordingServer(http, "https://localhost:", response);
    }

    static RecordingServer responding(int status, String json) {
        return responding(json(status, json));
    }

    static Responder json(int status, String json) {
        return (request, response) -> response.status(status)
                .header("Content-Type", "application/json")
                .sendString(Mono.just(json));
    }

    /** Speaks HTTP/2 without TLS. */
    static RecordingServer http2(Responder response) {
        return new RecordingServer(HttpServer.create().protocol(HttpProtocol.H2C), "http://127.0.0.1:", response);
    }

    List<Request> requests() {
        return requests;
    }

    Request onlyRequest() {
        if (requests.size() != 1) {
            throw new AssertionError("Not one request but " + requests.size());
        }
        return requests.get(0);
    }

    URI uri() {
        return URI.create(origin + server.port());
    }

    URI uri(String path) {
        return uri().resolve(path);
    }

    @Override
    public void dispose() {
        server.disposeNow();
    }
}
