package io.tokenswap.callback;

import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import java.io.UncheckedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * The sockets on one port of {@code 127.0.0.1} and {@code ::1}, and the logins that wait there. Both families are owned, or
 * neither: {@code localhost} means the one to some browsers and the other to others, and the code goes to whoever listens.
 */
final class Listener {

    /** What a stranger may take up, and how long the port stays when the last login has gone. */
    record Limits(int connections, Duration connectionLife, Duration linger) {

        static final Limits DEFAULT = new Limits(64, Duration.ofSeconds(10), Duration.ofMillis(500));
    }

    /** Where to listen; port 0 stands for any that is free on all the addresses. */
    record Place(List<InetAddress> addresses, int port) {}

    static final List<InetAddress> LOOPBACK =
            List.of(address(127, 0, 0, 1), address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

    private static final Logger log = Loggers.getLogger(Listener.class);
    private static final int LONGEST_LINE = 8192;
    private static final int FREE_PORTS_TRIED = 16;

    private final List<DisposableServer> servers = new CopyOnWriteArrayList<>();
    private final Logins logins = new Logins();
    private final AtomicBoolean hinted = new AtomicBoolean();
    private final Connections connections;

    private Listener(Limits limits) {
        this.connections = new Connections(limits.connections(), limits.connectionLife());
    }

    /** A listener on all the addresses that this machine has; an error leaves nothing open. */
    static Mono<Listener> bind(Place place, Limits limits) {
        return bind(place, limits, place.port() == 0 ? FREE_PORTS_TRIED : 1);
    }

    private static Mono<Listener> bind(Place place, Limits limits, int tries) {
        Mono<Listener> bound = Mono.defer(() -> {
            Listener listener = new Listener(limits);
            Mono<Integer> port = Mono.just(place.port());
            for (InetAddress address : place.addresses()) {
                // A port that is free in one family may be taken in the other, so a free one is a matter of trying.
                port = port.flatMap(chosen -> listener.bind(address, chosen));
            }
            return port.then(Mono.fromCallable(() -> {
                        if (listener.servers.isEmpty()) {
                            throw new RedirectHostException(
                                    place.addresses().toString(), "this machine has none of them");
                        }
                        return listener;
                    }))
                    .onErrorResume(error -> listener.close().then(Mono.error(error)));
        });
        return tries == 1
                ? bound
                : bound.onErrorResume(PortInUseException.class, taken -> bind(place, limits, tries - 1));
    }

    private Mono<Integer> bind(InetAddress address, int port) {
        return HttpServer.create()
                .bindAddress(() -> new InetSocketAddress(address, port))
                .protocol(HttpProtocol.HTTP11)
                .accessLog(false)
                .httpRequestDecoder(
                        spec -> spec.maxInitialLineLength(LONGEST_LINE).maxHeaderSize(LONGEST_LINE))
                .doOnChannelInit((observer, channel, remote) -> guard(channel))
                .handle(logins::serve)
                .bind()
                .doOnNext(servers::add)
                .<Integer>map(DisposableServer::port)
                .onErrorResume(error -> isOfThisMachine(address)
                        ? Mono.error(new PortInUseException(port, error.getCause() == null ? error : error.getCause()))
                        : Mono.just(port));
    }

    private static boolean isOfThisMachine(InetAddress address) {
        try {
            return address.isAnyLocalAddress() || NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException unknown) {
            return true;
        }
    }

    int port() {
        return servers.get(0).port();
    }

    /** Whether somebody who asks for the host of a redirect URI gets here. */
    boolean listensOn(String host) {
        return servers.stream()
                .map(server -> ((InetSocketAddress) server.address()).getAddress())
                .anyMatch(address -> host.equals("localhost")
                        || !address.isLoopbackAddress()
                        || address instanceof Inet6Address == host.startsWith("["));
    }

    Logins logins() {
        return logins;
    }

    private void guard(Channel channel) {
        connections.admit(channel);
        ChannelPipeline pipeline = channel.pipeline();
        pipeline.addBefore(NettyPipeline.HttpCodec, "tokenswap.head", new HeadBytes(this::hintAtHttps));
        pipeline.addAfter(NettyPipeline.HttpCodec, "tokenswap.guard", new ConnectionGuard(logins));
    }

    private void hintAtHttps() {
        if (hinted.compareAndSet(false, true)) {
            log.warn(
                    "The browser used https on port {}, where only http is spoken: check the redirect URI, and whether "
                            + "the browser enforces https for localhost",
                    port());
        }
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
                    logins.forgetAnswered();
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
