package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiFunction;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.util.retry.Retry;

/** Servers and ports on this machine. */
final class Servers {

    private Servers() {}

    static DisposableServer start(
            BiFunction<? super HttpServerRequest, ? super HttpServerResponse, ? extends Publisher<Void>> handler) {
        return HttpServer.create().host("127.0.0.1").port(0).handle(handler).bindNow();
    }

    static String url(DisposableServer server) {
        return "http://127.0.0.1:" + server.port();
    }

    static String parameter(HttpServerRequest request, String name) {
        return new QueryStringDecoder(request.uri()).parameters().get(name).get(0);
    }

    static int freePort() {
        // Below the ports that the kernel gives to a server without one: such a server could take it before its user
        // does.
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_240, 22_000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return probe.getLocalPort();
            } catch (IOException taken) {
                // the next one
            }
        }
    }

    /** Asserts that the port can be bound again, at once or when the last response has been sent. */
    static void assertFree(int port) {
        Mono<Integer> bound = Mono.fromCallable(() -> {
                    for (String host : List.of("127.0.0.1", "::1")) {
                        new ServerSocket(port, 1, InetAddress.getByName(host)).close();
                    }
                    return port;
                })
                .retryWhen(Retry.fixedDelay(50, Duration.ofMillis(100)));
        assertThat(bound.block()).isEqualTo(port);
    }
}
