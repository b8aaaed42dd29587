package io.tokenswap.callback;

import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.util.Logger;
import reactor.util.Loggers;
import reactor.util.context.Context;

/**
 * Sockets on one port of {@code 127.0.0.1} and {@code ::1}, and the logins that wait there. Both families are bound, or
 * neither: browsers resolve {@code localhost} to one or the other, and the code goes to the program that listens there.
 */
final class Listener {

    /**
     * Bounds on the resources that other programs can use.
     *
     * @param connections the most open connections
     * @param connectionLife the longest life of a connection without a response
     * @param linger the time for which the port outlives a login that got its response, so that the page can be
     *     reloaded
     * @param request the time that a connection has for its request when there are too many connections
     */
    record Limits(int connections, Duration connectionLife, Duration linger, Duration request) {

        static final Limits DEFAULT = new Limits(64, Duration.ofSeconds(10), Duration.ofSeconds(2));

        private static final Duration LONGEST_IDLE = Duration.ofMillis(500);

        Limits(int connections, Duration connectionLife, Duration linger) {
            this(connections, connectionLife, linger, Duration.ofMillis(250));
        }

        /** Returns the time for which the port outlives a login that ended without a response. */
        Duration idleLinger() {
            return linger.compareTo(LONGEST_IDLE) < 0 ? linger : LONGEST_IDLE;
        }
    }

    /**
     * Addresses and port of a listener.
     *
     * @param addresses the addresses, of which those are used that this machine has
     * @param port the port; 0 for any port that is free on all the addresses
     */
    record Place(List<InetAddress> addresses, int port) {}

    static final List<InetAddress> LOOPBACK = List.of(NetUtil.LOCALHOST4, NetUtil.LOCALHOST6);

    private static final Logger log = Loggers.getLogger(Listener.class);
    private static final int LONGEST_LINE = 8 * 1024;
    /** Size limit of the headers. Browsers send the cookies of every program that ever used this host, on any port. */
    private static final int LARGEST_HEADERS = 32 * 1024;

    private static final int FREE_PORTS_TRIED = 16;

    private final List<DisposableServer> servers = new CopyOnWriteArrayList<>();
    private final PendingLogins logins = new PendingLogins();
    private final AtomicBoolean warned = new AtomicBoolean();
    private final ConnectionLimit connections;

    private Listener(Limits limits) {
        this.connections = new ConnectionLimit(limits.connections(), limits.connectionLife(), limits.request());
    }

    /**
     * Binds all the addresses that this machine has. An error leaves nothing open.
     *
     * @param binding learns of the result before the subscriber does
     */
    static Mono<Listener> bind(Place place, Limits limits, SharedListener.Binding binding) {
        return Mono.create(sink -> new Binder(place, limits, binding, sink).bindNext());
    }

    /** Binds one address after the other, each by one subscription to Reactor Netty. */
    private static final class Binder implements CoreSubscriber<DisposableServer> {

        private final Place place;
        private final Limits limits;
        private final SharedListener.Binding binding;
        private final MonoSink<Listener> sink;
        private Listener listener;
        private int bound;
        private int port;
        private int triesLeft;

        Binder(Place place, Limits limits, SharedListener.Binding binding, MonoSink<Listener> sink) {
            this.place = place;
            this.limits = limits;
            this.binding = binding;
            this.sink = sink;
            this.listener = new Listener(limits);
            this.port = place.port();
            // A port that is free in one family may be in use in the other, so that a free one takes several attempts.
            this.triesLeft = place.port() == 0 ? FREE_PORTS_TRIED : 1;
        }

        void bindNext() {
            if (bound < place.addresses().size()) {
                listener.server(place.addresses().get(bound), port).bind().subscribe(this);
            } else if (listener.servers.isEmpty()) {
                fail(LoginErrors.redirectHost(
                        place.addresses().toString(), "this machine has none of these addresses"));
            } else {
                binding.bound(listener);
                sink.success(listener);
            }
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(DisposableServer server) {
            listener.servers.add(server);
            port = server.port();
        }

        @Override
        public void onComplete() {
            bound++;
            bindNext();
        }

        @Override
        public void onError(Throwable error) {
            if (isOfThisMachine(place.addresses().get(bound))) {
                listener.close().subscribe(null, unclosed -> inUse(error), () -> inUse(error));
            } else {
                onComplete();
            }
        }

        private void fail(Throwable error) {
            binding.failed();
            sink.error(error);
        }

        private void inUse(Throwable error) {
            triesLeft--;
            if (triesLeft == 0) {
                fail(LoginErrors.portInUse(port, error.getCause() == null ? error : error.getCause()));
                return;
            }
            listener = new Listener(limits);
            bound = 0;
            port = place.port();
            bindNext();
        }

        @Override
        public Context currentContext() {
            return Context.of(sink.contextView());
        }
    }

    private HttpServer server(InetAddress address, int port) {
        return HttpServer.create()
                .bindAddress(() -> new InetSocketAddress(address, port))
                .protocol(HttpProtocol.HTTP11)
                .accessLog(false)
                .httpRequestDecoder(
                        spec -> spec.maxInitialLineLength(LONGEST_LINE).maxHeaderSize(LARGEST_HEADERS))
                .doOnChannelInit((observer, channel, remote) -> guard(channel));
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

    /** Returns true if a browser reaches this listener by the host of a redirect URI. */
    boolean listensOn(String host) {
        return host.equals("localhost") || isReached(host.startsWith("["));
    }

    /** Returns true if addresses of one family reach this listener. */
    boolean isReached(boolean ipv6) {
        for (DisposableServer server : servers) {
            InetAddress address = ((InetSocketAddress) server.address()).getAddress();
            if (!address.isLoopbackAddress() || address instanceof Inet6Address == ipv6) {
                return true;
            }
        }
        return false;
    }

    PendingLogins logins() {
        return logins;
    }

    private void guard(Channel channel) {
        connections.admit(channel);
        ChannelPipeline pipeline = channel.pipeline();
        pipeline.addBefore(NettyPipeline.HttpCodec, "tokenswap.raw", new RawRequestGuard());
        pipeline.addAfter(
                NettyPipeline.HttpCodec,
                "tokenswap.redirect",
                new RedirectHandler(logins, connections, this::httpsWasUsed));
    }

    private void httpsWasUsed() {
        String problem =
                "The browser used https on port " + port() + ", which serves http only. Use the host 127.0.0.1 in the "
                        + "redirect URI, or make the browser forget that localhost needs https (in Chrome: chrome://net-internals/#hsts).";
        logins.hint(problem);
        if (warned.compareAndSet(false, true)) {
            log.warn(problem);
        }
    }

    Mono<Void> close() {
        return Flux.fromIterable(servers)
                .flatMap(server -> {
                    server.dispose();
                    return server.onDispose().then(nextSelection(server));
                })
                .then()
                .doFinally(signal -> {
                    connections.closeAll();
                    logins.forgetEnded();
                });
    }

    /**
     * Waits until the event loop of a closed server has selected again. Only then does the JDK close the socket. It
     * reports the channel as closed earlier, while the port is still in use.
     */
    private static Mono<Void> nextSelection(DisposableServer server) {
        return Mono.create(sink -> {
            try {
                Future<?> selected =
                        server.channel().eventLoop().schedule(() -> sink.success(), 1, TimeUnit.MILLISECONDS);
                sink.onCancel(() -> selected.cancel(false));
            } catch (RejectedExecutionException shutDown) {
                sink.success();
            }
        });
    }
}
