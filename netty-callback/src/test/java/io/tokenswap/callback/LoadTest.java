package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Very many of everything. Each build runs a short form; {@code .ci/suites/load} runs the whole and prints what it saw. */
@Timeout(600)
class LoadTest {

    private static final boolean WHOLE = Boolean.getBoolean("tokenswap.load");
    private static final long MIB = 1 << 20;

    private final CapturedLog log = CapturedLog.asByDefault();
    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void hush() {
        threads.shutdown();
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

    /** What the process holds, after everything that is garbage was collected, and the processor time that it has used. */
    private record Resources(long heap, long descriptors, int threads, long nanos) {

        static Resources now() {
            NothingIsLeft.forget();
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            UnixOperatingSystemMXBean system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Resources(
                    runtime.totalMemory() - runtime.freeMemory(),
                    system.getOpenFileDescriptorCount(),
                    ManagementFactory.getThreadMXBean().getThreadCount(),
                    system.getProcessCpuTime());
        }

        /**
         * What the pools of Reactor and the JVM itself may add is far below one per connection or login, and so is what
         * was closed within the last tenth of a second, by a receiver that gets half of the processors, together with the
         * 1,024 connections that may be open.
         */
        void isNoMoreThan(Resources before) {
            assertThat(heap).as("heap").isLessThan(before.heap + 8 * MIB);
            assertThat(descriptors).as("file descriptors").isLessThan(before.descriptors + 2_000);
            assertThat(threads).as("threads").isLessThan(before.threads + 48);
        }

        @Override
        public String toString() {
            return "%.1f MiB of heap, %d file descriptors, %d threads"
                    .formatted((double) heap / MIB, descriptors, threads);
        }
    }

    @Test
    @Tag("A59")
    void openingAndCancellingLeavesNothing() throws IOException {
        LoopbackReceiver any = LoopbackReceiver.create().ports(0).scheduler(time);
        LoopbackReceiver fixed = any.ports(WaitingLogin.freePort());
        int onAny = scale(9_000, 180);
        int onFixed = scale(1_000, 20);
        // The first ones load classes and fill pools.
        openAndCancel(any, 50);
        openAndCancel(fixed, 50);
        Resources warm = Resources.now();
        long start = System.nanoTime();
        openAndCancel(any, onAny);
        openAndCancel(fixed, onFixed);
        double taken = seconds(start);

        NothingIsLeft.eventually(() -> Resources.now().isNoMoreThan(warm));
        report(
                "%,d open/cancel cycles on any port and %,d on one port in %.1f s; before: %s; after: %s",
                onAny, onFixed, taken, warm, Resources.now());
    }

    /** Each on its own listener: the one before is closed or closing when the next is wanted. */
    private void openAndCancel(LoopbackReceiver receiver, int cycles) {
        for (int i = 0; i < cycles; i++) {
            WaitingLogin.start(receiver).cancel();
            time.advanceTimeBy(Listener.Limits.DEFAULT.linger());
        }
    }

    @Test
    @Tag("A77")
    void aFloodOfBadHitsKeepsNoLoginFromSucceeding() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        try (WaitingLogin waiting = WaitingLogin.start(receiver)) {
            Flood flood = Flood.ofHits(waiting.port(), 48, waiting.request("GET", "/auth?code=c&state=wrong"));
            try (flood) {
                holdsOut(receiver, flood, 100, "bad hits");
            }
            assertThat(flood.refused()).isGreaterThan(flood.sent() * 9 / 10);
            waiting.isStillPending();
        }
    }

