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
import org.jspecify.annotations.Nullable;

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
 * connection without a request does not belong to a browser. But event loops admit connections in any order, and
 * a request may lie unread in a socket. A surplus connection therefore has a short time for its request,
 * counted from its admission, and its own event loop closes it after it has polled the socket.
 */
// Nothing waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class ConnectionLimit {

    /** Surplus connections for each connection that may stay. Beyond, the oldest is closed at once. */
    private static final int MOST_SURPLUS = 3;

    /** An event loop runs a task that is scheduled for later after a turn in which it has polled its sockets. */
    private static final Duration NEXT_POLL = Duration.ofMillis(1);

    private final int most;
    private final Duration life;
    private final long requestNanos;
    private final Queue<Admitted> replaceable = new ConcurrentLinkedQueue<>();
    private final Queue<Admitted> surplus = new ConcurrentLinkedQueue<>();
    private final AtomicInteger replaceables = new AtomicInteger();
    private final AtomicInteger surpluses = new AtomicInteger();
    private final Map<Channel, Future<?>> deadlines = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** A connection, which is equal to itself whenever it was admitted. */
    private record Admitted(Channel channel, long at) {

        @Override
        public boolean equals(Object other) {
            return other instanceof Admitted admitted && channel.equals(admitted.channel);
        }

        @Override
        public int hashCode() {
            return channel.hashCode();
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
        Admitted admitted = new Admitted(channel, System.nanoTime());
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
        // First into the one queue, then out of the other: keep() must find the connection in one of them.
        surplus.add(oldest);
        surpluses.incrementAndGet();
        if (!remove(replaceable, replaceables, oldest)) {
            remove(surplus, surpluses, oldest);
            return;
        }
        if (surpluses.get() > MOST_SURPLUS * most) {
            closeIfSurplus(surplus.peek());
        }
        long wait = Math.max(NEXT_POLL.toNanos(), oldest.at + requestNanos - System.nanoTime());
        oldest.channel.eventLoop().schedule(() -> closeIfSurplus(oldest), wait, TimeUnit.NANOSECONDS);
    }

    private void closeIfSurplus(@Nullable Admitted connection) {
        if (connection != null && remove(surplus, surpluses, connection)) {
            connection.channel.close();
        }
    }

    /** Keeps a connection that carries the redirect of a login. Called on its event loop, while the connection is open. */
    void keep(Channel channel) {
        if (forget(new Admitted(channel, 0)) && channel.isOpen()) {
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

    /** Returns false for a connection that is kept, or closed. */
    private boolean forget(Admitted connection) {
        boolean wasReplaceable = remove(replaceable, replaceables, connection);
        return remove(surplus, surpluses, connection) || wasReplaceable;
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
