package io.tokenswap.benchmark;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Mono;

/** Grants tokens of 35 characters in this process, at once. */
final class InstantEndpoint implements TokenEndpoint {

    final LongAdder refreshes = new LongAdder();
    private final Duration lifetime;

    InstantEndpoint(Duration lifetime) {
        this.lifetime = lifetime;
    }

    Token grant() {
        Instant now = Instant.now();
        // Strings of their own for each token, as they come from the network.
        long number = System.nanoTime();
        return Token.builder(String.format("access-%028d", number), now)
                .refreshToken(String.format("refresh%028d", number))
                .expiresAt(now.plus(lifetime))
                .build();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.fromSupplier(this::grant);
    }

    @Override
    public Mono<Token> refresh(Token token) {
        return Mono.fromSupplier(() -> {
            refreshes.increment();
            return grant();
        });
    }
}
