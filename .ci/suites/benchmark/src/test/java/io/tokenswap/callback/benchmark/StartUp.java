package io.tokenswap.callback.benchmark;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * From the start of the JVM to a receiver that takes a connection, and the memory of the process then, beside a bare
 * Reactor Netty server and peers; "browser" is ours until it would open the browser. Each run is its own process, and
 * the contenders take turns. Argument: how many turns. Needs Linux's {@code /proc} for the memory. The class path has
 * no logging framework, whose start would be most of it. The program {@code desktop-login}, which has one, is measured too
 * where it is packaged: as it is, and from an archive of its classes.
 */
public final class StartUp {

    private static final String BARE = "Reactor Netty";
    private static final String DESKTOP = "desktop-login";
    private static final String ARCHIVED = "with an archive";
    private static final Path JAR = Path.of("../../../../samples/desktop-login/target/desktop-login.jar")
            .toAbsolutePath()
            .normalize();

    /** The port in a URL of a login, or the port alone. */
    private static final Pattern PORT = Pattern.compile("127\\.0\\.0\\.1%3A(\\d+)%2F|^(\\d+)$");

    private static final List<String> CONTENDERS = List.of("tokenswap", "browser", BARE, "Google", "MSAL4J", "JDK");

    static final String CLASS_PATH = Arrays.stream(
                    System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("logback"))
            .collect(Collectors.joining(File.pathSeparator));

    private StartUp() {}

    public static void main(String[] args) throws IOException {
        int turns = args.length > 0 ? Integer.parseInt(args[0]) : 20;
        Map<String, List<String>> commands = new LinkedHashMap<>();
        for (String contender : CONTENDERS) {
            commands.put(contender, List.of("-cp", CLASS_PATH, Receivers.class.getName(), contender));
        }
        // The login page of desktop-login, which only has to be reachable.
        try (ServerSocket page = new ServerSocket(0, 1_000, InetAddress.getLoopbackAddress())) {
            if (Files.exists(JAR)) {
                Path archive = Files.createTempDirectory("archive").resolve("desktop-login.jsa");
                commands.put(DESKTOP, desktop(page, "-Xlog:cds*=error"));
                commands.put(ARCHIVED, desktop(page, "-XX:SharedArchiveFile=" + archive));
                archive(desktop(page, "-XX:ArchiveClassesAtExit=" + archive));
            }
            measure(commands, turns);
        }
    }

    private static List<String> desktop(ServerSocket page, String option) {
        String url = "http://127.0.0.1:" + page.getLocalPort() + "/";
        return List.of(
                option,
                "-jar",
                JAR.toString(),
                "--client-id",
                "client",
                "--authorize-url",
                url,
                "--token-url",
                url,
                "--listen",
                "http://127.0.0.1:0/auth",
                "--browser",
                "print",
                "--json");
    }

    /** Runs the program until its timeout, at which the JVM leaves the archive. */
    private static void archive(List<String> command) throws IOException {
        List<String> ending = new ArrayList<>(command);
        ending.addAll(List.of("--timeout", "2s"));
        process(ending)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .onExit()
                .join();
    }

    private static void measure(Map<String, List<String>> commands, int turns) throws IOException {
        Map<String, List<Start>> starts = new LinkedHashMap<>();
        start(commands.get(CONTENDERS.get(0))); // so that the first one reads its jars from memory too
        for (int turn = 0; turn < turns; turn++) {
            for (Map.Entry<String, List<String>> contender : commands.entrySet()) {
                starts.computeIfAbsent(contender.getKey(), name -> new ArrayList<>())
                        .add(start(contender.getValue()));
            }
        }
        List<Start> bare = starts.get(BARE);
        starts.forEach((contender, all) -> System.out.printf(
                "%-15s %s ms, %s %% of the bare server of its turn, %s MiB%n",
                contender,
                spread(all.stream().map(Start::millis).toList()),
                spread(IntStream.range(0, turns)
                        .mapToObj(turn -> 100 * all.get(turn).millis / bare.get(turn).millis)
                        .toList()),
                spread(all.stream().map(Start::mebibytes).toList())));
    }

    private record Start(long millis, long mebibytes) {}

    private static ProcessBuilder process(List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    }

    private static Start start(List<String> arguments) throws IOException {
        long begun = System.nanoTime();
        Process process = process(arguments).start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            int port = port(output);
            long millis = (System.nanoTime() - begun) / 1_000_000;
            new Socket(InetAddress.getLoopbackAddress(), port).close();
            return new Start(millis, residentMebibytes(process));
        } finally {
            process.destroyForcibly();
        }
    }

    private static int port(BufferedReader output) throws IOException {
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            Matcher port = PORT.matcher(line);
            if (port.find()) {
                return Integer.parseInt(port.group(1) == null ? port.group(2) : port.group(1));
            }
        }
        throw new IOException("It has ended before it listened");
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
