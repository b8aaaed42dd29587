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
 * The whole login as one {@code Mono}: bind the port, open the browser, wait for the person, swap the code, free the port.
 *
 * <pre>{@code
 * TokenSession session = LoginFlow.create(ExchangeServerEndpoint.create("https://auth.example.com"))
 *     .scopes("user-read-private", "user-read-email")
 *     .browser(Browser.system().orElse(Browser.printing(uri -> System.out.println("Open " + uri))))
 *     .login()
 *     .block();
 * }</pre>
 *
 * <p>Nothing happens before subscription. One login at a time: who subscribes while a login of this flow waits joins it, and
 * gets the same result. Cancelling leaves the others waiting; when the last one has cancelled, the login is over and the port is
 * free.
 *
 * <p>To go on with a token that was stored, ask the store first:
 *
 * <pre>{@code
 * TokenSession.builder(exchange).store(store, "me").restore()
 *     .switchIfEmpty(LoginFlow.create(exchange).session(session -> session.store(store, "me")).login());
 * }</pre>
 *
 * <p>Immutable and safe for use by any thread: each option returns a changed copy, which is a flow of its own.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-4.1">RFC 8252 section 4.1</a>
 */
public final class LoginFlow {

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(200);

    /**
     * The options. None depends on the order in which options are set.
     *
     * @param timeout replaces the timeout of the receiver, null for none
     * @param sessions changes the builder of a session
     */
    private record Options(
            TokenEndpoint endpoint,
            Supplier<AuthorizationRequest.Builder> requests,
            LoopbackReceiver receiver,
            @Nullable Duration timeout,
            Browser browser,
            int swapAttempts,
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
        BiFunction<LoginFlow, TokenSession.Builder, TokenSession.Builder> sessions;

        Draft(Options from) {
            requests = from.requests;
            receiver = from.receiver;
            timeout = from.timeout;
            browser = from.browser;
            swapAttempts = from.swapAttempts;
            sessions = from.sessions;
        }
    }

    private final Options options;
    private final Mono<Token> newLogin;
    private final Mono<Token> token;
    private final Mono<TokenSession> login;

    private LoginFlow(Options options) {
        this.options = options;
        this.newLogin =
                options.timedReceiver().receive(uri -> options.requests.get().build(uri), options.browser, this::swap);
        this.token = new SingleFlight<>(newLogin).join();
        this.login = new SingleFlight<>(token.flatMap(first -> options.sessions
                        .apply(this, TokenSession.builder(options.endpoint))
                        .start(first)))
                .join();
    }

    private LoginFlow with(Consumer<Draft> change) {
        return new LoginFlow(options.with(change));
    }

    /**
     * A login through an exchange server, at {@code http://localhost:4002/auth} and in the system's browser.
     *
     * @param exchange the exchange server
     * @return the flow
     */
    public static LoginFlow create(ExchangeServerEndpoint exchange) {
        return create(exchange, exchange::authorizationRequest);
    }

    /**
     * A login with another endpoint, {@code ProviderEndpoint} or one of the application's own.
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
                (flow, session) -> session));
    }

    /**
     * Asks for scopes.
     *
     * @param scopes the scopes, none by default: the provider's own default then holds
     * @return a changed copy
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.3">RFC 6749 section 3.3</a>
     */
    public LoginFlow scopes(String... scopes) {
        String[] copy = scopes.clone();
        return request(request -> request.scopes(copy));
    }

    /**
     * Changes the request of each login in any other way.
     *
     * @param change applied after what was set so far
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
     * Sets the receiver: where it listens, and which page it shows.
     *
     * @param receiver {@link LoopbackReceiver#create()} by default. Its {@link LoopbackReceiver#timeout timeout} holds unless this flow
     *     has one of its own
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
     * Shows the login in another way.
     *
     * @param browser {@link Browser#system()} by default, with which a login fails where no browser can be opened: give it
     *     a {@linkplain Browser#orElse(Browser) fallback} that shows the URL
     * @return a changed copy
     */
    public LoginFlow browser(Browser browser) {
        Objects.requireNonNull(browser, "browser");
        return with(draft -> draft.browser = browser);
    }

    /**
     * How often the swap is tried. It is repeated only when nothing was sent, because a code works once.
     *
     * @param attempts at least 1, which switches repeating off; 3 by default, a few hundred milliseconds apart
     * @return a changed copy
     */
    public LoginFlow swapAttempts(int attempts) {
        if (attempts < 1) {
            throw new IllegalArgumentException("There must be at least one attempt, not " + attempts);
        }
        return with(draft -> draft.swapAttempts = attempts);
    }

    /**
     * Changes the sessions that logins make: their policy, their store.
     *
     * @param change applied after what was set so far
     * @return a changed copy
     */
    public LoginFlow session(UnaryOperator<TokenSession.Builder> change) {
        Objects.requireNonNull(change, "change");
        return sessions((flow, session) -> change.apply(session));
    }

    /**
     * Opens the browser again when the grant of a session has ended, so that its stream of tokens goes on. Off by default:
     * without it the session says that a login is required. Each such login belongs to its session alone and joins no other:
     * sessions that shared a refresh token would end each other's grant when the provider rotates it.
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
     * The token of a login. Most callers want {@link #login()}, which keeps it fresh.
     *
     * <p>The first subscriber starts a login, the others join it. The token comes on the thread that swapped the code, an event
     * loop as a rule, which must not be blocked. Cancelling harms no other subscriber.
     *
     * @return exactly one token; or {@link PortInUseException}, {@link RedirectHostException},
     *     {@link BrowserUnavailableException}, {@link LoginTimeoutException}, {@link AuthorizationFailedException} when the user
     *     or the provider said no, and when the swap failed {@link OAuthErrorException}, {@link RequestRejectedException} or {@link TokenUnavailableException}
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1">RFC 6749 section 4.1</a>
     */
    public Mono<Token> token() {
        return token;
    }

    /**
     * A session with the token of a login.
     *
     * <p>The first subscriber starts a login. Who subscribes while it waits joins it, and all of them share one session: once
     * one of them disposes of it, it is over for the others too. Nobody else will dispose of it.
     *
     * <p>It comes on the thread that swapped the code or stored the token, which must not be blocked. Cancelling harms no other
     * subscriber.
     *
     * @return exactly one session, the same for all who joined, to be disposed of by the application once; or the errors
     *     of {@link #token()}, or of the store
     */
    public Mono<TokenSession> login() {
        return login;
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
