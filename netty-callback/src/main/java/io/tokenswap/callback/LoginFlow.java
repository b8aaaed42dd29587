package io.tokenswap.callback;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Whole login as one {@code Mono}: bind the port, open the browser, wait for the user, swap the code, show the outcome,
 * free the port.
 *
 * <pre>{@code
 * TokenSession session = LoginFlow.create(ExchangeServerEndpoint.create("https://auth.example.com"))
 *     .scopes("user-read-private", "user-read-email")
 *     .browser(Browser.system().orElse(Browser.printing(uri -> System.out.println("Open " + uri))))
 *     .login()
 *     .block();
 * }</pre>
 *
 * <p>Nothing happens before subscription. A flow runs one login at a time. A subscriber that arrives while a login
 * waits joins it and gets the same result. Cancelling affects no other subscriber. When the last one cancels, the login
 * ends and the port is free.
 *
 * <p>A program that stores its token opens the browser only when necessary:
 *
 * <pre>{@code
 * LoginFlow login = LoginFlow.create(exchange)
 *     .store(store)
 *     .loginAgain();                                           // a grant that ends opens the browser again
 * Mono<TokenSession> restored = login.restoreOrLogin();
 * Mono<Void> signedOut = login.signOut();
 * }</pre>
 *
 * <p>Immutable and safe for use by any thread: each option returns a changed copy, which is a separate flow. No option
 * depends on the order in which options are set.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-4.1">RFC 8252 section 4.1</a>
 */
public final class LoginFlow {

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(200);

    /** Name in the store of the only user of a program. */
    private static final String ONE_USER = "user";

    /**
     * Options of a flow. No option depends on the order in which options are set.
     *
     * @param timeout replaces the timeout of the receiver, null for none
     * @param store keeps the token, null for none
     * @param user the name of the user in the store
     * @param sessions changes the builder of a session
     */
    private record Options(
            TokenEndpoint endpoint,
            Supplier<AuthorizationRequest.Builder> requests,
            LoopbackReceiver receiver,
            @Nullable Duration timeout,
            Browser browser,
            int swapAttempts,
            @Nullable TokenStore store,
            String user,
            BiFunction<LoginFlow, TokenSession.Builder, TokenSession.Builder> sessions) {

        Options with(Consumer<Draft> change) {
            Draft draft = new Draft(this);
            change.accept(draft);
            return new Options(
                    endpoint,
                    draft.requests,
                    draft.receiver,
                    draft.timeout,
                    draft.browser,
                    draft.swapAttempts,
                    draft.store,
                    draft.user,
                    draft.sessions);
        }

        LoopbackReceiver timedReceiver() {
            return timeout == null ? receiver : receiver.timeout(timeout);
        }
    }

    /** Options that are being changed. */
    private static final class Draft {

        Supplier<AuthorizationRequest.Builder> requests;
        LoopbackReceiver receiver;

        @Nullable Duration timeout;

        Browser browser;
        int swapAttempts;

        @Nullable TokenStore store;

        String user;
        BiFunction<LoginFlow, TokenSession.Builder, TokenSession.Builder> sessions;

        Draft(Options from) {
            requests = from.requests;
            receiver = from.receiver;
            timeout = from.timeout;
            browser = from.browser;
            swapAttempts = from.swapAttempts;
            store = from.store;
            user = from.user;
            sessions = from.sessions;
        }
    }

    private final Options options;
    private final Mono<Token> newLogin;
    private final Mono<Token> token;
    private final Mono<TokenSession> login;
    private final Mono<TokenSession> restoreOrLogin;

    private LoginFlow(Options options) {
        this.options = options;
        this.newLogin =
                options.timedReceiver().receive(uri -> options.requests.get().build(uri), options.browser, this::swap);
        this.token = new SingleFlight<>(newLogin).join();
        this.login = new SingleFlight<>(token.flatMap(first -> newSession().start(first))).join();
        this.restoreOrLogin =
                new SingleFlight<>(Mono.defer(() -> newSession().restore()).switchIfEmpty(login)).join();
    }

    private TokenSession.Builder newSession() {
        TokenSession.Builder session = TokenSession.builder(options.endpoint);
        if (options.store != null) {
            session.store(options.store, options.user);
        }
        return options.sessions.apply(this, session);
    }

