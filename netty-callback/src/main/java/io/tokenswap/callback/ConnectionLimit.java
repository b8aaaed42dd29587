package io.tokenswap.callback;

import io.netty.channel.Channel;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds the number and the life of the connections of a listener. When there are too many, the oldest one is closed. A
 * browser sends its request at once, so an old connection without a request does not belong to a browser. A connection
 * that carries the redirect of a login is never closed for this reason, and gets its full time again for the response.
 */
// Nothing waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class ConnectionLimit {

    private final int most;
    private final Duration life;
    private final Queue<Channel> replaceable = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger();
    private final Map<Channel, Future<?>> deadlines = new ConcurrentHashMap<>();
    private volatile boolean closed;

    ConnectionLimit(int most, Duration life) {
        this.most = most;
        this.life = life;
    }

    void admit(Channel channel) {
        // Counted from here and not from the last byte: one byte now and then would keep an idle timeout from firing.
        startLife(channel);
        replaceable.add(channel);
        count.incrementAndGet();
        channel.closeFuture().addListener(closed -> {
            Future<?> deadline = deadlines.remove(channel);
            if (deadline != null) {
                deadline.cancel(false);
            }
            forget(channel);
        });
        if (closed) {
            // The connection was accepted just before its listener was closed, and added just after closeAll().
            channel.close();
        } else if (count.get() > most) {
            Channel oldest = replaceable.peek();
            if (oldest != null && forget(oldest)) {
                oldest.close();
            }
        }
    }

    /** Keeps a connection that carries the redirect of a login. Called on its event loop, while the connection is open. */
    void keep(Channel channel) {
        if (forget(channel) && channel.isOpen()) {
            startLife(channel);
        }
    }

    private void startLife(Channel channel) {
        Future<?> before = deadlines.put(
                channel, channel.eventLoop().schedule(() -> channel.close(), life.toMillis(), TimeUnit.MILLISECONDS));
        if (before != null) {
            before.cancel(false);
        }
    }

    private boolean forget(Channel channel) {
        boolean removed = replaceable.remove(channel);
        if (removed) {
            count.decrementAndGet();
        }
        return removed;
    }

    void closeAll() {
        closed = true;
        deadlines.keySet().forEach(Channel::close);
    }
}
