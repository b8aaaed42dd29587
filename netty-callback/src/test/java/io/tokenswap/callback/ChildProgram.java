package io.tokenswap.callback;

import io.tokenswap.AuthorizationRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import reactor.core.publisher.Mono;

/** A whole program that waits for one login, for what can only be seen from outside of its JVM, or only in its own JVM. */
final class ChildProgram {

    private ChildProgram() {}

    /**
     * Says {@code WAITING} and its port, waits, says {@code CODE} or the class of the error, and leaves the rest to the JVM.
     *
     * @param args the redirect URI, and the address from which the program signs in by itself, if any
     */
    public static void main(String[] args) {
        String ownAddress = args.length > 1 ? args[1] : "";
        Browser browser = uri -> Mono.fromRunnable(() -> {
            System.out.println("WAITING " + uri.getFragment());
            if (!ownAddress.isEmpty()) {
                signIn(ownAddress, Integer.parseInt(uri.getFragment()), NothingIsLeft.state(uri.toString()));
            }
        });
        try {
            LoopbackReceiver.create()
                    .redirectUri(URI.create(args[0]))
                    .receive(
                            redirectUri -> AuthorizationRequest.builder(URI.create("https://auth.example.com/"))
                                    .build(redirectUri),
                            uri -> browser.open(URI.create(uri + "#" + port(uri))))
                    .block();
            System.out.println("CODE");
        } catch (RuntimeException e) {
            System.out.println("FAILED " + e.getClass().getSimpleName());
        }
    }

    private static int port(URI authorizeUri) {
        return Integer.parseInt(authorizeUri.getQuery().replaceAll(".*server_uri=http://.*?:(\\d+)/auth.*", "$1"));
    }

    private static void signIn(String address, int port, String state) {
        RawResponse.to(
                address,
                port,
                ("GET /auth?code=c&state=" + state + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
    }
}
