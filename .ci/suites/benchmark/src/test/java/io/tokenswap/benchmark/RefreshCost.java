package io.tokenswap.benchmark;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.stream.LongStream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The cost of a refresh over loopback beside a bare post of the same bytes by Reactor Netty, in one run: rate, CPU and allocated
 * bytes, 64 in flight. Both are warmed by a count of refreshes, and then take turns. Arguments: refreshes to warm up, refreshes
 * of a turn, turns. The server is another process and not counted. Needs JDK 21 or newer.
 */
public final class RefreshCost {

    private static final int IN_FLIGHT = 64;

    private RefreshCost() {}

    public static void main(String[] args) {
        int warmUp = args.length > 0 ? Integer.parseInt(args[0]) : 120_000;
        int batch = args.length > 1 ? Integer.parseInt(args[1]) : 20_000;
        int turns = args.length > 2 ? Integer.parseInt(args[2]) : 5;
        try (TokenServer server = TokenServer.start()) {
            Mono<?> bare = RefreshBenchmark.bare(server.uri());
            Mono<?> refresh = RefreshBenchmark.tokenswap(server.uri());
            run(bare, warmUp);
            run(refresh, warmUp);
            for (int turn = 0; turn < turns; turn++) {
                double[] beside = measure(bare, batch);
                double[] here = measure(refresh, batch);
                System.out.printf(
                        "bare %.0f a second, %.1f us of CPU, %.0f B; here %.0f a second, %.1f us, %.0f B; rate %.2f, CPU %.2f times%n",
                        beside[0],
                        beside[1],
                        beside[2],
                        here[0],
                        here[1],
                        here[2],
                        here[0] / beside[0],
                        here[1] / beside[1]);
            }
        }
        System.exit(0);
    }

    private static void run(Mono<?> call, int count) {
        Flux.range(0, count).flatMap(number -> call, IN_FLIGHT).blockLast();
    }

    /** Returns the refreshes a second, and the microseconds of CPU and the bytes of each. */
    private static double[] measure(Mono<?> call, int count) {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = allocated(threads);
        long cpu = system.getProcessCpuTime();
        long began = System.nanoTime();
        run(call, count);
        double seconds = (System.nanoTime() - began) / 1e9;
        return new double[] {
            count / seconds,
            (system.getProcessCpuTime() - cpu) / 1e3 / count,
            (double) (allocated(threads) - bytes) / count
        };
    }

    /** Returns the bytes that all live threads have allocated. JDK 17 has no method for the sum. */
    private static long allocated(ThreadMXBean threads) {
        return LongStream.of(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }
}
