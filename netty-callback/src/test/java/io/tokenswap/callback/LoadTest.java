package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** Very many of everything. Each build runs a short form; the profile {@code load} runs the whole and prints what it saw. */
@Timeout(600)
class LoadTest {

    private static final boolean WHOLE = Boolean.getBoolean("tokenswap.load");
    private static final long MIB = 1 << 20;

    private final CapturedLog log = CapturedLog.asByDefault();

    @AfterEach
    void hush() {
        log.close();
    }

    private static int scale(int whole, int brief) {
        return WHOLE ? whole : brief;
    }

    private static void report(String format, Object... values) {
        if (WHOLE) {
            System.out.println(format.formatted(values));
        }
    }

    /** What the process holds, after everything that is garbage was collected. */
    private record Resources(long heap, long descriptors, int threads) {

        static Resources now() {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            long descriptors = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                    ? unix.getOpenFileDescriptorCount()
                    : 0;
            return new Resources(
                    runtime.totalMemory() - runtime.freeMemory(),
                    descriptors,
                    ManagementFactory.getThreadMXBean().getThreadCount());
        }

        /** What the pools of Reactor and the JVM itself may add is far below one per connection or login. */
        void isNoMoreThan(Resources before) {
            assertThat(heap).as("heap").isLessThan(before.heap + 24 * MIB);
            assertThat(descriptors).as("file descriptors").isLessThan(before.descriptors + 64);
            assertThat(threads).as("threads").isLessThan(before.threads + 48);
        }

        @Override
        public String toString() {
            return "%.1f MiB of heap, %d file descriptors, %d threads"
                    .formatted((double) heap / MIB, descriptors, threads);
        }
    }

