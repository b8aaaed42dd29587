package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSource;
import io.tokenswap.TokenUnavailableException;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A user's token, kept fresh: at most one refresh is under way whoever asks for it, ahead of expiry, stored before it is
 * published. What most callers want is {@link #token()} for a call, or {@link #withToken} for one that may be refused. Safe for use by any number of threads and subscribers. Made by {@link #builder(TokenEndpoint)}, or by
 * {@code LoginFlow.login()}.
 *
 * <pre>
 *  tokens  --A-----------------------B------------------->      a late subscriber gets the current token at once
 *  timer      A.refreshAt ^   A.staleAt |   A.expiresAt |
 * </pre>
 *
 * <p>{@link #state()} tells where a session is:
 *
 * <ul>
 *   <li>{@link State#FRESH FRESH}: callers get the current token at once.
 *   <li>{@link State#DUE DUE}: it should be refreshed; the next caller gets it at once and starts the refresh.
 *   <li>{@link State#REFRESHING REFRESHING}: callers get the current token until it is stale, then wait for the next one.
 *   <li>{@link State#DEGRADED DEGRADED}: the last attempt failed and another is due later. Callers get the current token until
 *       it is stale, then fail at once with {@link TokenUnavailableException}; they never wait for a pause to end.
 *   <li>{@link State#LOGIN_REQUIRED LOGIN_REQUIRED}: the grant has ended and nothing is sent any more. Callers get the current
 *       token until it is stale, then fail with {@link LoginRequiredException}. {@link #renew(Token)} leads back.
 *   <li>{@link State#CLOSED CLOSED}: disposed of; callers fail with {@link SessionClosedException}.
 * </ul>
 *
 * <p>A refresh belongs to the session and not to the caller that started it: it sees nobody's {@code Context}, it goes on when
 * all callers are gone, and its result is stored even when the session has been disposed of meanwhile.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-1.5">RFC 6749 section 1.5</a>
 */
public interface TokenSession extends TokenSource, Disposable {

    /**
     * A session in the making.
     *
     * @param endpoint what refreshes its tokens
     * @return a new builder
     */
    static Builder builder(TokenEndpoint endpoint) {
        return new Builder(endpoint);
    }

    /**
     * A token that is valid now.
     *
     * <p>Cold: each subscription asks anew. While the current token is usable it is emitted at once, on the subscriber's
     * thread; otherwise the result of the one refresh under way is, on the thread that completes it. Cancelling harms neither
     * the refresh nor any other caller. Emits exactly one token or an error. It never waits for a pause to
     * end, nor for ever: an attempt has a minute, three where a store is shared, and only a login that a hook has begun may last.
     *
     * @return the token; or {@link TokenUnavailableException} while it is stale and the next attempt is due later,
     *     its cause says why, an {@link OAuthErrorException} or {@link RequestRejectedException} that the configuration must be
     *     mended; {@link LoginRequiredException} when the grant has ended; {@link SessionClosedException} after disposal
     */
    @Override
    Mono<Token> token();

    /**
     * All tokens from now on, each pushed ahead of the expiry of the one before.
     *
     * <p>Hot. The first subscriber starts the timer and the last one to cancel stops it; without any the session is quiet
     * (see {@link Builder#keepAlive()}). A subscriber gets the current token at once if it is usable, on its own
     * thread, and later ones on the thread that completes the refresh. Cancelling ends no refresh. A late subscriber begins with
     * the current token; one that requests slowly gets the latest token only: nothing is buffered, and a token that went stale
     * while it waited is skipped. One that throws harms only itself.
     *
     * @return the tokens; completes after disposal, fails with {@link LoginRequiredException} when the grant has ended, and with
     *     {@link TokenUnavailableException} when the scheduler takes no timers, being shut down or full: subscribe again when it
     *     does
     */
    Flux<Token> tokens();

    /**
     * What happens to the session from now on.
     *
     * <p>Hot, without replay. Events come one at a time in the order in which things happened, on a thread that made one of them
     * happen. Cancelling is at once. A subscriber that requests slowly loses the oldest beyond 256; one that throws harms only
     * itself.
     *
     * @return the events; completes after disposal and never fails
     */
    Flux<SessionEvent> events();

    /**
     * Where the session is now, for health checks and metrics: a look that starts nothing. {@link #events()} tells the changes.
     *
     * @return the state
     */
    State state();

    /**
     * Refreshes now, though the current token may still be good, for one that does not have the scopes it should have. Joins
     * the refresh under way, if any. Most callers want {@link #token()}.
     *
     * <p>Cold. The token comes on the thread that completes the refresh. Cancelling does not end the refresh. During a pause after
     * a failure nothing is sent.
     *
     * @return the next token, or the errors of {@link #token()}
     */
    Mono<Token> refresh();

    /**
     * Goes on with the token of a new login, from any state but {@code CLOSED}. A refresh under way is forgotten.
     *
     * <p>Cold. The token is stored before anyone sees it.
     *
     * @param token the token of the new login
     * @return empty when the token is current; {@link SessionClosedException} after disposal
     */
    Mono<Void> renew(Token token);

    /**
     * Disposes of the session and waits for what is still under way.
     *
     * <p>Cold. Cancelling stops the waiting only.
     *
     * @return empty when the session is closed and the result of a refresh that was under way is stored, or the store has
     *     failed to take it
     */
    Mono<Void> disposeLater();

    /** Where a session can be. */
    enum State {
        /** The current token is good. */
        FRESH,
        /** The current token should be refreshed, and nothing is under way yet. */
        DUE,
        /** A refresh is under way. */
        REFRESHING,
        /** The last attempt failed; another is due later. */
        DEGRADED,
        /** The grant has ended. */
        LOGIN_REQUIRED,
        /** The session was disposed of. */
        CLOSED
    }

    /** Collects the options of a {@link TokenSession}. Not safe for use by several threads. */
    final class Builder {

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

        Builder(TokenEndpoint endpoint) {
            this.endpoint = Objects.requireNonNull(endpoint, "endpoint");
        }

        /**
         * Sets when to refresh, and how patiently to repeat.
         *
         * @param policy {@link RefreshPolicy#defaults()} by default
         * @return this builder
         */
        public Builder policy(RefreshPolicy policy) {
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
        public Builder store(LegacyTokenStore store, String key) {
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
        public Builder onLoginRequired(Function<? super LoginRequiredException, ? extends Mono<Token>> login) {
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
        public Builder keepAlive() {
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
        public Builder clock(InstantSource clock) {
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
        public Builder scheduler(Scheduler scheduler) {
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
        public Builder random(DoubleSupplier random) {
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
}
