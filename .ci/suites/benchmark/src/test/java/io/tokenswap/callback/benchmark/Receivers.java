package io.tokenswap.callback.benchmark;

import com.google.api.client.extensions.jetty.auth.oauth2.LocalServerReceiver;
import com.microsoft.aad.msal4j.InteractiveRequestParameters;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SystemBrowserOptions;
import com.sun.net.httpserver.HttpServer;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.callback.LoopbackReceiver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Set;
import reactor.core.publisher.Mono;

/** Starts one receiver, as a program that logs in does first of all, and prints its port once it listens. */
final class Receivers {

    private static final URI AUTHORIZE = URI.create("http://127.0.0.1:1/authorize");

    private Receivers() {}

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "tokenswap" -> tokenswap();
            case "browser" -> browser();
            case "Reactor Netty" -> reactorNetty();
            case "Google" -> google();
            case "MSAL4J" -> msal4j();
            case "JDK" -> jdk();
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.in.read(); // until the one who started this process ends it
    }

    /** Prints the port of a receiver. It is loaded at that moment, which a log of the loaded classes shows. */
    static final class Listening {

        private Listening() {}

        static void on(int port) {
            System.out.println(port);
        }
    }

    private static void tokenswap() {
        AuthorizationRequest.Builder request =
                AuthorizationRequest.builder(AUTHORIZE).clientId("client");
        LoopbackReceiver.create()
                .ports(0)
                .receive(
                        redirectUri -> {
                            Listening.on(redirectUri.getPort());
                            return request.build(redirectUri);
                        },
                        authorizeUri -> Mono.never())
                .subscribe();
    }

    /** The same until the browser is to open: with the state and the verifier of a login, whose randomness needs a seed. */
    private static void browser() {
        LoopbackReceiver.create()
                .ports(0)
                .receive(
                        AuthorizationRequest.builder(AUTHORIZE).clientId("client")::build,
                        authorizeUri -> Mono.fromRunnable(() -> Listening.on(portIn(authorizeUri))))
                .subscribe();
    }

    private static void reactorNetty() {
        Listening.on(reactor.netty.http.server.HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> response.sendString(Mono.just("Signed in")))
                .bindNow()
                .port());
    }

    private static void google() throws IOException {
        LocalServerReceiver receiver =
                new LocalServerReceiver.Builder().setPort(0).build();
        receiver.getRedirectUri();
        Listening.on(receiver.getPort());
    }

    private static void msal4j() throws IOException {
        PublicClientApplication.builder("client")
                .build()
                .acquireToken(InteractiveRequestParameters.builder(URI.create("http://localhost"))
                        .scopes(Set.of("scope"))
                        .systemBrowserOptions(SystemBrowserOptions.builder()
                                .openBrowserAction(url -> Listening.on(portIn(URI.create(url.toString()))))
                                .build())
                        .build());
    }

    /** Server of the JDK, on which Google's and Microsoft's receivers are built. */
    private static void jdk() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> exchange.sendResponseHeaders(204, -1));
        server.start();
        Listening.on(server.getAddress().getPort());
    }

    /** The port in the redirect URI, which is a parameter of the URI that the browser is to open. */
    private static int portIn(URI authorizeUri) {
        String query = authorizeUri.getQuery();
        String redirectUri = query.substring(query.indexOf("redirect_uri=") + "redirect_uri=".length());
        return URI.create(redirectUri.split("&", 2)[0]).getPort();
    }
}
