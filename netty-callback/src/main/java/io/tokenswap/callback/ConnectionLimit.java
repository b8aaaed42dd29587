package io.tokenswap.callback;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds the number and the life of the connections of a listener.
 *
 * <pre>
 *  admitted --too many--> surplus --its time for a request has ended, or far too many--> closed
 *      |                     |
 *      +------ keep ---------+--> kept: carries the redirect of a login, and is closed after its response
 * </pre>
 *
 * <p>When there are too many connections, the oldest one becomes surplus. A browser sends its request at once, so an old
 * connection without a request does not belong to a browser. But event loops admit connections in any order, a
 * request may lie unread in a socket, and a busy machine may stop the browser just before it sends. A surplus connection
 * therefore has a short time for its request, counted from its admission. Its own event loop closes it, always after
 * it has polled the socket once more.
 */
// Nothing waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class ConnectionLimit {

    /**
     * Surplus connections for each connection that may stay. Beyond, the oldest is closed before its time. A flood of
     * 10,000 connections a second fills 64 times this number in a tenth of a second.
     */
    static final int MOST_SURPLUS = 15;

    /** An event loop runs a task that is scheduled for later after a turn in which it has polled its sockets. */
    private static final Duration NEXT_POLL = Duration.ofMillis(1);

    private static final AttributeKey<Admitted> ADMITTED = AttributeKey.valueOf(ConnectionLimit.class, "admitted");

    private final int most;
    private final Duration life;
    private final long requestNanos;
    private final Queue<Admitted> replaceable = new ConcurrentLinkedDeque<>();
    private final Queue<Admitted> surplus = new ConcurrentLinkedDeque<>();
    private final AtomicInteger replaceables = new AtomicInteger();
    private final AtomicInteger surpluses = new AtomicInteger();
    private final Map<Channel, Future<?>> deadlines = new ConcurrentHashMap<>();
    private volatile boolean closed;

    private static final class Admitted {
        final Channel channel;
        final long at = System.nanoTime();
        /** True if it carries the redirect of a login. Only its event loop reads and writes this. */
        boolean kept;

        Admitted(Channel channel) {
            this.channel = channel;
        }
    }

    /**
     * Limits.
     *
     * @param most the number of connections without the redirect of a login
     * @param life the longest life of a connection without a response
     * @param request the time that a connection has for its request when there are too many
     */
    ConnectionLimit(int most, Duration life, Duration request) {
        this.most = most;
        this.life = life;
        this.requestNanos = request.toNanos();
    }

    void admit(Channel channel) {
        Admitted admitted = new Admitted(channel);
        channel.attr(ADMITTED).set(admitted);
        // Counted from here and not from the last byte: one byte now and then would keep an idle timeout from firing.
        startLife(channel);
        replaceable.add(admitted);
        replaceables.incrementAndGet();
        channel.closeFuture().addListener(closed -> {
            Future<?> deadline = deadlines.remove(channel);
            if (deadline != null) {
                deadline.cancel(false);
            }
            forget(admitted);
        });
        if (closed) {
            // The connection was accepted just before its listener was closed, and added just after closeAll().
            channel.close();
        } else if (replaceables.get() > most) {
            Admitted oldest = replaceable.peek();
            if (oldest != null) {
                replace(oldest);
            }
        }
    }

    private void replace(Admitted oldest) {
        // First into the one queue, then out of the other: forget() must find the connection in one of them.
        surplus.add(oldest);
        surpluses.incrementAndGet();
        if (!remove(replaceable, replaceables, oldest)) {
            remove(surplus, surpluses, oldest);
            return;
        }
        closeLater(oldest, oldest.at + requestNanos - System.nanoTime());
        if (surpluses.get() > MOST_SURPLUS * most) {
            Admitted first = surplus.peek();
            if (first != null && remove(surplus, surpluses, first)) {
                closeLater(first, 0);
            }
        }
    }

    /** Closes a connection, unless a redirect arrives on it until then. */
    private void closeLater(Admitted connection, long nanos) {
        connection
                .channel
                .eventLoop()
                .schedule(
                        () -> {
                            if (!connection.kept) {
                                connection.channel.close();
                            }
                        },
                        Math.max(NEXT_POLL.toNanos(), nanos),
                        TimeUnit.NANOSECONDS);
    }

    /** Keeps a connection that carries the redirect of a login. Called on its event loop. */
    void keep(Channel channel) {
        Admitted admitted = channel.attr(ADMITTED).get();
        admitted.kept = true;
        forget(admitted);
        if (channel.isOpen()) {
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

    private void forget(Admitted connection) {
        remove(replaceable, replaceables, connection);
        remove(surplus, surpluses, connection);
    }

    private static boolean remove(Queue<Admitted> queue, AtomicInteger count, Admitted connection) {
        boolean removed = queue.remove(connection);
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
