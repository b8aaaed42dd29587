package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;

/**
 * Watches over what is asked of an endpoint: one attempt after another, and no failure that shows a secret. The first attempt
 * may go to another endpoint than the rest.
 */
final class Attempts implements TokenEndpoint {

    private final TokenEndpoint first;
    private final TokenEndpoint rest;
    private final Consumer<String> complaints;
    private final AtomicInteger started = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();

    Attempts(TokenEndpoint first, TokenEndpoint rest, Consumer<String> complaints) {
        this.first = first;
        this.rest = rest;
        this.complaints = complaints;
    }

    int started() {
        return started.get();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.defer(() -> watched(next().swap(code)));
    }

    @Override
    public Mono<Token> refresh(RefreshToken token) {
        return Mono.defer(() -> watched(next().refresh(token)));
    }

    private TokenEndpoint next() {
        return started.getAndIncrement() == 0 ? first : rest;
    }

    private Mono<Token> watched(Mono<Token> attempt) {
        if (running.incrementAndGet() > 1) {
            complaints.accept("two attempts at the same time");
        }
        return attempt.doOnTerminate(running::decrementAndGet).doOnError(this::inspect);
    }

    private void inspect(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        if (text.toString().contains(Samples.CANARY)) {
            complaints.accept("a failure shows a secret: " + failure.getClass());
        }
    }
}
