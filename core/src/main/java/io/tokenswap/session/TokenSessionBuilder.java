package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Collects the options of a {@link TokenSession}. Not safe for use by several threads. */
public final class TokenSessionBuilder {

    private final TokenEndpoint endpoint;
    private RefreshPolicy policy = RefreshPolicy.defaults();
    private InstantSource clock = InstantSource.system();
    private Scheduler scheduler = Schedulers.parallel();
    private DoubleSupplier random = new Random()::nextDouble;
    private @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login;
    private boolean keepAlive;
    private @Nullable LegacyTokenStore store;
    private String key = "";

    /** Shared by the sessions that are made of the same options; null after a change of one. */
    private @Nullable SessionSettings settings;

    TokenSessionBuilder(TokenEndpoint endpoint) {
        this.endpoint = Objects.requireNonNull(endpoint, "endpoint");
    }

    /**
     * Sets when to refresh, and how patiently to repeat.
     *
     * @param policy {@link RefreshPolicy#defaults()} by default
     * @return this builder
     */
    public TokenSessionBuilder policy(RefreshPolicy policy) {
        settings = null;
        this.policy = Objects.requireNonNull(policy, "policy");
        return this;
    }

    /**
     * Saves each token before anyone sees it, and goes on with what others who share the store have saved.
     *
     * @param store the store; without one the token lives as long as the session
     * @param key the key of this user's token
     * @return this builder
     */
    public TokenSessionBuilder store(LegacyTokenStore store, String key) {
        this.store = Objects.requireNonNull(store, "store");
        this.key = Objects.requireNonNull(key, "key");
        return this;
    }

    /**
     * Asks the user to sign in again when the grant has ended, so that {@link TokenSession#tokens()} goes on with the new token
     * instead of failing. The session subscribes to one login at a time, whoever waits for it, and
     * cancels it on disposal and on {@link TokenSession#renew(Token)}. A login that fails is not repeated: the session then says
     * that a login is required.
     *
     * @param login yields the token of a new login; without a hook the session waits for {@link TokenSession#renew(Token)}
     * @return this builder
     */
    public TokenSessionBuilder onLoginRequired(Function<? super LoginRequiredException, ? extends Mono<Token>> login) {
        settings = null;
        this.login = Objects.requireNonNull(login, "login");
        return this;
    }

    /**
     * Refreshes ahead of expiry though nobody is subscribed to {@link TokenSession#tokens()}. Off by default: an unused session
     * has no timer at all, and {@link TokenSession#token()} refreshes on demand. Dispose of a session that is kept alive.
     *
     * @return this builder
     */
    public TokenSessionBuilder keepAlive() {
        settings = null;
        this.keepAlive = true;
        return this;
    }

    /**
     * Replaces the wall clock, by which tokens expire.
     *
     * @param clock the system's by default
     * @return this builder
     */
    public TokenSessionBuilder clock(InstantSource clock) {
        settings = null;
        this.clock = Objects.requireNonNull(clock, "clock");
        return this;
    }

    /**
     * Replaces the scheduler of the timers. Its time need not be the clock's: the session looks at the clock every 30 s.
     *
     * @param scheduler {@link Schedulers#parallel()} by default
     * @return this builder
     */
    public TokenSessionBuilder scheduler(Scheduler scheduler) {
        settings = null;
        this.scheduler = Objects.requireNonNull(scheduler, "scheduler");
        return this;
    }

    /**
     * Replaces the randomness of jitter and backoff.
     *
     * @param random numbers from 0 inclusive to 1 exclusive; safe for use by several threads
     * @return this builder
     */
    public TokenSessionBuilder random(DoubleSupplier random) {
        settings = null;
        this.random = Objects.requireNonNull(random, "random");
        return this;
    }

    /**
     * Starts a session with a token. It sends nothing before someone subscribes and the token is due. With a store, the token
     * must be saved already, as {@link TokenSession#renew(Token)} does.
     *
     * @param token the token of a login, or one that was kept elsewhere; it may have expired
     * @return a new session
     */
    public TokenSession build(Token token) {
        StoredToken stored = store == null ? null : new StoredToken(store, key, scheduler, token);
        return new DefaultTokenSession(settings(), stored, token);
    }

    /**
     * Starts a session with the token of a new login, saved first where there is a store.
     *
     * <p>Cold: each subscription makes a session of its own.
     *
     * @param token the token of the login
     * @return the session, when the token is saved; fails with the store's error
     */
    public Mono<TokenSession> start(Token token) {
        return Mono.defer(() -> store == null ? Mono.just(true) : store.save(key, null, token))
                .then(Mono.fromSupplier(() -> build(token)));
    }

    /**
     * Starts a session with the token that is stored. An expired one is refreshed first, and never handed out.
     *
     * <p>Cold: each subscription makes a session of its own.
     *
     * @return the session, or empty when nothing is stored; fails with the store's error
     * @throws IllegalStateException if no {@link #store} was given
     */
    public Mono<TokenSession> restore() {
        if (store == null) {
            throw new IllegalStateException("There is nothing to restore from: give the builder a store");
        }
        LegacyTokenStore from = store;
        return Mono.defer(() -> from.load(key)).map(this::build);
    }

    private SessionSettings settings() {
        if (settings == null) {
            settings = new SessionSettings(endpoint, policy, clock, scheduler, random, login, keepAlive);
        }
        return settings;
    }
}
