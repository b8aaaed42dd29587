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
 * Endpoint for tests that takes the place of a server. It grants tokens with names that count up ({@code access-1} and
 * {@code refresh-1}, {@code access-2} and {@code refresh-2}, ...), and records each request. A test can script the next
 * responses, one after another. After the script the endpoint grants again.
 *
 * <pre>{@code
 * ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1))
 *         .thenFail(ScriptedEndpoint.notSent())      // the first refresh finds no server
 *         .thenThrottle(Duration.ofSeconds(30));     // the second gets 429 with Retry-After: 30
 * }</pre>
 *
 * <p>The endpoint accepts any refresh token. {@link #rotate(Duration)} and {@link #revoke()} change that. Safe for use
 * by several threads.
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

    /** Time after its first use in which a refresh token is accepted; null for ever. */
    private volatile @Nullable Duration grace;

    private final Map<String, Instant> firstUses = new ConcurrentHashMap<>();

    /**
     * Creates an endpoint without a script.
     *
     * @param clock the clock that dates the tokens
     * @param lifetime the lifetime of each token; null for tokens whose server names none
     */
    public ScriptedEndpoint(InstantSource clock, @Nullable Duration lifetime) {
        this.clock = Objects.requireNonNull(clock, "clock");
        this.lifetime = lifetime;
    }

    /**
     * Returns the next token, as a server would grant it now. Use it as the token of a user who is signed in already.
     *
     * @return the token
     */
    public Token grant() {
        return grant(lifetime);
    }

    /**
     * Returns the next token with another lifetime.
     *
     * @param lifetime the lifetime of the token; null if the server names none
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
     * Accepts each refresh token once, and again within a grace period for a client that lost the response. Afterwards
     * the response is {@link #invalidGrant()}.
     *
     * @param grace the time after the first use in which the refresh token is accepted; zero for none
     * @return this endpoint
     */
    public ScriptedEndpoint rotate(Duration grace) {
        this.grace = Objects.requireNonNull(grace, "grace");
        return this;
    }

    /**
     * Returns the presented refresh token with each new access token, as a provider does that does not rotate.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint keepRefreshToken() {
        keepsRefreshToken = true;
        return this;
    }

    /**
     * Ends all grants: every refresh that is not scripted fails with {@link #invalidGrant()} from now on.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint revoke() {
        return always(token -> Mono.error(invalidGrant()));
    }

    /**
     * Adds a response to the script of refreshes.
     *
     * @param response a function of the refresh token, called when the refresh is subscribed to
     * @return this endpoint
     */
    public ScriptedEndpoint then(Function<RefreshToken, Mono<Token>> response) {
        script.add(response);
        return this;
    }

    /**
     * Adds an error to the script of refreshes: {@link #invalidGrant()}, {@link #notSent()}, {@link #responseLost()} or another.
     *
     * @param error the error
     * @return this endpoint
     */
    public ScriptedEndpoint thenFail(Throwable error) {
        return then(token -> Mono.error(error));
    }

    /**
     * Adds a response 429 with {@code Retry-After} to the script of refreshes.
     *
     * @param pause the time from the request on in which the server wants no other
     * @return this endpoint
     */
    public ScriptedEndpoint thenThrottle(Duration pause) {
        return then(token -> Mono.error(throttled(clock.instant().plus(pause))));
    }

    /**
     * Adds a lost response to the script of refreshes: the server grants and rotates, then the connection breaks.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint thenLoseTheResponse() {
        return then(token -> granted(token).then(Mono.error(responseLost())));
    }

    /**
     * Adds a missing response to the script of refreshes: the server grants and rotates, and never responds.
     *
     * @return this endpoint
     */
    public ScriptedEndpoint thenHang() {
        return then(token -> granted(token).then(Mono.never()));
    }

    /**
     * Adds an error to the script of swaps.
     *
     * @param error the error
     * @return this endpoint
     */
    public ScriptedEndpoint thenFailToSwap(Throwable error) {
        swaps.add(Mono.error(error));
        return this;
    }

    /**
     * Sets the response to each refresh that is not scripted.
     *
     * @param response a function of the refresh token; null to grant again
     * @return this endpoint
     */
    public ScriptedEndpoint always(@Nullable Function<RefreshToken, Mono<Token>> response) {
        always = response;
        return this;
    }

    /**
     * Returns the codes that were presented so far.
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
     * Returns the number of refreshes that were subscribed to.
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
            Mono<Token> response = swaps.poll();
            return response == null ? Mono.fromSupplier(this::grant) : response;
        });
    }

    @Override
    public Mono<Token> refresh(RefreshToken token) {
        return Mono.defer(() -> {
            refreshed.add(token);
            Function<RefreshToken, Mono<Token>> response = script.poll();
            if (response == null) {
                response = always;
            }
            return response == null ? granted(token) : response.apply(token);
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
        Duration grace = this.grace;
        if (grace == null || keepsRefreshToken) {
            return false;
        }
        Instant firstUse = firstUses.putIfAbsent(refreshToken, clock.instant());
        return firstUse != null && !clock.instant().isBefore(firstUse.plus(grace));
    }

    /**
     * Returns the error of a server that does not accept the refresh token any more.
     *
     * @return the error
     */
    public static OAuthErrorException invalidGrant() {
        return new OAuthErrorException("invalid_grant", "Refresh token revoked", 400);
    }

    /**
     * Returns the error of a client that found no server: the request was not sent.
     *
     * @return the error
     */
    public static TokenUnavailableException notSent() {
        return new TokenUnavailableException("refused", TokenUnavailableException.Reason.NOT_SENT, null, null);
    }

    /**
     * Returns the error of a client whose connection broke after the request was sent.
     *
     * @return the error
     */
    public static TokenUnavailableException responseLost() {
        return new TokenUnavailableException("reset", TokenUnavailableException.Reason.RESPONSE_LOST, null, null);
    }

    /**
     * Returns the error of a server that limits requests (429 or 503).
     *
     * @param retryAt the first instant at which the server wants another request; null if it names none
     * @return the error
     */
    public static TokenUnavailableException throttled(@Nullable Instant retryAt) {
        return new TokenUnavailableException("throttled", TokenUnavailableException.Reason.THROTTLED, retryAt, null);
    }
}
