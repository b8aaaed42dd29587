package io.tokenswap.callback;

import io.netty.util.NetUtil;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Receiver of the authorization code that the browser brings back to this machine. Most callers need {@link LoginFlow},
 * which runs the whole login.
 *
 * <pre>{@code
 * Mono<Token> token = LoopbackReceiver.create()                    // http://localhost:4002/auth
 *     .receive(exchange.authorizationRequest()::build, Browser.system(), exchange::swap);
 * }</pre>
 *
 * <p>The subscription is the life cycle. The port is bound on {@code 127.0.0.1} and {@code ::1}, both before the
 * browser opens. After a timeout, a denial or a cancellation it is free within a second; after a success it stays open
 * for two seconds, for a reload of the page.
 *
 * <pre>
 *  subscribe   bind   browser     bad request    redirect      outcome of the swap
 *      |--------|--------|-----------x--------------|--> code ---|--> result
 *  port         [ ours                              page waits, at most 3 s . reload gets the same page . ] free
 * </pre>
 *
 * <p>Only a redirect with the state of this login ends it. All other requests are refused with a 4xx status, and the
 * login keeps waiting: a wrong path, method, host, origin or state, a malformed request, or one that never ends. Any
 * number of logins of one JVM can wait on one port; the state distinguishes them.
 *
 * <p>Immutable and safe for use by any thread: each option returns a changed copy, and no option depends on the order
 * in which options are set.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-7.3">RFC 8252 section 7.3</a>
 */
public final class LoopbackReceiver {

    private static final Set<String> HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");

    private static final LoopbackReceiver DEFAULT = new LoopbackReceiver(ReceiverOptions.DEFAULT);

    private final ReceiverOptions options;

    private LoopbackReceiver(ReceiverOptions options) {
        this.options = options;
    }

    /**
     * Creates a receiver at {@code http://localhost:4002/auth} that waits for 5 minutes.
     *
     * @return the receiver
     */
    public static LoopbackReceiver create() {
        return DEFAULT;
    }

    private LoopbackReceiver with(Consumer<ReceiverOptions.Draft> change) {
        return new LoopbackReceiver(options.with(change));
    }

    ReceiverOptions options() {
        return options;
    }

    /**
     * Sets the redirect URI. Several URIs are tried in order until one has a free port.
     *
     * @param first {@code http://host:port/path}. The host is {@code localhost}, which exchange servers usually allow,
     *     or {@code 127.0.0.1} or {@code [::1]}, which need no resolver and which Spotify demands where it gets the
     *     redirect URI itself. Port 0 takes any free port; the redirect URI then has the real one
     * @param more the URIs to try when the port of the first is in use
     * @return a changed copy
     * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-8.3">RFC 8252 section 8.3</a>
     */
    public LoopbackReceiver redirectUri(URI first, URI... more) {
        List<URI> uris = new ArrayList<>(List.of(first));
        uris.addAll(Arrays.asList(more));
        for (URI uri : uris) {
            requireLoopback(uri);
            requireSpellingOfBrowsers(uri);
        }
        return with(draft -> draft.redirectUris = List.copyOf(uris));
    }

    /**
     * Sets the ports to listen on, with host and path of the redirect URI.
     *
     * @param ports the ports to try in order, 0 for any free one; by default the ports of the redirect URIs, 4002
     * @return a changed copy
     */
    public LoopbackReceiver ports(int... ports) {
        if (ports.length == 0) {
            throw new IllegalArgumentException("Give at least one port");
        }
        List<Integer> list = new ArrayList<>();
        for (int port : ports) {
            requireLoopback(ReceiverOptions.withPort(options.redirectUris().get(0), port));
            list.add(port);
        }
        return with(draft -> draft.ports = list);
    }

    /**
     * Sets the page that the browser shows.
     *
     * @param page the page, {@link CallbackPage#create()} by default
     * @return a changed copy
     */
    public LoopbackReceiver page(CallbackPage page) {
        Objects.requireNonNull(page, "page");
        return with(draft -> draft.page = page);
    }

