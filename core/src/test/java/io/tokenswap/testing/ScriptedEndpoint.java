package io.tokenswap.testing;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A server's part in a test. Grants tokens with names that count up ({@code access-1} and {@code refresh-1}, ...), a new refresh
 * token with each, and records what it was asked. The answers to come can be scripted, one after another; then it grants again.
 *
 * <p>It takes any refresh token unless told otherwise by {@link #rotate(Duration)} or {@link #revoke()}. Safe for use by any number
 * of threads.
 */
public final class ScriptedEndpoint implements TokenEndpoint {

    private final InstantSource clock;
    private final @Nullable Duration lifetime;
    private final AtomicInteger granted = new AtomicInteger();
    private final List<AuthorizationCode> swapped = Collections.synchronizedList(new ArrayList<>());
    private final List<RefreshToken> refreshed = Collections.synchronizedList(new ArrayList<>());
    private final Queue<Mono<Token>> swaps = new ConcurrentLinkedQueue<>();
    private final Queue<Function<RefreshToken, Mono<Token>>> script = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Function<RefreshToken, Mono<Token>> always;
    private volatile boolean keepsRefreshToken;

    /** How long a refresh token works after its first use; null for ever. */
    private volatile @Nullable Duration grace;

    private final Map<String, Instant> firstUses = new ConcurrentHashMap<>();

    /**
     * An endpoint that grants.
     *
     * @param clock tells when a token is issued
     * @param lifetime how long a token is valid, or null for tokens that do not say
     */
    public ScriptedEndpoint(InstantSource clock, @Nullable Duration lifetime) {
        this.clock = Objects.requireNonNull(clock, "clock");
        this.lifetime = lifetime;
    }

    /**
     * The next token, as a server would grant it now.
     *
     * @return the token
     */
    public Token grant() {
        return grant(lifetime);
    }

    /**
     * The next token, with a lifetime of its own.
     *
     * @param lifetime how long it is valid, or null if it does not say
     * @return the token
     */
    public Token grant(@Nullable Duration lifetime) {
        int number = granted.incrementAndGet();
        Instant now = clock.instant();
        return Token.builder("access-" + number, now)
                .refreshToken("refresh-" + number)
                .expiresAt(lifetime == null ? null : now.plus(lifetime))
                .build();
    }

    /**
     * Takes each refresh token once, and for a while longer for a client that lost the answer; then it is dead.
     *
     * @param grace for how long it works after its first use; zero for a server that knows no mercy
     * @return this endpoint
     */
    public ScriptedEndpoint rotate(Duration grace) {
        this.grace = Objects.requireNonNull(grace, "grace");
        return this;
    }

    /**
     * Never rotates: the next token has the refresh token that was presented.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint keepRefreshToken() {
        keepsRefreshToken = true;
        return this;
    }

    /**
     * Ends all grants: refreshes fail with {@link #invalidGrant()} from now on, but for those that are scripted.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint revoke() {
        return always(token -> Mono.error(invalidGrant()));
    }

    /**
     * Answers the next refresh that has no answer yet.
     *
     * @param answer called with the refresh token, when its refresh is subscribed to
     * @return this endpoint
     */
    public ScriptedEndpoint then(Function<RefreshToken, Mono<Token>> answer) {
        script.add(answer);
        return this;
    }

    /**
     * Answers the next refresh that has no answer yet with an error: {@link #invalidGrant()}, {@link #notSent()} or another.
     *
     * @param error the error
     * @return this endpoint
     */
    public ScriptedEndpoint thenFail(Throwable error) {
        return then(token -> Mono.error(error));
    }

    /**
     * Answers the next refresh that has no answer yet with 429 and {@code Retry-After}.
     *
     * @param pause how long from the request on to stay away
     * @return this endpoint
     */
    public ScriptedEndpoint thenThrottle(Duration pause) {
        return then(token -> Mono.error(throttled(clock.instant().plus(pause))));
    }

    /**
     * Grants the next refresh that has no answer yet, and loses the answer: the connection breaks, but the server has rotated.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint thenLoseTheAnswer() {
        return then(token -> granted(token).then(Mono.error(unknown())));
    }

    /**
     * Grants the next refresh that has no answer yet, and never answers.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint thenHang() {
        return then(token -> granted(token).then(Mono.never()));
    }

    /**
     * Answers the next swap that has no answer yet with an error.
     *
     * @param error the error
     * @return this endpoint
     */
    public ScriptedEndpoint thenFailToSwap(Throwable error) {
        swaps.add(Mono.error(error));
        return this;
    }

    /**
     * Answers all refreshes that have no answer of their own.
     *
     * @param answer called with the refresh token; null to grant again
     * @return this endpoint
     */
    public ScriptedEndpoint always(@Nullable Function<RefreshToken, Mono<Token>> answer) {
        always = answer;
        return this;
    }

    /**
     * What was asked for so far: the codes that came.
     *
     * @return the codes, one for each swap that was subscribed to
     */
    public List<AuthorizationCode> swapped() {
        return List.copyOf(swapped);
    }

    /**
     * Returns the refresh tokens that were presented so far.
     *
     * @return the refresh tokens, one for each refresh that was subscribed to
     */
    public List<RefreshToken> refreshed() {
        return List.copyOf(refreshed);
    }

    /**
     * How many refreshes were subscribed to.
     *
     * @return the number
     */
    public int refreshes() {
        return refreshed.size();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.defer(() -> {
            swapped.add(code);
            Mono<Token> answer = swaps.poll();
            return answer == null ? Mono.fromSupplier(this::grant) : answer;
        });
    }

    @Override
    public Mono<Token> refresh(RefreshToken token) {
        return Mono.defer(() -> {
            refreshed.add(token);
            Function<RefreshToken, Mono<Token>> answer = script.poll();
            if (answer == null) {
                answer = always;
            }
            return answer == null ? granted(token) : answer.apply(token);
        });
    }

    private Mono<Token> granted(RefreshToken token) {
        return Mono.defer(() -> {
            if (isUsedUp(token.secret())) {
                return Mono.error(invalidGrant());
            }
            Token next = grant();
            return Mono.just(
                    keepsRefreshToken
                            ? next.toBuilder().refreshToken(token.secret()).build()
                            : next);
        });
    }

    private boolean isUsedUp(String refreshToken) {
        Duration mercy = grace;
        if (mercy == null || keepsRefreshToken) {
            return false;
        }
        Instant firstUse = firstUses.putIfAbsent(refreshToken, clock.instant());
        return firstUse != null && !clock.instant().isBefore(firstUse.plus(mercy));
    }

    /**
     * The answer of a server to a refresh token that it does not accept any more.
     *
     * @return the error
     */
    public static OAuthErrorException invalidGrant() {
        return new OAuthErrorException("invalid_grant", "Refresh token revoked", 400);
    }

    /**
     * No connection.
     *
     * @return the error
     */
    public static TokenUnavailableException notSent() {
        return new TokenUnavailableException("refused", TokenUnavailableException.Reason.NOT_SENT, null, null);
    }

    /**
     * The request left, and no answer came.
     *
     * @return the error
     */
    public static TokenUnavailableException unknown() {
        return new TokenUnavailableException("reset", TokenUnavailableException.Reason.RESPONSE_LOST, null, null);
    }

    /**
     * The server asks for patience.
     *
     * @param retryAt until when, or null if it does not say
     * @return the error
     */
    public static TokenUnavailableException throttled(@Nullable Instant retryAt) {
        return new TokenUnavailableException("throttled", TokenUnavailableException.Reason.THROTTLED, retryAt, null);
    }
}
