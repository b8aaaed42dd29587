package io.tokenswap.testing;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Endpoint of a provider that expects each refresh token once, and counts those that come again. Its tokens live for an hour
 * of real time. Requests run on {@link Schedulers#boundedElastic()}.
 *
 * <p>Safe for use by any thread.
 */
public final class StrictProvider implements TokenEndpoint {

    private static final Duration LIFETIME = Duration.ofHours(1);

    private final Set<String> presented = ConcurrentHashMap.newKeySet();
    private final AtomicInteger refreshes = new AtomicInteger();
    private final AtomicInteger duplicates = new AtomicInteger();
    private volatile Runnable onRefresh = () -> {};

    /** Creates a provider that has seen no refresh token. */
    public StrictProvider() {}

    /**
     * Returns a token of this provider.
     *
     * @param user the name of the user
     * @param number the number of the token, 1 for that of a login
     * @return the token
     */
    public static Token token(String user, int number) {
        Instant now = Instant.now();
        return Token.builder("access-" + number + "-" + user, now)
                .refreshToken("refresh-" + number + "-" + user)
                .expiresAt(now.plus(LIFETIME))
                .build();
    }

    /**
     * Runs an action while the next request is at the provider.
     *
     * @param action runs once
     */
    public void onRefresh(Runnable action) {
        onRefresh = Objects.requireNonNull(action, "action");
    }

    /**
     * Returns the number of requests.
     *
     * @return all requests so far
     */
    public int refreshes() {
        return refreshes.get();
    }

    /**
     * Returns the number of requests whose refresh token had come before.
     *
     * @return 0 if each refresh token has come once
     */
    public int duplicates() {
        return duplicates.get();
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
                    if (!presented.add(refreshToken.secret())) {
                        duplicates.incrementAndGet();
                    }
                    String[] parts = refreshToken.secret().split("-", 3);
                    return token(parts[2], Integer.parseInt(parts[1]) + 1);
                })
                .subscribeOn(Schedulers.boundedElastic());
    }
}