    /**
     * Sets the time that the user has.
     *
     * @param timeout the time from subscription to the redirect, positive; 5 minutes by default
     * @return a changed copy
     */
    public LoopbackReceiver timeout(Duration timeout) {
        requirePositive(timeout);
        return with(draft -> draft.timeout = timeout);
    }

    static void requirePositive(Duration timeout) {
        if (timeout.isZero() || timeout.isNegative()) {
            throw new IllegalArgumentException("The timeout must be positive: " + timeout);
        }
    }

    /** Rejects a path that browsers request in another spelling: the redirect would never arrive. */
    private static void requireSpellingOfBrowsers(URI redirectUri) {
        String path = redirectUri.getRawPath();
        boolean ascii = redirectUri.toASCIIString().equals(redirectUri.toString());
        for (String segment : path.split("/", -1)) {
            String dots = segment.toLowerCase(Locale.ROOT).replace("%2e", ".");
            if (!ascii || dots.equals(".") || dots.equals("..")) {
                throw new IllegalArgumentException(
                        "Browsers request the path of the redirect URI in another spelling. Use ASCII, with other"
                                + " characters escaped, and neither . nor .. as a segment: " + redirectUri);
            }
        }
    }

    /**
     * Sets the scheduler of the timers: of the timeout, of the page that waits for the outcome, and of the time for
     * reloads.
     *
     * @param scheduler by default an event loop of Reactor Netty, so that timers run although the application keeps the
     *     schedulers of Reactor busy
     * @return a changed copy
     */
    public LoopbackReceiver scheduler(Scheduler scheduler) {
        Objects.requireNonNull(scheduler, "scheduler");
        return with(draft -> draft.timers = scheduler);
    }

    /**
     * Accepts a redirect that the user pastes, for a browser on another machine. The redirect does not arrive there,
     * and the user copies the address of the page that the browser failed to load. Each line is validated like a
     * redirect, by its state. Lines that belong to another login, or to none, are ignored.
     *
     * @param lines the lines that the user pastes, subscribed to while the login waits. Their end changes nothing,
     *     their error ends the login
     * @return a changed copy
     */
    public LoopbackReceiver pasted(Publisher<String> lines) {
        PastedInput input = new PastedInput(Flux.from(lines), false);
        return with(draft -> draft.pasted = input);
    }

    /**
     * Does the same as {@link #pasted}, and accepts a line that is the code alone, as some exchange servers show it to
     * the user. Dangerous: such a line has no state. The receiver cannot recognize the code of another person that the
     * user was talked into pasting. The only protection left is PKCE. Use this only if the server refuses a code with
     * the wrong verifier. A line that looks like a code but is none ends the login with a failed swap.
     *
     * @param lines the lines that the user pastes, subscribed to while the login waits. Their end changes nothing,
     *     their error ends the login
     * @return a changed copy
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-1">RFC 7636 section 1</a>
     */
    public LoopbackReceiver unsafePastedCode(Publisher<String> lines) {
        PastedInput input = new PastedInput(Flux.from(lines), true);
        return with(draft -> draft.pasted = input);
    }

    /**
     * Listens on another address than the loopback ones, for a program in a container whose port is published to the
     * loopback address of its host. Dangerous anywhere else: every program that reaches that address can send requests
     * to the receiver. A browser must still use the host and port of the redirect URI, and a redirect must still have
     * the state of the login.
     *
     * <pre>{@code
     * // docker run -p 127.0.0.1:4002:4002
     * LoopbackReceiver receiver = LoopbackReceiver.create().unsafeBindAddress("0.0.0.0");
     * }</pre>
     *
     * @param address an address of this machine, or {@code 0.0.0.0} or {@code ::} for all of them; by default
     *     {@code 127.0.0.1} and {@code ::1}
     * @return a changed copy
     */
    public LoopbackReceiver unsafeBindAddress(String address) {
        if (!NetUtil.isValidIpV4Address(address) && !NetUtil.isValidIpV6Address(address)) {
            throw new IllegalArgumentException("Give the address as numbers, not as a name: " + address);
        }
        return addresses(List.of(NetUtil.createInetAddressFromIpAddressString(address)));
    }

