package io.tokenswap.samples.desktop;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.callback.Browser;
import io.tokenswap.callback.LoopbackReceiver;
import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** Login that waits for its redirect, which the test sends in place of the provider. */
final class WaitingLogin implements AutoCloseable {

    private static final URI AUTHORIZE = URI.create("https://auth.example.com/authorize");

    private final AuthorizationRequest request;
    private final CompletableFuture<AuthorizationCode> code;

    private WaitingLogin(LoopbackReceiver receiver, Function<AuthorizationCode, Mono<AuthorizationCode>> swap) {
        CompletableFuture<AuthorizationRequest> made = new CompletableFuture<>();
        CompletableFuture<URI> shown = new CompletableFuture<>();
        this.code = receiver.receive(
                        uri -> {
                            AuthorizationRequest built =
                                    AuthorizationRequest.builder(AUTHORIZE).build(uri);
                            made.complete(built);
                            return built;
                        },
                        Browser.printing(shown::complete),
                        swap)
                .toFuture();
        code.exceptionally(error -> {
            shown.completeExceptionally(error);
            return null;
        });
        shown.orTimeout(20, TimeUnit.SECONDS).join();
        this.request = made.join();
    }

    static WaitingLogin at(String redirectUri) {
        return of(LoopbackReceiver.create().redirectUri(URI.create(redirectUri)));
    }

    static WaitingLogin of(LoopbackReceiver receiver) {
        return new WaitingLogin(receiver, Mono::just);
    }

    /** One whose code is swapped by a test. */
    static WaitingLogin swapping(String redirectUri, Function<AuthorizationCode, Mono<AuthorizationCode>> swap) {
        return swapping(LoopbackReceiver.create().redirectUri(URI.create(redirectUri)), swap);
    }

    static WaitingLogin swapping(LoopbackReceiver receiver, Function<AuthorizationCode, Mono<AuthorizationCode>> swap) {
        return new WaitingLogin(receiver, swap);
    }

    URI redirectUri() {
        return request.redirectUri();
    }

    /** Returns the redirect of a successful login. */
    String link(String code) {
        return redirectUri() + "?code=" + code + "&state=" + state();
    }

    String denial() {
        return redirectUri() + "?error=access_denied&state=" + state();
    }

    private String state() {
        return request.uri().toString().replaceFirst(".*[?&]state=([^&]+).*", "$1");
    }

    boolean isPending() {
        return !code.isDone();
    }

    String code() {
        return code.orTimeout(20, TimeUnit.SECONDS).join().secret();
    }

    @Override
    public void close() {
        code.cancel(true);
    }
}