    @Test
    @Tag("A77")
    void norDoConnectionsThatStall() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        int stalled = scale(10_000, 1_000);
        try (WaitingLogin waiting = WaitingLogin.start(receiver)) {
            try (Flood flood = Flood.ofStalled(waiting.port(), stalled, "GET /auth")) {
                holdsOut(receiver, flood, stalled, "more connections that stall");
            }
            waiting.isStillPending();
        }
    }

    /** Logs in once a second meanwhile. */
    private void holdsOut(LoopbackReceiver receiver, Flood flood, int atFirst, String ofWhat) {
        int logins = scale(60, 2);
        goOnFor(Duration.ofSeconds(scale(5, 0)));
        while (flood.sent() < atFirst) {
            goOnFor(Duration.ofMillis(100));
        }
        Resources warm = Resources.now();
        long earlier = flood.sent();
        long start = System.nanoTime();
        double slowest = 0;
        for (int i = 1; i <= logins; i++) {
            goOnFor(Duration.ofSeconds(i).minusNanos(System.nanoTime() - start));
            long begun = System.nanoTime();
            WaitingLogin.start(receiver).isStillPending();
            slowest = Math.max(slowest, seconds(begun));
        }
        long sent = flood.sent() - earlier;
        double taken = seconds(start);
        Resources after = Resources.now();

        report(
                "%,.0f %s a second for %.0f s, at %.0f us of processor time each with those of the client; "
                        + "the slowest of %d logins meanwhile took %.3f s; %d log lines; before: %s; after: %s",
                sent / taken,
                ofWhat,
                taken,
                (after.nanos - warm.nanos) / 1e3 / sent,
                logins,
                slowest,
                log.messages().size(),
                warm,
                after);
        after.isNoMoreThan(warm);
        assertThat(slowest).as("seconds of the slowest login").isLessThan(WHOLE ? 1 : 10);
        assertThat(log.messages()).hasSizeLessThanOrEqualTo(10);
    }

    private static void goOnFor(Duration duration) {
        Mono.delay(duration).block();
    }

    @Test
    @Tag("A48")
    void ofTwoRightHitsAtOnceOneCounts() {
        LoopbackReceiver receiver = LoopbackReceiver.create().ports(0).scheduler(time);
        int rounds = scale(1_000, 50);
        long start = System.nanoTime();
        for (int i = 0; i < rounds; i++) {
            WaitingLogin login = WaitingLogin.start(receiver);
            CyclicBarrier bothSent = new CyclicBarrier(2);
            List<String> bodies = inParallel(2, hit -> {
                String request = login.request("GET", "/auth?code=" + hit + "&state=" + login.state());
                return body(login.port(), request, bothSent);
            });

            assertThat(bodies)
                    .filteredOn(body -> body.contains("You are signed in"))
                    .hasSize(1);
            assertThat(bodies).filteredOn(body -> body.contains("already used")).hasSize(1);
            String code = login.code().secret();
            assertThat(bodies.get(Integer.parseInt(code))).contains("You are signed in");
            time.advanceTimeBy(Listener.Limits.DEFAULT.linger());
        }
        report("%,d rounds of two right hits at once in %.1f s: each one code", rounds, seconds(start));
    }

    /** Returns the body of the response to a request whose last byte is sent when the other request has come that far too. */
    private static String body(int port, String request, CyclicBarrier allSent) {
        byte[] bytes = request.getBytes(StandardCharsets.US_ASCII);
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream().write(bytes, 0, bytes.length - 1);
            allSent.await(20, TimeUnit.SECONDS);
            socket.getOutputStream().write(bytes, bytes.length - 1, 1);
            return RawResponse.read(socket).body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    @Tag("A50")
    void aHundredLoginsInParallelOnOnePortAreNeverCrossed() throws IOException {
        int rounds = scale(20, 1);
        long start = System.nanoTime();
        for (int round = 0; round < rounds; round++) {
            // More hits at once than connections that may stay: none is cut before it has sent its request.
            LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
            List<WaitingLogin> logins = inParallel(100, i -> WaitingLogin.start(receiver));
            try {
                List<String> codes = inParallel(100, i -> {
                    logins.get(i).hit("code=c" + i + "&state=" + logins.get(i).state());
                    return logins.get(i).code().secret();
                });
                assertThat(codes)
                        .isEqualTo(
                                IntStream.range(0, 100).mapToObj(i -> "c" + i).toList());
            } finally {
                logins.forEach(WaitingLogin::cancel);
            }
            logins.get(0).freesItsPort();
        }
        report("%d times 100 parallel logins on one port in %.1f s: none crossed", rounds, seconds(start));
    }

    /** Runs on separate threads, because the receiver needs those of the schedulers. */
    private <T> List<T> inParallel(int many, IntFunction<T> one) {
        return IntStream.range(0, many)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> one.apply(i), threads))
                .toList()
                .stream()
                .map(CompletableFuture::join)
                .toList();
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
