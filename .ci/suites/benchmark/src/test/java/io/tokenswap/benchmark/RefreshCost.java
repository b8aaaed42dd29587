package io.tokenswap.benchmark;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The cost of a refresh over loopback beside a bare post of the same bytes by Reactor Netty: rate, CPU and allocated bytes, 64 in
 * flight. Each start is a process that warms both up by a count of refreshes. Then they take turns. The figures of a start are
 * those of all its turns together; the last line is the median of the starts. Arguments: starts, refreshes to warm up,
 * refreshes of a turn, turns. The server is another process and not counted. Needs JDK 21 or newer.
 */
public final class RefreshCost {

    private static final int IN_FLIGHT = 64;
    private static final String STARTED = "started";

    private RefreshCost() {}

    public static void main(String[] args) throws IOException {
        if (args.length > 0 && args[0].equals(STARTED)) {
            measure(Integer.parseInt(args[1]), Integer.parseInt(args[2]), Integer.parseInt(args[3]));
            System.exit(0);
        }
        int starts = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        List<Comparison> all = new ArrayList<>();
        for (int start = 0; start < starts; start++) {
            all.add(start(
                    args.length > 1 ? args[1] : "120000",
                    args.length > 2 ? args[2] : "20000",
                    args.length > 3 ? args[3] : "10"));
        }
        System.out.printf(
                "median of %d starts: rate %.2f, CPU %.2f times the bare post; %.0f B, bare %.0f B%n",
                starts,
                median(all, Comparison::rate),
                median(all, Comparison::cpu),
                median(all, start -> start.here.bytes),
                median(all, start -> start.bare.bytes));
        System.exit(0);
    }

    /** What a refresh took: seconds of the clock, microseconds of CPU, bytes. */
    private record Cost(double seconds, double cpu, double bytes) {

        Cost plus(Cost other) {
            return new Cost(seconds + other.seconds, cpu + other.cpu, bytes + other.bytes);
        }

        Cost dividedBy(int turns) {
            return new Cost(seconds / turns, cpu / turns, bytes / turns);
        }
    }

    private record Comparison(Cost bare, Cost here) {

        double rate() {
            return bare.seconds / here.seconds;
        }

        double cpu() {
            return here.cpu / bare.cpu;
        }
    }

    private static double median(List<Comparison> starts, ToDoubleFunction<Comparison> figure) {
        return starts.stream().mapToDouble(figure).sorted().toArray()[(starts.size() - 1) / 2];
    }

    private static Comparison start(String warmUp, String batch, String turns) throws IOException {
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx1g",
                        "-cp",
                        System.getProperty("java.class.path"),
                        RefreshCost.class.getName(),
                        STARTED,
                        warmUp,
                        batch,
                        turns)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<Comparison> measured = new ArrayList<>();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                String[] figures = line.split(" ");
                measured.add(new Comparison(cost(figures, 0), cost(figures, 3)));
            }
        } finally {
            process.destroyForcibly();
        }
        Comparison sum = new Comparison(
                measured.stream()
                        .map(Comparison::bare)
                        .reduce(Cost::plus)
                        .orElseThrow()
                        .dividedBy(measured.size()),
                measured.stream()
                        .map(Comparison::here)
                        .reduce(Cost::plus)
                        .orElseThrow()
                        .dividedBy(measured.size()));
        System.out.printf(
                "bare %.0f a second, %.1f us of CPU, %.0f B; here %.0f a second, %.1f us, %.0f B; rate %.2f, CPU %.2f times (turns %.2f..%.2f)%n",
                1 / sum.bare.seconds,
                sum.bare.cpu,
                sum.bare.bytes,
                1 / sum.here.seconds,
                sum.here.cpu,
                sum.here.bytes,
                sum.rate(),
                sum.cpu(),
                measured.stream()
                        .map(Comparison::cpu)
                        .min(Comparator.naturalOrder())
                        .orElseThrow(),
                measured.stream()
                        .map(Comparison::cpu)
                        .max(Comparator.naturalOrder())
                        .orElseThrow());
        return sum;
    }

    private static Cost cost(String[] figures, int first) {
        return new Cost(
                Double.parseDouble(figures[first]),
                Double.parseDouble(figures[first + 1]),
                Double.parseDouble(figures[first + 2]));
    }

    /** Measures in this process, and prints a line for each turn. */
    private static void measure(int warmUp, int batch, int turns) {
        try (TokenServer server = TokenServer.start()) {
            Mono<?> bare = RefreshBenchmark.bare(server.uri());
            Mono<?> refresh = RefreshBenchmark.tokenswap(server.uri());
            run(bare, warmUp);
            run(refresh, warmUp);
            for (int turn = 0; turn < turns; turn++) {
                Cost beside = measure(bare, batch);
                Cost here = measure(refresh, batch);
                System.out.println(beside.seconds + " " + beside.cpu + " " + beside.bytes + " " + here.seconds + " "
                        + here.cpu + " " + here.bytes);
            }
        }
    }

    private static void run(Mono<?> call, int count) {
        Flux.range(0, count).flatMap(number -> call, IN_FLIGHT).blockLast();
    }

    private static Cost measure(Mono<?> call, int count) {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = allocated(threads);
        long cpu = system.getProcessCpuTime();
        long began = System.nanoTime();
        run(call, count);
        double seconds = (System.nanoTime() - began) / 1e9;
        return new Cost(
                seconds / count,
                (system.getProcessCpuTime() - cpu) / 1e3 / count,
                (double) (allocated(threads) - bytes) / count);
    }

    /** Returns the bytes that all live threads have allocated. JDK 17 has no method for the sum. */
    private static long allocated(ThreadMXBean threads) {
        return LongStream.of(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }
}