    @Test
    void a59_openingAndCancellingLeavesNothing() throws IOException {
        int cycles = scale(10_000, 200);
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .ports(WaitingLogin.freePort())
                .limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(1)));
        // The first ones load classes and fill pools.
        IntStream.range(0, 50).forEach(i -> WaitingLogin.start(receiver).close());
        Resources warm = Resources.now();
        long start = System.nanoTime();
        for (int i = 0; i < cycles; i++) {
            WaitingLogin.start(receiver).close();
        }
        Resources after = Resources.now();

        report("A59 %,d open/cancel cycles in %.1f s; before: %s; after: %s", cycles, seconds(start), warm, after);
        after.isNoMoreThan(warm);
    }

    @Test
    void a77_aFloodOfBadHitsKeepsNoLoginFromSucceeding() {
        try (WaitingLogin login = WaitingLogin.start();
                Flood flood = Flood.of(
                        login.port(),
                        48,
                        login.request("GET", "/auth?code=c&state=wrong").getBytes(StandardCharsets.US_ASCII))) {
            flood.goesOnFor(Duration.ofSeconds(1));
            Resources warm = Resources.now();
            long earlier = flood.ended();
            long start = System.nanoTime();
            flood.goesOnFor(Duration.ofSeconds(scale(60, 2)));
            double rate = (flood.ended() - earlier) / seconds(start);
            Resources after = Resources.now();
            long hit = System.nanoTime();
            login.isStillPending();
            double wait = seconds(hit);

            report(
                    "A77 %,d bad hits, %,.0f per second, %,d of them answered 400; the real hit took %.3f s; %d log lines; before: %s; after: %s",
                    flood.ended(), rate, flood.answered(), wait, log.messages().size(), warm, after);
            after.isNoMoreThan(warm);
            assertThat(flood.answered()).isGreaterThan(flood.ended() / 2);
            assertThat(wait).as("seconds of the real hit").isLessThan(WHOLE ? 1 : 10);
        }
        assertThat(log.messages()).hasSizeLessThanOrEqualTo(10);
    }

    @Test
    void a77_norDoConnectionsThatStall() {
        int stalled = scale(10_000, 1_000);
        try (WaitingLogin login = WaitingLogin.start();
                Flood flood = Flood.of(login.port(), stalled, "GET /auth".getBytes(StandardCharsets.US_ASCII))) {
            Resources warm = Resources.now();
            long start = System.nanoTime();
            flood.goesOnUntil(stalled);
            double opening = seconds(start);
            Resources after = Resources.now();
            long hit = System.nanoTime();
            login.isStillPending();
            double wait = seconds(hit);

            report(
                    "A77 %,d stalled connections in %.1f s, more all the time; the real hit took %.3f s; %d log lines; before: %s; after: %s",
                    flood.opened(), opening, wait, log.messages().size(), warm, after);
            assertThat(after.heap()).as("heap").isLessThan(warm.heap() + 24 * MIB);
            assertThat(wait).as("seconds of the real hit").isLessThan(WHOLE ? 1 : 10);
        }
        assertThat(log.messages()).hasSizeLessThanOrEqualTo(10);
    }

    @Test
    void a48_ofTwoRightHitsAtOnceOneCounts() {
        int rounds = scale(1_000, 50);
        LoopbackReceiver receiver = LoopbackReceiver.create()
                .ports(0)
                .limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(200)));
        long start = System.nanoTime();
        for (int i = 0; i < rounds; i++) {
            try (WaitingLogin login = WaitingLogin.start(receiver)) {
                List<String> bodies = IntStream.range(0, 2)
                        .mapToObj(hit ->
                                CompletableFuture.supplyAsync(() -> login.hit("code=" + hit + "&state=" + login.state())
                                        .body()))
                        .toList()
                        .stream()
                        .map(CompletableFuture::join)
                        .toList();

                assertThat(bodies)
                        .filteredOn(body -> body.contains("You are signed in"))
                        .hasSize(1);
                assertThat(bodies)
                        .filteredOn(body -> body.contains("already complete"))
                        .hasSize(1);
                String code = login.code().value();
                assertThat(bodies.get(Integer.parseInt(code))).contains("You are signed in");
            }
        }
        report("A48 %,d rounds of two right hits at once in %.1f s: each one code", rounds, seconds(start));
    }

    @Test
    void a50_aHundredLoginsInParallelOnOnePortAreNeverCrossed() throws IOException {
        int rounds = scale(20, 1);
        long start = System.nanoTime();
        for (int round = 0; round < rounds; round++) {
            LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
            List<WaitingLogin> logins = parallel(i -> WaitingLogin.start(receiver));
            try {
                List<String> codes = parallel(i -> {
                    logins.get(i).hit("code=c" + i + "&state=" + logins.get(i).state());
                    return logins.get(i).code().value();
                });
                assertThat(codes)
                        .isEqualTo(
                                IntStream.range(0, 100).mapToObj(i -> "c" + i).toList());
            } finally {
                logins.forEach(WaitingLogin::cancel);
            }
            logins.get(0).freesItsPort();
        }
        report("A50 %d times 100 parallel logins on one port in %.1f s: none crossed", rounds, seconds(start));
    }

    /** On threads of its own: the receiver needs those of the schedulers. */
    private static <T> List<T> parallel(IntFunction<T> one) {
        ExecutorService threads = Executors.newFixedThreadPool(100);
        try {
            return IntStream.range(0, 100)
                    .mapToObj(i -> CompletableFuture.supplyAsync(() -> one.apply(i), threads))
                    .toList()
                    .stream()
                    .map(CompletableFuture::join)
                    .toList();
        } finally {
            threads.shutdown();
        }
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    /** One thread that keeps a number of connections open, each with the same bytes sent, and replaces each that ends. */
    private static final class Flood implements AutoCloseable {

        private final int port;
        private final byte[] bytes;
        private final Selector selector;
        private final Thread thread;
        private final AtomicBoolean over = new AtomicBoolean();
        private final AtomicLong opened = new AtomicLong();
        private final AtomicLong ended = new AtomicLong();
        private final AtomicLong answered = new AtomicLong();
        private final ByteBuffer read = ByteBuffer.allocate(16 * 1024);

        private Flood(int port, int connections, byte[] bytes) throws IOException {
            this.port = port;
            this.bytes = bytes;
            this.selector = Selector.open();
            this.thread = new Thread(() -> run(connections), "flood");
        }

        static Flood of(int port, int connections, byte[] bytes) {
            try {
                Flood flood = new Flood(port, connections, bytes);
                flood.thread.start();
                return flood;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private void run(int connections) {
            try (selector) {
                int open = 0;
                while (!over.get()) {
                    for (int batch = 0; open < connections && batch < 256; batch++) {
                        open();
                        open++;
                    }
                    selector.select(10);
                    for (Iterator<SelectionKey> keys = selector.selectedKeys().iterator();
                            keys.hasNext();
                            keys.remove()) {
                        if (!serve(keys.next())) {
                            open--;
                        }
                    }
                }
                for (SelectionKey key : selector.keys()) {
                    key.channel().close();
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private void open() throws IOException {
            long number = opened.getAndIncrement();
            SocketChannel channel = SocketChannel.open();
            channel.configureBlocking(false);
            // From many addresses: the 28,000 ports of one are soon used up by connections that have just ended.
            channel.bind(new InetSocketAddress(
                    InetAddress.getByAddress(new byte[] {127, 0, 1, (byte) (1 + number % 250)}), 0));
            channel.connect(new InetSocketAddress("127.0.0.1", port));
            channel.register(selector, SelectionKey.OP_CONNECT);
        }

        /** Whether the connection is still open. */
        private boolean serve(SelectionKey key) throws IOException {
            SocketChannel channel = (SocketChannel) key.channel();
            try {
                if (key.isConnectable()) {
                    channel.finishConnect();
                    channel.write(ByteBuffer.wrap(bytes));
                    key.interestOps(SelectionKey.OP_READ);
                    return true;
                }
                read.clear();
                if (channel.read(read) >= 0) {
                    if (read.position() > 12 && read.get(9) == '4') {
                        answered.incrementAndGet();
                    }
                    return true;
                }
            } catch (IOException reset) {
                // Cut, as the oldest of too many: also an end.
            }
            channel.close();
            ended.incrementAndGet();
            return false;
        }

        long opened() {
            return opened.get();
        }

        long ended() {
            return ended.get();
        }

        long answered() {
            return answered.get();
        }

        void goesOnFor(Duration duration) {
            Mono.delay(duration).block();
        }

        void goesOnUntil(int connections) {
            NothingIsLeft.eventually(() -> assertThat(opened()).isGreaterThanOrEqualTo(connections));
        }

        @Override
        public void close() {
            over.set(true);
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }
}
