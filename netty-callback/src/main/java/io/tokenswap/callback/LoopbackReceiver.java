package io.tokenswap.callback;

import io.netty.util.NetUtil;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Takes the authorization code out of the browser's redirect to this machine. Most callers want {@link LoginFlow}, which swaps
 * the code too.
 *
 * <pre>{@code
 * Mono<AuthorizationCode> code = LoopbackReceiver.create()          // http://localhost:4002/auth
 *     .receive(exchange.authorizationRequest()::build, Browser.system());
 * }</pre>
 *
 * <p>The subscription is the life cycle: the port is bound on {@code 127.0.0.1} and {@code ::1}, both before the browser opens,
 * and it is free again within a second of success, denial, timeout and cancellation.
 *
 * <pre>
 *  subscribe   bind   browser     bad hit    the answer
 *      |--------|--------|-----------x------------|--> code
 *  port         [ ours                            . reload gets "already complete" . ] free
 * </pre>
 *
 * <p>Only a hit with the state of this login ends it. Whatever else arrives, a wrong path, method, host, origin or state, a
 * malformed request or one that never ends, is refused with a 4xx, and the login goes on waiting. Any number of logins of one
 * JVM can wait on one port: the state tells them apart.
 *
 * <p>Immutable and safe for use by any thread: each option returns a changed copy.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-7.3">RFC 8252 section 7.3</a>
 */
public final class LoopbackReceiver {

    private static final Set<String> HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");

    private static final LoopbackReceiver DEFAULT = new LoopbackReceiver(
            List.of(URI.create("http://localhost:4002/auth")),
            CallbackPage.create(),
            Duration.ofMinutes(5),
            Schedulers::parallel,
            Pasted.NOTHING,
            Listener.LOOPBACK,
            Listener.Limits.DEFAULT);

    private final List<URI> redirectUris;
    private final CallbackPage page;
    private final Duration timeout;
    private final Supplier<Scheduler> scheduler;
    private final Pasted pasted;
    private final List<InetAddress> addresses;
    private final Listener.Limits limits;

    private LoopbackReceiver(
            List<URI> redirectUris,
            CallbackPage page,
            Duration timeout,
            Supplier<Scheduler> scheduler,
            Pasted pasted,
            List<InetAddress> addresses,
            Listener.Limits limits) {
        this.redirectUris = redirectUris;
        this.page = page;
        this.timeout = timeout;
        this.scheduler = scheduler;
        this.pasted = pasted;
        this.addresses = addresses;
        this.limits = limits;
    }

    /**
     * A receiver at {@code http://localhost:4002/auth} that waits for 5 minutes.
     *
     * @return the receiver
     */
    public static LoopbackReceiver create() {
        return DEFAULT;
    }

    /**
     * Listens elsewhere. Several URIs are tried in order until one has a port that is free.
     *
     * @param first {@code http://host:port/path}. The host is {@code localhost}, which exchange servers usually have on their
     *     list, or {@code 127.0.0.1} or {@code [::1]}, which no resolver can lead astray and which Spotify demands where it
     *     gets the redirect URI itself. Port 0 takes any free port; the redirect URI then has the real one
     * @param more others for when the first is taken
     * @return a changed copy
     * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-8.3">RFC 8252 section 8.3</a>
     */
    public LoopbackReceiver redirectUri(URI first, URI... more) {
        List<URI> uris = Stream.concat(Stream.of(first), Arrays.stream(more)).toList();
        uris.forEach(LoopbackReceiver::requireLoopback);
        return new LoopbackReceiver(uris, page, timeout, scheduler, pasted, addresses, limits);
    }

    /**
     * Listens on other ports, with host and path of the first redirect URI as they are.
     *
     * @param ports the ports to try in order, 0 for any free one; 4002 by default
     * @return a changed copy
     */
    public LoopbackReceiver ports(int... ports) {
        if (ports.length == 0) {
            throw new IllegalArgumentException("Give at least one port");
        }
        List<URI> uris = Arrays.stream(ports)
                .mapToObj(port -> withPort(redirectUris.get(0), port))
                .toList();
        uris.forEach(LoopbackReceiver::requireLoopback);
        return new LoopbackReceiver(uris, page, timeout, scheduler, pasted, addresses, limits);
    }

