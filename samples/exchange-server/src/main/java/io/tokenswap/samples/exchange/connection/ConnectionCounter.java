package io.tokenswap.samples.exchange.connection;

import io.netty.channel.Channel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Counts the open connections, in all and of each address, and ends them. Safe for use by any thread. */
public final class ConnectionCounter {

    private final int most;
    private final int mostPerAddress;
    private final Predicate<InetAddress> isProxy;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentMap<InetAddress, Integer> perAddress = new ConcurrentHashMap<>();
    private final ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);

    /**
     * @param isProxy returns true for the address of a proxy, whose connections carry the requests of many clients and are
     *     counted in all only
     */
    public ConnectionCounter(int most, int mostPerAddress, Predicate<InetAddress> isProxy) {
        this.most = most;
        this.mostPerAddress = mostPerAddress;
        this.isProxy = isProxy;
    }

    /** Counts a connection until it closes. Returns false for one that is too many, which the caller closes. */
    boolean admit(Channel channel) {
        InetAddress address = address(channel);
        boolean counted = address != null && !isProxy.test(address);
        channels.add(channel);
        int inAll = open.incrementAndGet();
        int ofAddress = counted ? perAddress.merge(address, 1, Integer::sum) : 0;
        channel.closeFuture().addListener(closed -> {
            open.decrementAndGet();
            if (counted) {
                perAddress.computeIfPresent(address, (key, count) -> count == 1 ? null : count - 1);
            }
        });
        return inAll <= most && ofAddress <= mostPerAddress;
    }

    /** Returns the number of open connections. */
    public int open() {
        return open.get();
    }

    /** Ends connections as soon as each has served its requests. Call this after the listener has closed. */
    public void end(Ending which) {
        channels.forEach(channel -> channel.pipeline().fireUserEventTriggered(which));
    }

    /** Waits until no connection is open, and returns false if the time ends first. Blocks. */
    public boolean awaitNone(Duration timeout) throws InterruptedException {
        long end = System.nanoTime() + timeout.toNanos();
        while (!channels.isEmpty()) {
            long left = end - System.nanoTime();
            if (left <= 0 || !channels.newCloseFuture().await(left, TimeUnit.NANOSECONDS)) {
                return false;
            }
        }
        return true;
    }

    /** Closes all connections, whatever they do. */
    public void closeAll() {
        channels.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    }

    /** Connections that end. */
    public enum Ending {
        /** The connections that have carried a request. A new connection still waits for its first request. */
        USED,
        ALL
    }

    private static @Nullable InetAddress address(Channel channel) {
        return channel.remoteAddress() instanceof InetSocketAddress remote ? remote.getAddress() : null;
    }
}
