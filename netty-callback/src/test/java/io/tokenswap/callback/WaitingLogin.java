package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/** A login that waits on a real port, and the browser that was sent to it. */
final class WaitingLogin implements AutoCloseable {

    static final LoopbackReceiver RECEIVER = LoopbackReceiver.create()
            .ports(0)
            .limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(20)));
    static final String CODE = "code-canary-8d1f";

    private static final Pattern STATE = Pattern.compile("[?&]state=([^&]+)");

    private final CompletableFuture<AuthorizationRequest> opened = new CompletableFuture<>();
    private final CompletableFuture<AuthorizationCode> code;

    private WaitingLogin(LoopbackReceiver receiver) {
        AuthorizationRequest.Builder builder =
                AuthorizationRequest.builder(URI.create("https://auth.example.com/authorize"));
        CompletableFuture<AuthorizationRequest> made = new CompletableFuture<>();
        this.code = receiver.receive(
                        uri -> {
                            AuthorizationRequest request = builder.build(uri);
                            made.complete(request);
                            return request;
                        },
                        Browser.printing(uri -> opened.complete(made.join())))
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
        WaitingLogin login = new WaitingLogin(receiver);
        login.request();
        return login;
    }

    AuthorizationRequest request() {
        return opened.orTimeout(20, TimeUnit.SECONDS).join();
    }

    int port() {
        return request().redirectUri().getPort();
    }

    String state() {
        Matcher state = STATE.matcher(request().uri().toString());
        assertThat(state.find()).isTrue();
        return state.group(1);
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
        return code.orTimeout(20, TimeUnit.SECONDS).join();
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
        RawResponse response = hit(goodQuery());
        assertThat(response.status()).as("the good hit").isEqualTo(200);
        assertThat(code().value()).isEqualTo(CODE);
    }

    void cancel() {
        code.cancel(true);
    }

    void freesItsPort() {
        awaitFree(port());
    }

    /** Waits until both loopback addresses of a port can be bound. */
    static void awaitFree(int port) {
        Mono.fromCallable(() -> {
                    bind("127.0.0.1", port).close();
                    bind("::1", port).close();
                    return port;
                })
                .retryWhen(Retry.fixedDelay(100, Duration.ofMillis(50)))
                .subscribeOn(Schedulers.boundedElastic())
                .block();
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

    @Override
    public void close() {
        cancel();
        if (!opened.isCompletedExceptionally()) {
            freesItsPort();
        }
    }
}