    /**
     * Shows the person something else.
     *
     * @param page the page, {@link CallbackPage#create()} by default
     * @return a changed copy
     */
    public LoopbackReceiver page(CallbackPage page) {
        return new LoopbackReceiver(
                redirectUris, Objects.requireNonNull(page, "page"), timeout, scheduler, pasted, addresses, limits);
    }

    /**
     * Gives the person more or less time.
     *
     * @param timeout from subscription to the answer, positive; 5 minutes by default
     * @return a changed copy
     */
    public LoopbackReceiver timeout(Duration timeout) {
        if (timeout.isZero() || timeout.isNegative()) {
            throw new IllegalArgumentException("The timeout must be positive: " + timeout);
        }
        return new LoopbackReceiver(redirectUris, page, timeout, scheduler, pasted, addresses, limits);
    }

    /**
     * Replaces the scheduler of the timers: that of the timeout, and those of what a reload of the page still finds.
     *
     * @param scheduler {@link Schedulers#parallel()} by default
     * @return a changed copy
     */
    public LoopbackReceiver scheduler(Scheduler scheduler) {
        Objects.requireNonNull(scheduler, "scheduler");
        return new LoopbackReceiver(redirectUris, page, timeout, () -> scheduler, pasted, addresses, limits);
    }

    /**
     * Takes the answer from elsewhere too: for a browser on another machine, where the redirect finds nobody and the user copies
     * the address that it failed to show. Each line is judged like a hit, by the state in it; one that does not answer this login
     * is ignored.
     *
     * @param lines what the user pastes, subscribed to while the login waits; its end changes nothing, its error ends the login
     * @return a changed copy
     */
    public LoopbackReceiver pasted(Publisher<String> lines) {
        return pasted(new Pasted(Flux.from(lines), false));
    }

    /**
     * Like {@link #pasted}, and a line may also be the code alone, as some exchange servers show it to the user. Dangerous: such
     * a line has no state, so a code that somebody talked the user into pasting is not told from one of this login. Only PKCE
     * does that, so use this only where the swap is refused without the right verifier. What looks like a code and is none ends
     * the login, in a swap that fails.
     *
     * @param lines what the user pastes, subscribed to while the login waits; its end changes nothing, its error ends the login
     * @return a changed copy
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-1">RFC 7636 section 1</a>
     */
    public LoopbackReceiver unsafePastedCode(Publisher<String> lines) {
        return pasted(new Pasted(Flux.from(lines), true));
    }

    private LoopbackReceiver pasted(Pasted pasted) {
        return new LoopbackReceiver(redirectUris, page, timeout, scheduler, pasted, addresses, limits);
    }

    /**
     * Listens on another address than the loopback ones, for a program in a container whose port is published to the loopback
     * address of its host. Dangerous anywhere else: whoever reaches that address can talk to the receiver. A browser must still
     * ask for the host and port of the redirect URI, and a hit must still have the state of the login.
     *
     * <pre>{@code
     * // docker run -p 127.0.0.1:4002:4002
     * LoopbackReceiver receiver = LoopbackReceiver.create().unsafeBindAddress("0.0.0.0");
     * }</pre>
     *
     * @param address an address of this machine, or {@code 0.0.0.0} or {@code ::} for all of them; by default {@code 127.0.0.1}
     *     and {@code ::1}
     * @return a changed copy
     */
    public LoopbackReceiver unsafeBindAddress(String address) {
        if (!NetUtil.isValidIpV4Address(address) && !NetUtil.isValidIpV6Address(address)) {
            throw new IllegalArgumentException("Give the address as numbers, not as a name: " + address);
        }
        return addresses(List.of(NetUtil.createInetAddressFromIpAddressString(address)));
    }

