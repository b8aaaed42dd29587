package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.DisposableServer;
import reactor.netty.NettyInbound;
import reactor.netty.NettyOutbound;
import reactor.netty.tcp.TcpClient;
import reactor.netty.tcp.TcpServer;

/** The way from one node to a server, which can be cut while all others reach it. */
final class Wire implements AutoCloseable {

    private final TcpClient target;
    private final Set<Channel> open = ConcurrentHashMap.newKeySet();
    private final DisposableServer listener;
    private volatile boolean cut;

    private Wire(int port) {
        this.target = TcpClient.newConnection().host("127.0.0.1").port(port);
        this.listener = TcpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((in, out) -> {
                    if (cut) {
                        return Mono.empty();
                    }
                    in.withConnection(connection -> open.add(connection.channel()));
                    return target.connect().flatMap(server -> join(in, out, server));
                })
                .bindNow();
    }

    static Wire to(RedisServer server) {
        return new Wire(server.port());
    }

    private Mono<Void> join(NettyInbound in, NettyOutbound out, Connection server) {
        open.add(server.channel());
        Mono<Void> there = server.outbound().send(in.receive().retain()).then();
        Mono<Void> back = out.send(server.inbound().receive().retain()).then();
        return Mono.firstWithSignal(there, back).doFinally(signal -> server.dispose());
    }

    RedisClient newClient() {
        InetSocketAddress address = (InetSocketAddress) listener.address();
        return RedisClient.create(RedisURI.create("redis://127.0.0.1:" + address.getPort()));
    }

    /** Ends all connections, and each that is opened from now on. */
    void cut() {
        cut = true;
        open.forEach(Channel::close);
        open.clear();
    }

    void repair() {
        cut = false;
    }

    @Override
    public void close() {
        cut();
        listener.disposeNow();
    }
}
