package io.tokenswap.callback;

import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.net.URI;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;

/** Program that starts as one that logs in does, until a moment at which it loads {@link Reached}. */
final class StartUpClasses {

    private StartUpClasses() {}

    /** Loaded at the moment up to which the classes are counted. */
    static final class Reached {

        private Reached() {}

        static void now() {
            System.out.println("REACHED");
        }
    }

    /** @param args {@code server} for a bare Reactor Netty server, {@code listening} or {@code browser} */
    public static void main(String[] args) throws IOException {
        switch (args[0]) {
            case "server" -> {
                HttpServer.create()
                        .host("127.0.0.1")
                        .port(0)
                        .handle((request, response) -> response.sendString(Mono.just("Signed in")))
                        .bindNow();
                Reached.now();
            }
            case "listening" ->
                receive(redirectUri -> {
                    Reached.now();
                    return request().build(redirectUri);
                });
            default -> receive(request()::build);
        }
        System.in.read(); // until the one who started this process ends it
    }

    private static AuthorizationRequest.Builder request() {
        return AuthorizationRequest.builder(URI.create("http://127.0.0.1:1/authorize"))
                .clientId("client");
    }

    private static void receive(Function<URI, AuthorizationRequest> requests) {
        LoopbackReceiver.create()
                .ports(0)
                .receive(requests, authorizeUri -> Mono.fromRunnable(Reached::now))
                .subscribe();
    }
}
