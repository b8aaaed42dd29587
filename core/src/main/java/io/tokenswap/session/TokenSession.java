package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSource;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.internal.Timers;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Session that keeps the token of one user fresh. At most one refresh is in flight, however many callers there are. The token
 * is refreshed ahead of its expiry, and is saved in the store, if there is one, before it is published. Most callers need
 * {@link #token()} for a call, or {@link #withToken} for a call that the API may refuse. Safe for use by any number of threads
 * and subscribers. Create sessions by {@link #builder(TokenEndpoint)} or by {@code LoginFlow.login()}.
 *
 * <pre>
 *  tokens  --A-----------------------B------------------->      a late subscriber gets the current token at once
 *  timer      A.refreshAt ^   A.staleAt |   A.expiresAt |       no one gets a token after its staleAt
 * </pre>
 *
 * <p>{@link #state()} returns where a session is, and {@link #states()} emits each change. {@link SessionState.Status} says
 * what callers get in each state.
 *
 * <p>A refresh belongs to the session and not to the caller that started it. It does not see the {@code Context} of a caller,
 * and it continues when all callers have cancelled. Its result is saved even if the session has been disposed meanwhile.
 *
 * <p>Callers, subscribers and listeners that wait are called by threads of the library. One that blocks delays neither the
 * session nor anyone else. To run them on another thread, put {@code publishOn} right behind {@link #token()} or
 * {@link #tokens()}.
 *
 * <p>With a store, several sessions may share one user's token, in one process or in many. One of them refreshes, and the
 * others take the result from the store. A sign-in or sign-out at one of them reaches all of them. {@link TokenStore} describes
 * the guarantees.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-1.5">RFC 6749 section 1.5</a>
 */
public interface TokenSession extends TokenSource, Disposable {

    /**
     * Returns a builder of sessions.
     *
     * @param endpoint refreshes the tokens
     * @return a new builder
     */
    static Builder builder(TokenEndpoint endpoint) {
        return new Builder(endpoint);
    }

    /**
     * Emits a token that is valid now.
     *
     * <p>Cold: each subscription asks again. A usable token is emitted at once, on the thread of the subscriber. Otherwise the
     * result of the refresh in flight is emitted, on a thread of the library for calls. Cancelling harms neither the
     * refresh nor other callers. Emits exactly one token or an error, and never waits for the end of a pause. The wait is
     * bounded by the timeout of the endpoint; with a store that others share, by twice that and five seconds. Only a login that
     * a hook has begun may take longer.
     *
     * @return the token. Fails with {@link TokenUnavailableException} while the token is stale and the next attempt is due
     *     later. If the cause is an {@link OAuthErrorException} or a {@link RequestRejectedException}, the configuration must
     *     be fixed. Fails with {@link LoginRequiredException} after the end of the grant, and with
     *     {@link SessionClosedException} after disposal
     */
    @Override
    Mono<Token> token();

    /**
     * Emits the current token and each later one, ahead of the expiry of the one before.
     *
     * <p>Hot. The first subscriber starts the timer and the last one that cancels stops it. A session without
     * subscribers is quiet, see {@link Builder#keepAlive()}. A subscriber gets the current token at once if it is
     * usable, on its own thread, and later tokens on a thread of the library for calls. Cancelling ends no refresh. A
     * subscriber that requests slowly gets the latest token only: nothing is buffered, and a token that went stale
     * meanwhile is skipped. A subscriber that throws harms itself only.
     *
     * @return the tokens. Completes after disposal. Fails with {@link LoginRequiredException} when the grant has ended,
     *     see {@link #tokensUntilClosed()}, and with {@link TokenUnavailableException} when the scheduler rejects
     *     timers
     */
    Flux<Token> tokens();

    /**
     * Emits tokens as {@link #tokens()} does, but waits for {@link #renew(Token)} or a sign-in at another node where
     * {@link #tokens()} fails with {@link LoginRequiredException}.
     *
     * @return the tokens. Completes after disposal
     */
    Flux<Token> tokensUntilClosed();

    /**
     * Emits the events of the session from the subscription on.
     *
     * <p>Hot, without replay. Events come one at a time and in order, on a thread of the library for calls. Cancelling takes
     * effect at once. A subscriber that requests slowly loses the oldest events beyond 256. A subscriber that throws harms
     * itself only.
     *
     * @return the events. Completes after disposal and never fails
     */
    Flux<SessionEvent> events();

    /**
     * Emits the current state and each later one.
     *
     * <p>Hot. A subscriber that requests slowly gets the latest state only. There is no timer for it:
     * {@link SessionState.Status#REFRESH_DUE}, which time alone brings, is seen when the session is asked next.
     *
     * @return the states, the current one first. Completes after {@link SessionState.Status#CLOSED} and never fails
     */
    Flux<SessionState> states();

    /**
     * Returns the current state, for health checks and metrics. Starts nothing.
     *
     * @return the state
     */
    SessionState state();

    /**
     * Refreshes now, although the current token may still be good, for example to obtain a token with other scopes.
     * Joins the refresh in flight, if there is one. Most callers want {@link #token()}.
     *
     * <p>Cold. The token comes on a thread of the library for calls. Cancelling does not end the refresh. During a
     * pause after a failure nothing is sent.
     *
     * @return the next token, or the errors of {@link #token()}
     */
    Mono<Token> refresh();

    /**
     * Continues with the token of a new login, from any state but {@code CLOSED}. The result of a refresh in flight is not
     * published.
     *
     * <p>Cold. The token is current at once. With a store it is saved in the background until it is there, and sessions at
     * other nodes find it at their next look.
     *
     * @param token the token of the new login
     * @return empty when the token is saved. Fails with {@link TokenUnavailableException} of the reason {@code STORE_FAILED} if
     *     the store has not taken it within 10 seconds; the session continues to try. Fails with {@link SessionClosedException}
     *     after disposal
     */
    Mono<Void> renew(Token token);

    /**
     * Signs the user out: removes the stored token and closes the session.
     *
     * <p>Cold. Wins over a refresh in flight here or at another node. Sessions at other nodes end at their next look at
     * the store: within a second where the store reports changes and the session has subscribers, else at their next
     * refresh. Until then their callers get the current token. The provider is not told; where it offers revocation,
     * the application may call it.
     *
     * @return empty when the sign-out is stored. Fails with {@link TokenUnavailableException} of the reason
     *     {@code STORE_FAILED} if the store has not taken it within 10 seconds
     */
    Mono<Void> signOut();

    /**
     * Disposes the session and waits for what is in flight and unsaved.
     *
     * <p>Cold. A save that waits for its retry begins at once. Cancelling stops the waiting only.
     *
     * @return empty when the session is closed and everything is saved. Fails with {@link TokenUnavailableException} of
     *     the reason {@code STORE_FAILED} if the store has not taken the last token within 10 seconds
     */
    Mono<Void> disposeLater();

    /**
     * Collects the options of a {@link TokenSession}. Not safe for use by several threads.
     *
     * <p>The methods that make a session or a publisher read the options when they are called. Later changes of the
     * builder affect neither.
     */
    final class Builder {

        private final TokenEndpoint endpoint;
        private RefreshPolicy policy = RefreshPolicy.defaults();
        private InstantSource clock = InstantSource.system();
        private Scheduler scheduler = Timers.scheduler();
        private DoubleSupplier random = () -> ThreadLocalRandom.current().nextDouble();
        private @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login;
        private boolean keepAlive;
        private @Nullable TokenStore store;
        private String user = "";
        private RefreshSlots slots = new RefreshSlots(64);
        private Supplier<String> ids = SessionSettings::randomId;

        /** Shared by the sessions that are made of the same options; null after a change of an option. */
        private @Nullable SessionSettings settings;

        Builder(TokenEndpoint endpoint) {
            this.endpoint = Objects.requireNonNull(endpoint, "endpoint");
        }

        /**
         * Sets when to refresh and how to retry.
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
         * Saves each token in a store before it is published, and continues with tokens that other sessions of the same store
         * have saved.
         *
         * @param store the store; without one the token lives as long as the session
         * @param user the name of the user, not blank. The store gets its hash, see {@link TokenStore#key(String)}
         * @return this builder
         * @throws IllegalArgumentException if the name is blank
         */
        public Builder store(TokenStore store, String user) {
            if (user.isBlank()) {
                throw new IllegalArgumentException("The name of the user is blank: users must not share a token");
            }
            this.store = Objects.requireNonNull(store, "store");
            this.user = user;
            return this;
        }

        /**
         * Sets a hook that asks the user to sign in when the grant has ended. {@link TokenSession#tokens()} then
         * continues with the new token instead of failing. The session subscribes to one login at a time, and cancels
         * it on disposal and on {@link TokenSession#renew(Token)}. A login that fails is not repeated: the session then
         * reports that a login is required.
         *
         * @param login emits the token of a new login; without a hook the session waits for
         *     {@link TokenSession#renew(Token)}
         * @return this builder
         */
        public Builder onLoginRequired(Function<? super LoginRequiredException, ? extends Mono<Token>> login) {
            settings = null;
            this.login = Objects.requireNonNull(login, "login");
            return this;
        }

        /**
         * Refreshes ahead of expiry even without a subscriber of {@link TokenSession#tokens()}. Off by default: an unused
         * session has no timer, and {@link TokenSession#token()} refreshes on demand. Dispose a session that is kept alive.
         *
         * @return this builder
         */
        public Builder keepAlive() {
            settings = null;
            this.keepAlive = true;
            return this;
        }

        /**
         * Bounds the refreshes in flight of all sessions that this builder makes. After a restart thousands of sessions
         * may be due at once. Those that exceed the bound wait for a slot, in random order, and first those for which a
         * caller waits. A waiting refresh uses up no deadline.
         *
         * @param limit at least 1; 64 by default
         * @return this builder
         * @throws IllegalArgumentException if the limit is less than 1
         */
        public Builder refreshesInFlight(int limit) {
            if (limit < 1) {
                throw new IllegalArgumentException("refreshesInFlight must be at least 1, but is " + limit);
            }
            settings = null;
            this.slots = new RefreshSlots(limit);
            return this;
        }

        /**
         * Sets the wall clock, by which tokens expire.
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
         * Sets the scheduler that runs the timers. It may keep a different time from the clock: the session checks the
         * clock at least every 30 seconds.
         *
         * <p>Attempts, callers and subscribers run on threads of the library while the scheduler is the default one or
         * one of Reactor's. Under any other scheduler, for example one of virtual time, attempts run on that scheduler,
         * and the thread that has a result calls the callers and subscribers.
         *
         * @param scheduler threads of the library by default, which no application can keep busy
         * @return this builder
         */
        public Builder scheduler(Scheduler scheduler) {
            settings = null;
            this.scheduler = Objects.requireNonNull(scheduler, "scheduler");
            return this;
        }

        /**
         * Sets the source of randomness for jitter and backoff.
         *
         * @param random numbers from 0 inclusive to 1 exclusive; safe for use by several threads
         * @return this builder
         */
        public Builder random(DoubleSupplier random) {
            settings = null;
            this.random = Objects.requireNonNull(random, "random");
            return this;
        }

        /** Sets the source of the ids of logins, for runs that can be repeated. */
        Builder ids(Supplier<String> ids) {
            settings = null;
            this.ids = ids;
            return this;
        }

        /**
         * Starts a session with a token. Sends nothing before someone subscribes and the token is due.
         *
         * @param token the token of a login, or one that was kept elsewhere; it may have expired
         * @return a new session
         * @throws IllegalStateException if a store is set: the token would not be in it. {@link #start(Token)} saves
         *     the token of a login, and {@link #restore()} reads a saved one
         */
        public TokenSession build(Token token) {
            if (store != null) {
                throw new IllegalStateException(
                        "A session with a store begins with start(token), which saves the token,"
                                + " or with restore()");
            }
            return new DefaultTokenSession(settings(), SessionLink.NONE, token, Stored.NONE);
        }

        /**
         * Starts a session with the token of a new login. Where there is a store, the token is saved first.
         *
         * <p>Cold: each subscription makes a session.
         *
         * @param token the token of the login
         * @return the session, when the token is saved. Fails with {@link TokenUnavailableException} of the reason
         *     {@code STORE_FAILED} if the store fails or does not respond within 10 seconds; the token may or may not
         *     have been saved
         */
        public Mono<TokenSession> start(Token token) {
            Objects.requireNonNull(token, "token");
            if (store == null) {
                Builder options = copy();
                return Mono.fromSupplier(() -> options.build(token));
            }
            return opening(store).start(token);
        }

        /**
         * Starts a session with the stored token. An expired one is refreshed first and not handed out.
         *
         * <p>Cold: each subscription makes a session.
         *
         * @return the session, or empty if nothing is stored, or if the grant has ended. Fails with
         *     {@link TokenUnavailableException} of the reason {@code STORE_FAILED} if the store fails or does not
         *     respond within 10 seconds
         * @throws IllegalStateException if no store is set
         */
        public Mono<TokenSession> restore() {
            if (store == null) {
                throw new IllegalStateException("There is nothing to restore from: give the builder a store");
            }
            return opening(store).restore();
        }

        private SessionOpening opening(TokenStore store) {
            SessionSettings options = settings();
            return new SessionOpening(options, new RecordStore(store, user, options));
        }

        private Builder copy() {
            Builder copy = new Builder(endpoint);
            copy.settings = settings();
            return copy;
        }

        SessionSettings settings() {
            if (settings == null) {
                settings = SessionSettings.of(endpoint, policy, clock, scheduler, random, login, keepAlive, slots, ids);
            }
            return settings;
        }
    }
}