    LoopbackReceiver addresses(List<InetAddress> addresses) {
        return with(draft -> draft.addresses = addresses);
    }

    LoopbackReceiver limits(Listener.Limits limits) {
        return with(draft -> draft.limits = limits);
    }

    /**
     * Receives the code of one login, for a program that swaps it elsewhere. The page says that the application
     * finishes the sign-in, because the outcome is not known here. Prefer
     * {@link #receive(Function, Browser, Function)}, whose page shows the outcome.
     *
     * <p>Cold: each subscription is a login with a new state and verifier. The code is emitted on an event loop, after
     * the page was sent. Do not block there. Cancelling frees the port, and no code is emitted afterwards.
     *
     * @param requests makes the request of a login for the redirect URI that was bound, a new one at each call; runs on
     *     a thread that may block
     * @param browser opens the login
     * @return exactly one code, or the errors of {@link #receive(Function, Browser, Function)}
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
     */
    public Mono<AuthorizationCode> receive(Function<? super URI, AuthorizationRequest> requests, Browser browser) {
        return receive(requests, browser, Mono::just, Outcome.FINISHING);
    }

    /**
     * Receives the code of one login, swaps it, and shows the outcome in the browser.
     *
     * <p>The page waits for the outcome for at most 3 seconds. After that it says that the application finishes the
     * sign-in. The swap does not depend on the connection of the browser: it continues when the browser hangs up, and a
     * redirect that arrives twice gets the outcome twice while the code is swapped once.
     *
     * <p>Cold: each subscription is a login with a new state and verifier. The result is emitted on the thread of the
     * swap or on an event loop, after the page was sent. Do not block there. Cancelling ends the wait and the swap, and
     * frees the port.
     *
     * @param requests makes the request of a login for the redirect URI that was bound, a new one at each call; runs on
     *     a thread that may block
     * @param browser opens the login
     * @param swap gets the code, once; called on an event loop, which it must not block
     * @param <T> the result of the swap
     * @return the result of the swap or its error; or {@link PortInUseException} or {@link RedirectHostException}
     *     before the browser is opened, {@link LoginTimeoutException}, {@link AuthorizationFailedException} when the
     *     user or the provider refused, or the error of the browser
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
     */
    public <T> Mono<T> receive(
            Function<? super URI, AuthorizationRequest> requests,
            Browser browser,
            Function<? super AuthorizationCode, ? extends Mono<T>> swap) {
        return receive(requests, browser, swap, Outcome.SIGNED_IN);
    }

    private <T> Mono<T> receive(
            Function<? super URI, AuthorizationRequest> requests,
            Browser browser,
            Function<? super AuthorizationCode, ? extends Mono<T>> swap,
            Outcome success) {
        Objects.requireNonNull(requests, "requests");
        Objects.requireNonNull(browser, "browser");
        Objects.requireNonNull(swap, "swap");
        return Mono.create(sink -> new LoginAttempt<T>(options, requests, browser, swap, success, sink).start());
    }

    private static void requireLoopback(URI redirectUri) {
        boolean usable = "http".equals(redirectUri.getScheme())
                && redirectUri.getHost() != null
                && HOSTS.contains(redirectUri.getHost())
                && redirectUri.getRawUserInfo() == null
                && redirectUri.getRawQuery() == null
                && redirectUri.getRawFragment() == null
                && redirectUri.getRawPath().startsWith("/")
                && redirectUri.getPort() <= 65535;
        if (!usable) {
            throw new IllegalArgumentException(
                    "The receiver needs a redirect URI like http://127.0.0.1:4002/auth, not " + redirectUri);
        }
    }
}