    private LoginFlow with(Consumer<Draft> change) {
        return new LoginFlow(options.with(change));
    }

    /**
     * Creates a login through an exchange server, at {@code http://localhost:4002/auth} and in the system's browser.
     *
     * @param exchange the exchange server
     * @return the flow
     */
    public static LoginFlow create(ExchangeServerEndpoint exchange) {
        return create(exchange, exchange::authorizationRequest);
    }

    /**
     * Creates a login with another endpoint, for example {@code ProviderEndpoint}.
     *
     * @param endpoint swaps the code and refreshes the tokens
     * @param requests starts a request at each login
     * @return the flow
     */
    public static LoginFlow create(TokenEndpoint endpoint, Supplier<AuthorizationRequest.Builder> requests) {
        return new LoginFlow(new Options(
                Objects.requireNonNull(endpoint, "endpoint"),
                Objects.requireNonNull(requests, "requests"),
                LoopbackReceiver.create(),
                null,
                Browser.system(),
                3,
                null,
                ONE_USER,
                (flow, session) -> session));
    }

    /**
     * Sets the requested scopes.
     *
     * @param scopes the scopes; none by default, which means the provider's default scopes
     * @return a changed copy
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.3">RFC 6749 section 3.3</a>
     */
    public LoginFlow scopes(String... scopes) {
        String[] copy = scopes.clone();
        return request(request -> request.scopes(copy));
    }

    /**
     * Changes the request of each login: the client id, the consent page of Spotify, parameters of the provider.
     *
     * @param change applied after the changes that were set before
     * @return a changed copy
     */
    public LoginFlow request(UnaryOperator<AuthorizationRequest.Builder> change) {
        Objects.requireNonNull(change, "change");
        return with(draft -> {
            Supplier<AuthorizationRequest.Builder> before = draft.requests;
            draft.requests = () -> change.apply(before.get());
        });
    }

    /**
     * Sets the receiver, with its redirect URI and its page.
     *
     * @param receiver {@link LoopbackReceiver#create()} by default. Its {@link LoopbackReceiver#timeout timeout} holds
     *     unless this flow sets another
     * @return a changed copy
     */
    public LoginFlow receiver(LoopbackReceiver receiver) {
        Objects.requireNonNull(receiver, "receiver");
        return with(draft -> draft.receiver = receiver);
    }

    /**
     * Sets the time that the user has.
     *
     * @param timeout the time from subscription to the redirect, positive; by default that of the receiver, 5 minutes
     * @return a changed copy
     */
    public LoginFlow timeout(Duration timeout) {
        LoopbackReceiver.requirePositive(timeout);
        return with(draft -> draft.timeout = timeout);
    }

    /**
     * Sets the browser.
     *
     * @param browser {@link Browser#system()} by default. A login fails if no browser can be opened, so add
     *     a {@linkplain Browser#orElse(Browser) fallback} that shows the URL
     * @return a changed copy
     */
    public LoginFlow browser(Browser browser) {
        Objects.requireNonNull(browser, "browser");
        return with(draft -> draft.browser = browser);
    }

    /**
     * Sets the number of attempts to swap the code. The swap is repeated only if nothing was sent, because a code works once.
     *
     * @param attempts at least 1, which switches repetition off; 3 by default, a few hundred milliseconds apart
     * @return a changed copy
     */
    public LoginFlow swapAttempts(int attempts) {
        if (attempts < 1) {
            throw new IllegalArgumentException("There must be at least one attempt, not " + attempts);
        }
        return with(draft -> draft.swapAttempts = attempts);
    }

    /**
     * Keeps the token of the only user of this program in a store, so that it survives a restart.
     *
     * @param store the store, for example {@code FileTokenStore.ofFile(path)}; without one the token lives as long as the session
     * @return a changed copy
     * @see #restoreOrLogin()
     */
    public LoginFlow store(TokenStore store) {
        return store(store, ONE_USER);
    }

    /**
     * Keeps the token in a store under the name of a user.
     *
     * @param store the store; without one the token lives as long as the session
     * @param user the name of the user, not blank. The store gets its hash
     * @return a changed copy
     * @see #restoreOrLogin()
     */
    public LoginFlow store(TokenStore store, String user) {
        Objects.requireNonNull(store, "store");
        if (user.isBlank()) {
            throw new IllegalArgumentException("The name of the user must not be blank");
        }
        return with(draft -> {
            draft.store = store;
            draft.user = user;
        });
    }

