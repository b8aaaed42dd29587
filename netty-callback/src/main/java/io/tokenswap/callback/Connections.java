package io.tokenswap.callback;

import io.netty.channel.Channel;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The open connections of a listener. There are never more than a few, and none of them lives long. When there are too many it
 * is the oldest that goes: a browser sends its request at once, so that whoever has held a connection for long is no browser.
 */
// Nobody waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class Connections {

    private final int most;
    private final Duration longest;
    private final Queue<Channel> open = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger();
    private volatile boolean closed;

    Connections(int most, Duration longest) {
        this.most = most;
        this.longest = longest;
    }

    void admit(Channel channel) {
        // Counted from here and not from the last byte: an idle timeout would be kept from firing by one byte now and
        // then.
        Future<?> deadline = channel.eventLoop()
                .schedule(
                        () -> {
                            channel.close();
                        },
                        longest.toMillis(),
                        TimeUnit.MILLISECONDS);
        open.add(channel);
        count.incrementAndGet();
        channel.closeFuture().addListener(closed -> {
            deadline.cancel(false);
            forget(channel);
        });
        if (closed) {
            // Accepted just before its listener was closed, and added just after all the others had been closed.
            channel.close();
        } else if (count.get() > most) {
            Channel oldest = open.peek();
            if (oldest != null && forget(oldest)) {
                oldest.close();
            }
        }
    }

    private boolean forget(Channel channel) {
        boolean removed = open.remove(channel);
        if (removed) {
            count.decrementAndGet();
        }
        return removed;
    }

    void closeAll() {
        closed = true;
        open.forEach(Channel::close);
    }
}
