package io.tokenswap.samples.exchange;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** A real {@code redis-server} that keeps nothing on the disk. */
public final class RedisProcess implements AutoCloseable {

    private final int port;
    private final List<String> options;
    private final RedisClient operator;
    private Process process;

    public RedisProcess(String... options) {
        this(freePort(), options);
    }

    RedisProcess(int port, String... options) {
        this.port = port;
        this.options = List.of(options);
        this.process = run();
        this.operator = RedisClient.create(url());
    }

    /**
     * Returns a port for a program that starts later. The port is below those that the kernel gives to a server or a
     * connection without one, because such a server could take it before the program.
     */
    static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_240, 22_000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return probe.getLocalPort();
            } catch (IOException taken) {
                // the next one
            }
        }
    }

    /** Starts a Sentinel that watches a server by the name {@code main}. It decides alone. */
    static RedisProcess sentinel(Path directory, int watched) throws IOException {
        Path settings = Files.writeString(
                directory.resolve("sentinel.conf"),
                "sentinel monitor main 127.0.0.1 " + watched + " 1\nsentinel down-after-milliseconds main 1000\n"
                        + "sentinel failover-timeout main 10000\n");
        return new RedisProcess(freePort(), settings.toString(), "--sentinel");
    }

    private Process run() {
        boolean sentinel = options.contains("--sentinel");
        List<String> command = new ArrayList<>(List.of("redis-server"));
        if (sentinel) {
            command.add(options.get(0)); // a file of settings comes first
        }
        command.addAll(List.of(
                "--bind", "127.0.0.1", "--port", String.valueOf(port), "--dir", System.getProperty("java.io.tmpdir")));
        if (!sentinel) {
            command.addAll(List.of("--save", ""));
        }
        command.addAll(sentinel ? options.subList(1, options.size()) : options);
        try {
            Process started =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            BufferedReader log =
                    new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8));
            for (String line = log.readLine(); line != null; line = log.readLine()) {
                if (line.contains(sentinel ? "+monitor" : "Ready to accept connections")) {
                    Thread drain = new Thread(() -> log.lines().forEach(ignored -> {}), "redis-log");
                    drain.setDaemon(true);
                    drain.start();
                    return started;
                }
            }
            throw new IllegalStateException("redis-server did not start");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String url() {
        return "redis://127.0.0.1:" + port;
    }

    int port() {
        return port;
    }

    /** Asks the server as an operator does. */
    RedisCommands<String, String> operator() {
        return operator.connect().sync();
    }

    void stop() {
        process.destroyForcibly().onExit().join();
    }

    void startAgain() {
        process = run();
    }

    /** Stops responding and keeps its connections, as a frozen machine does. */
    public void freeze() throws IOException {
        signal("-STOP");
    }

    public void thaw() throws IOException {
        signal("-CONT");
    }

    private void signal(String signal) throws IOException {
        new ProcessBuilder("kill", signal, String.valueOf(process.pid()))
                .start()
                .onExit()
                .join();
    }

    @Override
    public void close() {
        operator.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        stop();
    }
}
