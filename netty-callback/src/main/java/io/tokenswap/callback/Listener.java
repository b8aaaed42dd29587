package io.tokenswap.callback;

import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.io.UncheckedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.util.Logger;
import reactor.util.Loggers;
import reactor.util.retry.Retry;

/**
 * The sockets on one port of {@code 127.0.0.1} and {@code ::1}, and the logins that wait there. Both families are owned, or
 * neither: {@code localhost} means the one to some browsers and the other to others, and the code goes to whoever listens.
 */
final class Listener {

    /** What a stranger may take up, and how long the port stays when the last login has gone. */
    record Limits(int connections, Duration connectionLife, Duration linger) {

        static final Limits DEFAULT = new Limits(64, Duration.ofSeconds(10), Duration.ofMillis(500));
    }

    private static final Logger log = Loggers.getLogger(Listener.class);
    private static final InetAddress IPV4 = address(127, 0, 0, 1);
    private static final InetAddress IPV6 = address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    private static final int LONGEST_LINE = 8192;
    private static final int MOST_ANSWERED = 64;
    private static final Retry ANOTHER_PORT = Retry.max(16)
            .filter(PortInUseException.class::isInstance)
            .onRetryExhaustedThrow((spec, last) -> last.failure());

    private final List<DisposableServer> servers = new CopyOnWriteArrayList<>();
    private final List<PendingLogin> waiting = new CopyOnWriteArrayList<>();
    private final Deque<PendingLogin> answered = new ConcurrentLinkedDeque<>();
    private final AtomicBoolean hinted = new AtomicBoolean();
    private final Connections connections;

    private Listener(Limits limits) {
        this.connections = new Connections(limits.connections(), limits.connectionLife());
    }

    /** A listener on the port, or on a free one for 0; an error leaves nothing open. */
    static Mono<Listener> bind(int port, Limits limits) {
        Mono<Listener> bound = Mono.defer(() -> {
            Listener listener = new Listener(limits);
            return listener.bind(IPV4, port)
                    // A port that is free in one family may be taken in the other, so a free one is a matter of trying.
                    .flatMap(chosen -> listener.bind(IPV6, chosen))
                    .thenReturn(listener)
                    .onErrorResume(error -> listener.close().then(Mono.error(error)));
        });
        return port == 0 ? bound.retryWhen(ANOTHER_PORT) : bound;
    }

    private Mono<Integer> bind(InetAddress address, int port) {
        return HttpServer.create()
                .bindAddress(() -> new InetSocketAddress(address, port))
                .protocol(HttpProtocol.HTTP11)
                .accessLog(false)
                .httpRequestDecoder(
                        spec -> spec.maxInitialLineLength(LONGEST_LINE).maxHeaderSize(LONGEST_LINE))
                .doOnChannelInit((observer, channel, remote) -> guard(channel))
                .handle(this::serve)
                .bind()
                .doOnNext(servers::add)
                .<Integer>map(DisposableServer::port)
                .onErrorResume(error -> isOfThisMachine(address)
                        ? Mono.error(new PortInUseException(port, error.getCause() == null ? error : error.getCause()))
                        : Mono.just(port));
    }

    private static boolean isOfThisMachine(InetAddress address) {
        try {
            return NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException unknown) {
            return true;
        }
    }

    int port() {
        return servers.get(0).port();
    }

    boolean listensOn(String host) {
        return (host.equals("localhost") && !servers.isEmpty())
                || servers.stream()
                        .map(server -> ((InetSocketAddress) server.address()).getAddress())
                        .anyMatch(address -> address instanceof Inet6Address == host.startsWith("["));
    }

    /**
     * The answer to a login, as soon as it is there; ends when its page was shown. The login waits here from subscription on, and
     * the browser is opened only then.
     */
    Flux<AuthorizationResponse> await(
            AuthorizationRequest request, CallbackPage page, Browser browser, Flux<String> pasted) {
        return Flux.using(
                () -> {
                    PendingLogin login =
                            new PendingLogin(request, request.redirectUri().getRawPath(), page);
                    waiting.add(login);
                    return login;
                },
                login -> Mono.firstWithSignal(
                                login.response(),
                                browser.open(request.uri()).then(Mono.never()),
                                pasted.doOnNext(login::paste).then(Mono.<AuthorizationResponse>never()))
                        .concatWith(login.shown().then(Mono.empty())),
                this::leave);
    }

    private void leave(PendingLogin login) {
        if (login.isAnswered()) {
            // First in the one list, then out of the other: a reload in between must find it.
            answered.addFirst(login);
            if (answered.size() > MOST_ANSWERED) {
                answered.pollLast();
            }
        }
        waiting.remove(login);
    }

    private void guard(Channel channel) {
        connections.admit(channel);
        ChannelPipeline pipeline = channel.pipeline();
        pipeline.addBefore(NettyPipeline.HttpCodec, "tokenswap.head", new HeadBytes(this::hintAtHttps));
        pipeline.addAfter(
                NettyPipeline.HttpCodec,
                "tokenswap.guard",
                new ConnectionGuard(path -> on(path).findAny().isPresent()));
    }

    private void hintAtHttps() {
        if (hinted.compareAndSet(false, true)) {
            log.warn(
                    "The browser used https on port {}, where only http is spoken: check the redirect URI, and whether "
                            + "the browser enforces https for localhost",
                    port());
        }
    }

    private Mono<Void> serve(HttpServerRequest request, HttpServerResponse response) {
        String target = HitRules.originForm(request.uri());
        String path = HitRules.path(target);
        String query = HitRules.query(target);
        for (PendingLogin login : (Iterable<PendingLogin>) on(path)::iterator) {
            Outcome outcome = login.offer(query);
            if (outcome != null) {
                // A response is complete for Reactor Netty when its write begins; that it has ended shows in the close
                // after it.
                response.withConnection(
                        connection -> connection.channel().closeFuture().addListener(closed -> login.pageWritten()));
                return send(response, login.page(outcome));
            }
        }
        // The page has cleaned its address, so that its reload comes without a query.
        Outcome outcome = query == null
                        && answered.stream().anyMatch(login -> login.path().equals(path))
                ? Outcome.ALREADY_DONE
                : Outcome.INVALID_LINK;
        return on(path).findFirst()
                .map(login -> send(response, login.page(outcome)))
                .orElseGet(() -> send(response, CallbackPage.create().answer(outcome)));
    }

    private Stream<PendingLogin> on(String path) {
        return Stream.concat(waiting.stream(), answered.stream())
                .filter(login -> login.path().equals(path));
    }

    private static Mono<Void> send(HttpServerResponse response, Answer answer) {
        return response.status(answer.status())
                .headers(answer.headers())
                .sendString(Mono.just(answer.body()))
                .then();
    }

    Mono<Void> close() {
        return Flux.fromIterable(servers)
                .flatMap(server -> {
                    server.dispose();
                    return server.onDispose();
                })
                .then()
                .doFinally(signal -> {
                    connections.closeAll();
                    answered.clear();
                });
    }

    private static InetAddress address(int... bytes) {
        byte[] raw = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            raw[i] = (byte) bytes[i];
        }
        try {
            return InetAddress.getByAddress(raw);
        } catch (UnknownHostException e) {
            throw new UncheckedIOException(e);
        }
    }
}
