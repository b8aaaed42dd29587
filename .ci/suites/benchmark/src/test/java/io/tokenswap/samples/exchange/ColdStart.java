package io.tokenswap.samples.exchange;

import io.tokenswap.KeyRing;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;

/**
 * The first refreshes of a new process, and those that follow: this server, the same with the archive of profiles if it is
 * packaged, with the first compiler of the JVM alone, and a page in PHP behind php-fpm and nginx where they are installed.
 * Arguments: the turns, and the number of refreshes.
 */
public final class ColdStart {

    private static final Map<String, String> SETTINGS = Map.of(
            "SEAL_KEYS",
            BenchmarkProcess.KEY,
            "LIMIT_TOTAL",
            "1000000",
            "LIMIT_PER_TOKEN",
            "1000000",
            "LIMIT_FAILURES",
            "1000000");

    private final int refreshes;
    private final Map<String, List<Cost>> first = new LinkedHashMap<>();
    private final Map<String, List<Cost>> next = new LinkedHashMap<>();

    private ColdStart(int refreshes) {
        this.refreshes = refreshes;
    }

    /** Starts a server. */
    private interface Start {
        BenchmarkProcess server() throws IOException;
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("logback.configurationFile", BenchmarkProcess.LOGGING);
        int turns = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        new ColdStart(args.length > 1 ? Integer.parseInt(args[1]) : 10_000).run(turns);
        System.exit(0);
    }

    private void run(int turns) throws IOException {
        Seals seals = new Seals("client", KeyRing.of(BenchmarkProcess.KEY), InstantSource.system());
        IntFunction<String> sealed = number -> new SealedRefreshToken("r" + number, Instant.now()).seal(seals);
        ServerArchive archive = ServerArchive.make("profiles");
        try (BenchmarkProcess provider = BenchmarkProcess.java(StubProvider.class.getName(), Map.of())) {
            String tokenUrl = "http://127.0.0.1:" + provider.port() + "/token";
            // The client and the provider are warm before the first turn.
            RefreshLoad warmUp = new RefreshLoad(URI.create(tokenUrl), number -> "warm-" + number);
            warmUp.send(warmUp.bodies(2 * refreshes));
            for (int turn = 0; turn < turns; turn++) {
                measure("exchange server", () -> BenchmarkProcess.exchange(tokenUrl, SETTINGS), sealed);
                if (archive != null) {
                    measure("archive of profiles", () -> BenchmarkProcess.exchange(tokenUrl, SETTINGS, archive), sealed);
                }
                measure(
                        "-XX:TieredStopAtLevel=1",
                        () -> BenchmarkProcess.exchange(tokenUrl, SETTINGS, "-XX:TieredStopAtLevel=1"),
                        sealed);
                if (PhpServer.isInstalled()) {
                    measure("php-fpm", () -> PhpServer.start(tokenUrl), number -> "php-" + number);
                }
            }
        }
        first.forEach((name, costs) -> System.out.printf(
                "%-24s the first %d: %s; the next: %s%n",
                name, refreshes, describe(costs), describe(Objects.requireNonNull(next.get(name)))));
    }

    private void measure(String name, Start start, IntFunction<String> refreshTokens) throws IOException {
        try (BenchmarkProcess server = start.server()) {
            RefreshLoad load =
                    new RefreshLoad(URI.create("http://127.0.0.1:" + server.port() + "/refresh"), refreshTokens);
            first.computeIfAbsent(name, n -> new ArrayList<>()).add(cost(server, load));
            next.computeIfAbsent(name, n -> new ArrayList<>()).add(cost(server, load));
        }
    }

    private Cost cost(BenchmarkProcess server, RefreshLoad load) throws IOException {
        List<byte[]> bodies = load.bodies(refreshes);
        long cpu = server.cpuTicks();
        long began = System.nanoTime();
        load.send(bodies);
        long millis = (System.nanoTime() - began) / 1_000_000;
        return new Cost(millis, (server.cpuTicks() - cpu) * 10);
    }

    /** The time, and the CPU time of the server alone, in milliseconds. */
    private record Cost(long millis, long cpu) {}

    private static String describe(List<Cost> costs) {
        return spread(costs.stream().map(Cost::millis).toList()) + " ms, CPU "
                + spread(costs.stream().map(Cost::cpu).toList());
    }

    private static String spread(List<Long> values) {
        List<Long> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2) + " (" + sorted.get(0) + ".." + sorted.get(sorted.size() - 1) + ")";
    }
}
