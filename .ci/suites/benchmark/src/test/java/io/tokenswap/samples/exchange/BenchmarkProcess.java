package io.tokenswap.samples.exchange;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.netty.DisposableServer;

/** A server in a separate process. */
final class BenchmarkProcess implements AutoCloseable {

    static final String KEY = "Zp0uW3mBqKc4yTn7vRfXh1sLgJd8eAoU2iNlP5xQbYk=";

    private static final Path NGINX = Path.of("/usr/sbin/nginx");

    static final String LOGGING = "../../../../samples/exchange-server/src/main/program/logback.xml";

    /** The options of the image, and the same heap for all. */
    static final List<String> IMAGE =
            List.of("-XX:+UseSerialGC", "-Xms16m", "-Xmx256m", "-XX:TrimNativeHeapInterval=5000");

    /** Access to native code, which the manifest of the exchange server asks for: Netty takes another way with it. */
    static final List<String> NATIVE_ACCESS =
            Runtime.version().feature() >= 22 ? List.of("--enable-native-access=ALL-UNNAMED") : List.of();

    private final Process process;
    private final int port;
    private final boolean endsItsChildren;
    private @Nullable BenchmarkProcess behind;

    private BenchmarkProcess(Process process, int port, boolean endsItsChildren) {
        this.process = process;
        this.port = port;
        this.endsItsChildren = endsItsChildren;
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    }

    /** Starts a class of this class path that prints the URL or the port of its server. */
    static BenchmarkProcess java(String main, Map<String, String> variables, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(NATIVE_ACCESS);
        arguments.addAll(List.of(options));
        arguments.add("-Dlogback.configurationFile=" + LOGGING);
        arguments.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        return image(arguments, variables);
    }

    private static BenchmarkProcess image(List<String> arguments, Map<String, String> variables) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(IMAGE);
        command.addAll(arguments);
        return start(command, variables);
    }

    static BenchmarkProcess exchange(String tokenUrl, Map<String, String> variables, String... options)
            throws IOException {
        return java(Program.class.getName(), settings(tokenUrl, variables), options);
    }

    /** Starts the packaged server with its archive. */
    static BenchmarkProcess exchange(String tokenUrl, Map<String, String> variables, ServerArchive archive)
            throws IOException {
        return image(archive.arguments(), settings(tokenUrl, variables));
    }

    private static Map<String, String> settings(String tokenUrl, Map<String, String> variables) {
        Map<String, String> all = new HashMap<>(Map.of(
                "CLIENT_ID",
                "client",
                "CLIENT_SECRET",
                "secret-of-the-benchmark",
                "PORT",
                "0",
                "PROVIDER_TOKEN_URL",
                tokenUrl,
                "LIMIT_TOTAL",
                "0",
                "LIMIT_PER_TOKEN",
                "0",
                "LIMIT_FAILURES",
                "0"));
        all.putAll(variables);
        return all;
    }

    /** Starts a command whose first line of output ends with its port. */
    static BenchmarkProcess start(List<String> command, Map<String, String> variables) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(variables);
        Process process = builder.start();
        BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
        String line = output.readLine();
        if (line == null) {
            throw new IOException(command + " did not start");
        }
        return new BenchmarkProcess(process, Integer.parseInt(line.replaceAll(".*\\D", "")), false);
    }

    /** Starts nginx in front of a port, or returns null where it is not installed. */
    static @Nullable BenchmarkProcess nginx(int provider) throws IOException {
        return Files.isExecutable(NGINX)
                ? nginx(
                        "upstream provider { server 127.0.0.1:%d; keepalive 256; keepalive_requests 1000000000; }"
                                .formatted(provider),
                        "proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\";")
                : null;
    }

    /** Starts nginx with a single process. */
    static BenchmarkProcess nginx(String upstream, String location) throws IOException {
        int port = freePort();
        Path directory = Files.createTempDirectory("nginx");
        Path file =
                Files.writeString(directory.resolve("nginx.conf"), """
                daemon off; master_process off; pid %1$s/pid; error_log /dev/null;
                events { worker_connections 1024; }
                http {
                    access_log off; keepalive_requests 1000000000; client_body_temp_path %1$s/body; proxy_temp_path %1$s/proxy;
                    fastcgi_temp_path %1$s/fastcgi; uwsgi_temp_path %1$s/uwsgi; scgi_temp_path %1$s/scgi;
                    %2$s
                    server {
                        listen 127.0.0.1:%3$d;
                        location / { %4$s }
                    }
                }
                """.formatted(directory, upstream, port, location));
        return listening(
                List.of(NGINX.toString(), "-e", "/dev/null", "-p", directory.toString(), "-c", file.toString()), port);
    }

    /** Starts a command that prints nothing, and returns when it listens at a port. */
    static BenchmarkProcess listening(List<String> command, int port) throws IOException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        while (!isListening(port)) {
            if (!process.isAlive()) {
                throw new IOException(command + " did not start");
            }
            Thread.onSpinWait();
        }
        return new BenchmarkProcess(process, port, true);
    }

    private static boolean isListening(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0)) {
            return probe.getLocalPort();
        }
    }

    /** Ends another process after this one. */
    BenchmarkProcess inFrontOf(BenchmarkProcess other) {
        behind = other;
        return this;
    }

    /** Prints the port, and serves until the standard input ends, which it does with the process that started this one. */
    static void serve(DisposableServer server) throws IOException {
        System.out.println(server.port());
        while (System.in.read() >= 0) {
            // Nothing is sent.
        }
        System.exit(0);
    }

    int port() {
        return port;
    }

    /** Returns the CPU time of the process, its children and the processes behind it, in ticks of 10 ms. */
    long cpuTicks() throws IOException {
        long ticks = cpuTicks(process.toHandle());
        for (ProcessHandle child : process.descendants().toList()) {
            ticks += cpuTicks(child);
        }
        return behind == null ? ticks : ticks + behind.cpuTicks();
    }

    private static long cpuTicks(ProcessHandle process) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    /** Returns the resident memory of the process. */
    long mebibytes() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .findAny()
                    .orElse(0);
        }
    }

    @Override
    public void close() {
        if (endsItsChildren) {
            process.destroy();
        } else {
            process.destroyForcibly();
        }
        process.onExit().join();
        BenchmarkProcess other = behind;
        if (other != null) {
            other.close();
        }
    }
}
