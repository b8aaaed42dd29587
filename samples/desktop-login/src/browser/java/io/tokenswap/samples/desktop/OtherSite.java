package io.tokenswap.samples.desktop;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** A site of somebody else: to a browser, another loopback address is no kin of the receiver's. */
final class OtherSite implements AutoCloseable {

    private final Map<String, String> pages = new ConcurrentHashMap<>();
    private final List<String> referrers = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final DisposableServer server;

    private OtherSite(String address) {
        this.server = HttpServer.create()
                .host(address)
                .port(0)
                .doOnChannelInit((observer, channel, remote) -> connections.incrementAndGet())
                .handle((request, response) -> {
                    String page = pages.get(request.uri());
                    if (page == null) {
                        return response.sendNotFound();
                    }
                    referrers.add(request.requestHeaders().get("Referer", "none"));
                    return response.header("Content-Type", "text/html; charset=utf-8")
                            .sendString(Mono.just(page));
                })
                .bindNow();
    }

    static OtherSite start(String address) {
        return new OtherSite(address);
    }

    /** Puts a page up. */
    URI page(String body) {
        String path = "/" + pages.size();
        pages.put(path, "<!doctype html><link rel=\"icon\" href=\"data:,\"><body>" + body + "</body>");
        return uri().resolve(path);
    }

    URI uri() {
        return URI.create("http://" + server.host() + ":" + server.port());
    }

    int connections() {
        return connections.get();
    }

    /** Returns the referrers of the page requests, in order. */
    List<String> referrers() {
        return referrers;
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
