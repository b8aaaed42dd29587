package io.tokenswap.callback.benchmark;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * From the start of the JVM to a receiver that takes a connection, and the memory of the process then, beside a bare
 * Reactor Netty server and peers; "browser" is ours until it would open the browser. Each run is its own process, and
 * the contenders take turns. Argument: how many turns. Needs Linux's {@code /proc} for the memory. The class path has
 * no logging framework, whose start would be most of it.
 */
public final class StartUp {

    private static final List<String> CONTENDERS =
            List.of("tokenswap", "browser", "Reactor Netty", "Google", "MSAL4J", "JDK");

    private static final String CLASS_PATH = Arrays.stream(
                    System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("logback"))
            .collect(Collectors.joining(File.pathSeparator));

    private StartUp() {}

    public static void main(String[] args) throws IOException {
        int turns = args.length > 0 ? Integer.parseInt(args[0]) : 15;
        Map<String, List<Start>> starts = new LinkedHashMap<>();
        start(CONTENDERS.get(0)); // so that the first one reads its jars from memory too
        for (int turn = 0; turn < turns; turn++) {
            for (String contender : CONTENDERS) {
                starts.computeIfAbsent(contender, name -> new ArrayList<>()).add(start(contender));
            }
        }
        starts.forEach((contender, all) -> System.out.printf(
                "%-14s %s ms, %s MiB%n",
                contender,
                spread(all.stream().map(Start::millis).toList()),
                spread(all.stream().map(Start::mebibytes).toList())));
    }

    private record Start(long millis, long mebibytes) {}

    private static Start start(String contender) throws IOException {
        long begun = System.nanoTime();
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-cp",
                        CLASS_PATH,
                        Receivers.class.getName(),
                        contender)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            int port = Integer.parseInt(output.readLine());
            long millis = (System.nanoTime() - begun) / 1_000_000;
            new Socket(InetAddress.getLoopbackAddress(), port).close();
            return new Start(millis, residentMebibytes(process));
        } finally {
            process.destroyForcibly();
        }
    }

    private static long residentMebibytes(Process process) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .findAny()
                    .orElse(0);
        }
    }

    private static String spread(List<Long> values) {
        List<Long> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int last = sorted.size() - 1;
        return sorted.get(last / 2) + " (" + sorted.get(last / 10) + ".." + sorted.get(last - last / 10) + ")";
    }
}
