package io.tokenswap.testing;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A server's part in a test. Grants tokens with names that count up ({@code access-1}, {@code refresh-1}, ...), rotates the refresh
 * token with each, and records what it was asked. The next answers can be scripted; then it grants again.
 */
public final class ScriptedEndpoint implements TokenEndpoint {

    private final InstantSource clock;
    private final Duration lifetime;
    private final AtomicInteger granted = new AtomicInteger();
    private final List<Token> refreshed = new CopyOnWriteArrayList<>();
    private final Queue<Function<Token, Mono<Token>>> script = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Function<Token, Mono<Token>> always;

    /**
     * An endpoint that grants.
     *
     * @param clock tells when a token is issued
     * @param lifetime how long a token is valid
     */
    public ScriptedEndpoint(InstantSource clock, Duration lifetime) {
        this.clock = clock;
        this.lifetime = lifetime;
    }

    /** The next token, as a server would grant it now. */
    public Token grant() {
        return grant(lifetime);
    }

    /** The next token, with a lifetime of its own; null for none. */
    public Token grant(@Nullable Duration lifetime) {
        int number = granted.incrementAndGet();
        Instant now = clock.instant();
        return Token.builder("access-" + number, now)
                .refreshToken("refresh-" + number)
                .expiresAt(lifetime == null ? null : now.plus(lifetime))
                .build();
    }

    /** Answers the next refresh that has no answer yet. */
    public ScriptedEndpoint then(Function<Token, Mono<Token>> answer) {
        script.add(answer);
        return this;
    }

    /** Answers the next refresh that has no answer yet with an error. */
    public ScriptedEndpoint thenFail(Throwable error) {
        return then(token -> Mono.error(error));
    }

    /** Answers all refreshes that have no answer of their own; null to grant again. */
    public void always(@Nullable Function<Token, Mono<Token>> answer) {
        always = answer;
    }

    /** How many refreshes were subscribed to. */
    public int refreshes() {
        return refreshed.size();
    }

    /** The tokens that refreshes came with. */
    public List<Token> refreshed() {
        return refreshed;
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.fromSupplier(this::grant);
    }

    @Override
    public Mono<Token> refresh(Token token) {
        return Mono.defer(() -> {
            refreshed.add(token);
            Function<Token, Mono<Token>> answer = script.poll();
            if (answer == null) {
                answer = always;
            }
            return answer == null ? Mono.fromSupplier(this::grant) : answer.apply(token);
        });
    }

    /** The answer of a server to a refresh token that it does not accept any more. */
    public static OAuthErrorException invalidGrant() {
        return new OAuthErrorException("invalid_grant", "Refresh token revoked", 400);
    }

    /** No connection. */
    public static TokenUnavailableException notSent() {
        return new TokenUnavailableException("refused", TokenUnavailableException.Reason.NOT_SENT, null, null);
    }

    /** The request left, and no answer came. */
    public static TokenUnavailableException unknown() {
        return new TokenUnavailableException("reset", TokenUnavailableException.Reason.UNKNOWN, null, null);
    }

    /** The server asks for patience. */
    public static TokenUnavailableException throttled(Instant retryAt) {
        return new TokenUnavailableException("throttled", TokenUnavailableException.Reason.THROTTLED, retryAt, null);
    }
}
