package io.tokenswap.callback;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One thread that sends the same bytes on one connection after the other, 10,000 times a second if it can, and keeps
 * the last few connections open. It shares the processors with the receiver, so a connection costs as little as it can:
 * to the loopback address it is there at once, which makes blocking calls one after the other the cheapest way, and no
 * response is converted to a string.
 */
final class Flood implements AutoCloseable {

    private static final long NANOS_PER_CONNECTION = 1_000_000_000 / 10_000;

    private final InetSocketAddress target;
    private final ByteBuffer bytes;
    private final boolean reading;
    private final @Nullable SocketChannel[] open;
    private final ByteBuffer response = ByteBuffer.allocateDirect(16 * 1024);
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final Thread thread = new Thread(this::run, "flood");
    private volatile boolean over;

    private Flood(int port, int connections, String request, boolean reading) {
        this.target = new InetSocketAddress("127.0.0.1", port);
        byte[] raw = request.getBytes(StandardCharsets.US_ASCII);
        this.bytes = ByteBuffer.allocateDirect(raw.length).put(raw).flip();
        this.reading = reading;
        this.open = new SocketChannel[connections];
        thread.start();
    }

    /** Sends requests and reads each response. */
    static Flood ofHits(int port, int connections, String request) {
        return new Flood(port, connections, request, true);
    }

    /** Connections that say something and then nothing, until they have become the oldest. */
    static Flood ofStalled(int port, int connections, String beginning) {
        return new Flood(port, connections, beginning, false);
    }

    /** Connections on which everything was sent. */
    long sent() {
        return sent.get();
    }

    /** Number of requests that got a 4xx. */
    long refused() {
        return refused.get();
    }

    private void run() {
        long start = System.nanoTime();
        try {
            for (long number = 0; !over; number++) {
                LockSupport.parkNanos(start + number * NANOS_PER_CONNECTION - System.nanoTime());
                int slot = (int) (number % open.length);
                end(open[slot]);
                open[slot] = begin();
            }
            for (SocketChannel last : open) {
                end(last);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private @Nullable SocketChannel begin() throws IOException {
        SocketChannel channel = SocketChannel.open();
        try {
            channel.connect(target);
            channel.write(bytes.duplicate());
            sent.incrementAndGet();
            return channel;
        } catch (IOException cut) {
            // As the oldest of too many.
            channel.close();
            return null;
        }
    }

    private void end(@Nullable SocketChannel channel) throws IOException {
        if (channel == null) {
            return;
        }
        try {
            // "HTTP/1.1 400" and all the rest, which was sent long ago.
            if (reading && channel.read(response.clear()) > 9 && response.get(9) == '4') {
                refused.incrementAndGet();
            }
        } catch (IOException cut) {
            // Also an end.
        } finally {
            channel.close();
        }
    }

    @Override
    public void close() {
        over = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
