package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/** A login that waits on a real port, and the browser that was sent to it. */
final class WaitingLogin implements AutoCloseable {

    static final LoopbackReceiver RECEIVER = LoopbackReceiver.create()
            .ports(0)
            .limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(20)));
    /** Part of every code and token that a test sends, and of nothing else. */
    static final String CANARY = "canary-8d1f";

    static final String CODE = "code-" + CANARY;

    static final boolean HAS_IPV6 = hasIpv6();

    private final CompletableFuture<AuthorizationRequest> opened = new CompletableFuture<>();
    private final CompletableFuture<AuthorizationCode> code;

    private WaitingLogin(
            LoopbackReceiver receiver,
            UnaryOperator<AuthorizationRequest.Builder> asking,
            Function<AuthorizationCode, Mono<AuthorizationCode>> swap) {
        AuthorizationRequest.Builder builder =
                asking.apply(AuthorizationRequest.builder(URI.create("https://auth.example.com/authorize")));
        CompletableFuture<AuthorizationRequest> made = new CompletableFuture<>();
        this.code = receiver.receive(
                        uri -> {
                            AuthorizationRequest request = NothingIsLeft.watch(builder.build(uri));
                            made.complete(request);
                            return request;
                        },
                        Browser.printing(uri -> opened.complete(made.join())),
                        swap)
                .toFuture();
        code.whenComplete((result, error) -> {
            if (error != null) {
                opened.completeExceptionally(error);
            }
        });
    }

    static WaitingLogin start() {
        return start(RECEIVER);
    }

    static WaitingLogin start(LoopbackReceiver receiver) {
        return start(receiver, request -> request);
    }

    static WaitingLogin start(LoopbackReceiver receiver, UnaryOperator<AuthorizationRequest.Builder> asking) {
        WaitingLogin login = new WaitingLogin(receiver, asking, Mono::just);
        login.request();
        return login;
    }

    /** One whose code is swapped by a test. */
    static WaitingLogin swapping(LoopbackReceiver receiver, Function<AuthorizationCode, Mono<AuthorizationCode>> swap) {
        WaitingLogin login = new WaitingLogin(receiver, request -> request, swap);
        login.request();
        return login;
    }

    /** For a receiver that is used by itself. */
    static AuthorizationRequest newRequest(URI redirectUri) {
        return NothingIsLeft.watch(AuthorizationRequest.builder(URI.create("https://auth.example.com/authorize"))
                .build(redirectUri));
    }

    AuthorizationRequest request() {
        return Awaited.of(opened);
    }

    int port() {
        return request().redirectUri().getPort();
    }

    String state() {
        return NothingIsLeft.state(request().uri().toString());
    }

    String goodQuery() {
        return "code=" + CODE + "&state=" + state();
    }

    /** A browser's request for a target. */
    RawResponse get(String target) {
        return raw(request("GET", target));
    }

    /** A browser's request for the redirect URI with a query. */
    RawResponse hit(String query) {
        return get("/auth?" + query);
    }

    String request(String method, String target, String... headers) {
        StringBuilder request =
                new StringBuilder(method + " " + target + " HTTP/1.1\r\nHost: localhost:" + port() + "\r\n");
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        return request.append("\r\n").toString();
    }

    RawResponse raw(String request) {
        return RawResponse.to(port(), request);
    }

    AuthorizationCode code() {
        return Awaited.of(code);
    }

    Throwable failure() {
        try {
            throw new AssertionError("There is a code: " + code());
        } catch (CompletionException e) {
            return e.getCause();
        }
    }

    boolean isPending() {
        return !code.isDone();
    }

    /** What "pending" means: nothing was emitted, and a good hit still succeeds. */
    void isStillPending() {
        assertThat(isPending()).as("pending").isTrue();
        assertThat(hit(goodQuery()).status()).as("the good hit").isEqualTo(200);
        assertThat(code().secret()).isEqualTo(CODE);
    }

    void cancel() {
        code.cancel(true);
    }

    void freesItsPort() {
        awaitFree(port());
    }

    /** Waits until the port can be bound on every loopback address that this machine has. */
    static void awaitFree(int port) {
        NothingIsLeft.eventually(() -> {
            try {
                bind("127.0.0.1", port).close();
                if (HAS_IPV6) {
                    bind("::1", port).close();
                }
            } catch (IOException held) {
                throw new UncheckedIOException("Port " + port + " is held", held);
            }
        });
    }

    static ServerSocket bind(String address, int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            socket.bind(new InetSocketAddress(InetAddress.getByName(address), port));
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = bind("127.0.0.1", 0)) {
            return socket.getLocalPort();
        }
    }

    private static boolean hasIpv6() {
        try (ServerSocket socket = bind("::1", 0)) {
            return socket.isBound();
        } catch (IOException none) {
            return false;
        }
    }

    @Override
    public void close() {
        cancel();
        if (!opened.isCompletedExceptionally()) {
            freesItsPort();
        }
    }
}
