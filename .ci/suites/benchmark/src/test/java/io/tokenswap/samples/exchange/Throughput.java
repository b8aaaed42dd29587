package io.tokenswap.samples.exchange;

import io.tokenswap.KeyRing;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Refreshes over 64 connections through this server, beside a raw proxy by Reactor Netty and {@code proxy_pass} of nginx,
 * in front of one provider that replaces each refresh token. Each server is a process, and the servers take turns. The
 * figure is the CPU that a server takes for a request, from {@code /proc}: the time depends on the other processes.
 *
 * <p>Each refresh token is sent once, because a repeated one would measure the cache. Arguments: the turns, the requests of
 * a turn, and the requests before the first turn.
 */
public final class Throughput {

    private static final int TICKS_PER_SECOND = 100;
    private static final String NO_LIMIT = "1000000";
    private static final Map<String, String> ALL = Map.of(
            "SEAL_KEYS", BenchmarkProcess.KEY,
            "LIMIT_TOTAL", NO_LIMIT,
            "LIMIT_PER_TOKEN", NO_LIMIT,
            "LIMIT_FAILURES", NO_LIMIT);

    private final int turns;
    private final int requests;
    private final int warmUp;
    private final Seals seals = new Seals("client", KeyRing.of(BenchmarkProcess.KEY), InstantSource.system());

    private Throughput(int turns, int requests, int warmUp) {
        this.turns = turns;
        this.requests = requests;
        this.warmUp = warmUp;
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("logback.configurationFile", BenchmarkProcess.LOGGING);
        new Throughput(
                        args.length > 0 ? Integer.parseInt(args[0]) : 7,
                        args.length > 1 ? Integer.parseInt(args[1]) : 20_000,
                        args.length > 2 ? Integer.parseInt(args[2]) : 60_000)
                .run();
        System.exit(0);
    }

    private void run() throws Exception {
        try (BenchmarkProcess provider = BenchmarkProcess.java(StubProvider.class.getName(), Map.of())) {
            String tokenUrl = "http://127.0.0.1:" + provider.port() + "/token";
            List<Contender> contenders = new ArrayList<>();
            contenders.add(new Contender(
                    "Reactor Netty",
                    BenchmarkProcess.java(RawProxy.class.getName(), Map.of("PROVIDER", tokenUrl)),
                    number -> "raw-" + number));
            contenders.add(new Contender(
                    "without sealing", BenchmarkProcess.exchange(tokenUrl, Map.of()), number -> "unsealed-" + number));
            IntFunction<String> sealed =
                    number -> new SealedRefreshToken("sealed-" + number, Instant.now()).seal(seals);
            contenders.add(new Contender("all", BenchmarkProcess.exchange(tokenUrl, ALL), sealed));
            ServerArchive archive = ServerArchive.make("profiles");
            if (archive != null) {
                contenders.add(
                        new Contender("all, profiles", BenchmarkProcess.exchange(tokenUrl, ALL, archive), sealed));
            }
            BenchmarkProcess nginx = BenchmarkProcess.nginx(provider.port());
            if (nginx != null) {
                contenders.add(new Contender("nginx", nginx, number -> "nginx-" + number));
            }
            for (Contender contender : contenders) {
                contender.idle = contender.process.mebibytes();
                contender.warmUp(warmUp);
            }
            for (int turn = 0; turn < turns; turn++) {
                for (Contender contender : contenders) {
                    contender.measure();
                }
            }
            List<Double> base = contenders.get(0).micros;
            for (Contender contender : contenders) {
                List<Double> ratios = new ArrayList<>();
                for (int turn = 0; turn < turns; turn++) {
                    ratios.add(contender.micros.get(turn) / base.get(turn));
                }
                System.out.printf(
                        "%-16s CPU %s us a request, %s times the first; %s requests a second; %d MiB idle, %d after%n",
                        contender.name,
                        spread(contender.micros, "%.0f"),
                        spread(ratios, "%.2f"),
                        spread(contender.rates, "%.0f"),
                        contender.idle,
                        contender.process.mebibytes());
                contender.process.close();
            }
        }
    }

    private static String spread(List<Double> values, String format) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return String.format(
                format + " (" + format + ".." + format + ")",
                sorted.get(sorted.size() / 2),
                sorted.get(0),
                sorted.get(sorted.size() - 1));
    }

    /** A server and what it was seen to do. */
    private final class Contender {

        private final String name;
        private final BenchmarkProcess process;
        private final RefreshLoad load;
        private final List<Double> micros = new ArrayList<>();
        private final List<Double> rates = new ArrayList<>();
        private long idle;

        Contender(String name, BenchmarkProcess process, IntFunction<String> refreshTokens) {
            this.name = name;
            this.process = process;
            this.load = new RefreshLoad(URI.create("http://127.0.0.1:" + process.port() + "/refresh"), refreshTokens);
        }

        void measure() throws IOException {
            List<byte[]> bodies = load.bodies(requests);
            long cpu = process.cpuTicks();
            long began = System.nanoTime();
            load.send(bodies);
            rates.add(requests * 1e9 / (System.nanoTime() - began));
            micros.add((process.cpuTicks() - cpu) * 1e6 / TICKS_PER_SECOND / requests);
        }

        void warmUp(int count) {
            load.send(load.bodies(count));
        }
    }
}
