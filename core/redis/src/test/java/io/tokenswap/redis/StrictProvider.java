package io.tokenswap.redis;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** A provider that takes each refresh token once and counts those that it sees again. */
final class StrictProvider implements TokenEndpoint {

    private final Map<String, Integer> presented = new ConcurrentHashMap<>();
    final AtomicInteger refreshes = new AtomicInteger();
    final AtomicInteger duplicates = new AtomicInteger();
    private volatile Runnable onRefresh = () -> {};

    /** @param action runs once, while the next request is at the provider */
    void onRefresh(Runnable action) {
        onRefresh = action;
    }

    static Token token(String user, int number) {
        Instant now = Instant.now();
        return Token.builder("access-" + number + "-" + user, now)
                .refreshToken("refresh-" + number + "-" + user)
                .expiresAt(now.plusSeconds(3_600))
                .build();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.error(new UnsupportedOperationException());
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return Mono.fromSupplier(() -> {
                    refreshes.incrementAndGet();
                    Runnable action = onRefresh;
                    onRefresh = () -> {};
                    action.run();
                    if (presented.merge(refreshToken.secret(), 1, Integer::sum) > 1) {
                        duplicates.incrementAndGet();
                    }
                    String[] parts = refreshToken.secret().split("-", 3);
                    return token(parts[2], Integer.parseInt(parts[1]) + 1);
                })
                .subscribeOn(Schedulers.boundedElastic());
    }
}