    LoopbackReceiver addresses(List<InetAddress> addresses) {
        return new LoopbackReceiver(redirectUris, page, timeout, scheduler, pasted, addresses, limits);
    }

    LoopbackReceiver limits(Listener.Limits limits) {
        return new LoopbackReceiver(redirectUris, page, timeout, scheduler, pasted, addresses, limits);
    }

    /**
     * The code of one login.
     *
     * <p>Cold: each subscription is a login of its own, with the state and verifier of its own request. The code comes on an
     * event loop of the receiver, after the page was sent, so do not block there. Cancelling frees the port; no code comes
     * afterwards.
     *
     * @param request makes the request of the login for the redirect URI that was bound, a new one at each call. Runs on a
     *     thread that may block
     * @param browser opens the login
     * @return exactly one code; or {@link PortInUseException} or {@link RedirectHostException} before the browser is opened,
     *     {@link LoginTimeoutException}, {@link AuthorizationFailedException} when the user or the provider said no, or the error of the browser
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
     */
    public Mono<AuthorizationCode> receive(Function<? super URI, AuthorizationRequest> request, Browser browser) {
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(browser, "browser");
        return Mono.defer(() -> receive(request, browser, scheduler.get()));
    }

    private Mono<AuthorizationCode> receive(
            Function<? super URI, AuthorizationRequest> request, Browser browser, Scheduler scheduler) {
        return answer(0, request, browser, scheduler)
                // For the answer alone: once that is there, its page is not hurried.
                .timeout(
                        Mono.delay(timeout, scheduler),
                        answered -> Mono.never(),
                        Mono.error(() -> new LoginTimeoutException(timeout)))
                .last()
                .handle((response, sink) -> {
                    if (response instanceof AuthorizationResponse.Granted granted) {
                        sink.next(granted.code());
                    } else if (response instanceof AuthorizationResponse.Failed failed) {
                        sink.error(failed.error());
                    }
                });
    }

    private Flux<AuthorizationResponse> answer(
            int index, Function<? super URI, AuthorizationRequest> request, Browser browser, Scheduler scheduler) {
        URI redirectUri = redirectUris.get(index);
        Listener.Place place = new Listener.Place(addresses, port(redirectUri));
        Flux<AuthorizationResponse> answer = SharedListener.use(
                place,
                limits,
                scheduler,
                listener -> Mono.fromCallable(() -> request.apply(bound(redirectUri, listener)))
                        .subscribeOn(Schedulers.boundedElastic())
                        .flatMapMany(made -> listener.logins().await(made, page, browser, pasted, scheduler)));
        return index + 1 == redirectUris.size()
                ? answer
                : answer.onErrorResume(
                        LoopbackReceiver::cannotBeUsed, unused -> answer(index + 1, request, browser, scheduler));
    }

    private static boolean cannotBeUsed(Throwable error) {
        return error instanceof PortInUseException || error instanceof RedirectHostException;
    }

    private static URI bound(URI redirectUri, Listener listener) {
        String host = redirectUri.getHost();
        if (!listener.listensOn(host)) {
            throw new RedirectHostException(host, "this machine does not have that address");
        }
        if (host.equals("localhost")) {
            requireLocalhostAtHome();
        }
        return port(redirectUri) == 0 ? withPort(redirectUri, listener.port()) : redirectUri;
    }

    /** Most browsers know by themselves where localhost is; the others ask the system, as we do here. */
    private static void requireLocalhostAtHome() {
        try {
            for (InetAddress address : InetAddress.getAllByName("localhost")) {
                if (!address.isLoopbackAddress()) {
                    throw new RedirectHostException("localhost", "it leads to " + address.getHostAddress());
                }
            }
        } catch (UnknownHostException unknown) {
            // Only a browser that needs no answer gets anywhere then.
        }
    }

    private static int port(URI redirectUri) {
        return redirectUri.getPort() < 0 ? 80 : redirectUri.getPort();
    }

    private static URI withPort(URI redirectUri, int port) {
        return URI.create("http://" + redirectUri.getHost() + ":" + port + redirectUri.getRawPath());
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
