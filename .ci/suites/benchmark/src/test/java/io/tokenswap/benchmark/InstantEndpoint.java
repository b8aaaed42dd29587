package io.tokenswap.benchmark;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Mono;

/** Grants tokens in this process, at once: two strings of 35 characters, new for each token as from the network. */
final class InstantEndpoint implements TokenEndpoint {

    /** Counts from the first number of 19 digits, so that all have as many. */
    private final AtomicLong number = new AtomicLong(1_000_000_000_000_000_000L);

    private final LongAdder refreshes = new LongAdder();
    private final Duration lifetime;

    InstantEndpoint(Duration lifetime) {
        this.lifetime = lifetime;
    }

    long refreshes() {
        return refreshes.sum();
    }

    Token grant() {
        Instant now = Instant.now();
        long mark = number.incrementAndGet();
        return Token.builder("access-token-of-" + mark, now)
                .refreshToken("refresh-token-of" + mark)
                .expiresAt(now.plus(lifetime))
                .build();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.fromSupplier(this::grant);
    }

    @Override
    public Mono<Token> refresh(RefreshToken presented) {
        return Mono.fromSupplier(() -> {
            refreshes.increment();
            return grant();
        });
    }
}
