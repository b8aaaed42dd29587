package io.tokenswap.samples.exchange;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * From the start of the JVM to the first response, and the memory of the process then: the packaged server, the same with the
 * archive that the image has, and a bare Reactor Netty server from the same jar. The contenders take turns.
 * Argument: how many turns. Needs the packaged {@code exchange-server.jar}.
 */
public final class StartUp {

    private static final Path JAR = ServerArchive.PACKAGED;
    private static final Map<String, String> SETTINGS = Map.of(
            "CLIENT_ID",
            "client",
            "CLIENT_SECRET",
            "secret-of-the-benchmark",
            "PORT",
            "0",
            "SEAL_KEYS",
            BenchmarkProcess.KEY);

    private StartUp() {}

    public static void main(String[] args) throws Exception {
        int turns = args.length > 0 ? Integer.parseInt(args[0]) : 15;
        ServerArchive archive = Objects.requireNonNull(ServerArchive.make("classes"));
        Map<String, List<String>> contenders = new LinkedHashMap<>();
        contenders.put("Reactor Netty", bareServer());
        contenders.put("exchange server", List.of("-jar", JAR.toString()));
        contenders.put("with an archive", archive.arguments());
        Map<String, List<Start>> starts = new LinkedHashMap<>();
        for (int turn = -1; turn < turns; turn++) {
            for (Map.Entry<String, List<String>> contender : contenders.entrySet()) {
                Start start = start(contender.getValue());
                if (turn >= 0) { // the first turn reads the jars from the disk
                    starts.computeIfAbsent(contender.getKey(), name -> new ArrayList<>())
                            .add(start);
                }
            }
        }
        List<Start> bare = starts.get("Reactor Netty");
        starts.forEach((contender, all) -> {
            List<Long> percent = new ArrayList<>();
            for (int turn = 0; turn < turns; turn++) {
                percent.add(100 * all.get(turn).millis / bare.get(turn).millis);
            }
            System.out.printf(
                    "%-16s %s ms, %s %% of the first, %s MiB%n",
                    contender,
                    spread(all.stream().map(Start::millis).toList()),
                    spread(percent),
                    spread(all.stream().map(Start::mebibytes).toList()));
        });
        System.exit(0);
    }

    private static List<String> bareServer() {
        List<String> arguments = new ArrayList<>(BenchmarkProcess.NATIVE_ACCESS);
        arguments.addAll(
                List.of("-cp", JAR + ":" + Path.of("test-classes").toAbsolutePath(), BareServer.class.getName()));
        return arguments;
    }

    private record Start(long millis, long mebibytes) {}

    private static Start start(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(java()));
        command.addAll(BenchmarkProcess.IMAGE);
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(SETTINGS);
        long began = System.nanoTime();
        Process process = builder.start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            String line = output.readLine();
            int port = Integer.parseInt(line.replaceAll(".*\\D", ""));
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.getOutputStream()
                        .write("GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                String response = new String(socket.getInputStream().readNBytes(15), StandardCharsets.US_ASCII);
                if (!response.equals("HTTP/1.1 200 OK")) {
                    throw new IOException(response);
                }
            }
            long millis = (System.nanoTime() - began) / 1_000_000;
            return new Start(millis, residentMebibytes(process));
        } finally {
            process.destroyForcibly().onExit().join();
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

    private static String java() {
        return ProcessHandle.current().info().command().orElse("java");
    }

    private static String spread(List<Long> values) {
        List<Long> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int last = sorted.size() - 1;
        return sorted.get(last / 2) + " (" + sorted.get(last / 10) + ".." + sorted.get(last - last / 10) + ")";
    }
}