    /**
     * Changes the sessions that logins make, for example their policy.
     *
     * @param change applied after the changes that were set before
     * @return a changed copy
     */
    public LoginFlow session(UnaryOperator<TokenSession.Builder> change) {
        Objects.requireNonNull(change, "change");
        return sessions((flow, session) -> change.apply(session));
    }

    /**
     * Opens the browser again when the grant of a session has ended, so that its stream of tokens continues. Off by
     * default: the session then reports that a login is required. Each such login belongs to its session and joins no
     * other login. Sessions that shared a refresh token would end each other's grant at a provider that rotates it.
     *
     * @return a changed copy
     * @see TokenSession.Builder#onLoginRequired
     */
    public LoginFlow loginAgain() {
        return sessions((flow, session) -> session.onLoginRequired(required -> flow.newLogin));
    }

    private LoginFlow sessions(BiFunction<LoginFlow, TokenSession.Builder, TokenSession.Builder> change) {
        return with(draft -> {
            BiFunction<LoginFlow, TokenSession.Builder, TokenSession.Builder> before = draft.sessions;
            draft.sessions = (flow, session) -> change.apply(flow, before.apply(flow, session));
        });
    }

    /**
     * Returns the token of a login. Most callers need {@link #login()}, which keeps the token fresh.
     *
     * <p>The first subscriber starts a login, the others join it. The token is emitted on the thread that swapped the
     * code, usually an event loop. Do not block there. Cancelling affects no other subscriber.
     *
     * @return exactly one token; or {@link PortInUseException}, {@link RedirectHostException},
     *     {@link BrowserUnavailableException}, {@link LoginTimeoutException}, {@link AuthorizationFailedException} when
     *     the user or the provider refused, and when the swap failed {@link OAuthErrorException},
     *     {@link RequestRejectedException} or {@link TokenUnavailableException}
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1">RFC 6749 section 4.1</a>
     */
    public Mono<Token> token() {
        return token;
    }

    /**
     * Returns a session with the token of a login.
     *
     * <p>The first subscriber starts a login. Subscribers that come while the login waits join it and share one
     * session. When one of them disposes the session, it has ended for all of them. The library does not dispose it.
     *
     * <p>The session is emitted on the thread that swapped the code or stored the token. Do not block there. Cancelling
     * affects no other subscriber.
     *
     * @return exactly one session, the same for all subscribers that joined, which the application disposes once; or
     *     the errors of {@link #token()}, or of the store
     */
    public Mono<TokenSession> login() {
        return login;
    }

    /**
     * Returns a session with the stored token, or with the token of a login if nothing usable is stored.
     *
     * <p>The browser opens only if no token is stored, if the user has signed out, or if the stored grant has ended.
     * Concurrent subscribers get the same session, as with {@link #login()}.
     *
     * @return exactly one session, which the application disposes once; or the errors of {@link #login()}. Fails with
     *     {@link IllegalStateException} if there is no {@link #store(TokenStore) store}
     */
    public Mono<TokenSession> restoreOrLogin() {
        return restoreOrLogin;
    }

    /**
     * Removes the token from the store. The next {@link #restoreOrLogin()} opens the browser. Nothing is sent to the
     * exchange server: most providers offer no way to end a grant by a token. Sessions that use the same store learn of
     * the sign-out.
     *
     * <p>Cold: each subscription signs out.
     *
     * @return empty when the sign-out is stored, and if nothing was stored. Fails with the store's error, or with
     *     {@link IllegalStateException} if there is no {@link #store(TokenStore) store}
     */
    public Mono<Void> signOut() {
        return Mono.usingWhen(
                Mono.defer(() -> newSession().restore()), TokenSession::signOut, TokenSession::disposeLater);
    }

    private Mono<Token> swap(AuthorizationCode code) {
        return options.endpoint
                .swap(code)
                .retryWhen(Retry.backoff(options.swapAttempts - 1, FIRST_BACKOFF)
                        .scheduler(options.receiver.options().scheduler())
                        .filter(error -> error instanceof TokenUnavailableException unavailable
                                && unavailable.reason() == Reason.NOT_SENT)
                        .onRetryExhaustedThrow((spec, last) -> last.failure()));
    }
}
