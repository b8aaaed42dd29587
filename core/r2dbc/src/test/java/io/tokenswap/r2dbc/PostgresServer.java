package io.tokenswap.r2dbc;

import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A real PostgreSQL on a free port, in its own directory that goes when it is closed. */
final class PostgresServer implements AutoCloseable {

    private static final Duration LONGEST = Duration.ofSeconds(60);

    /** PostgreSQL refuses to run as root. */
    private static final String USER = "postgres";

    private final Path directory;
    private final int port;
    private final List<String> options;
    private final List<ConnectionPool> pools = new ArrayList<>();
    private Process process;

    private PostgresServer(Path directory, int port, List<String> options) {
        this.directory = directory;
        this.port = port;
        this.options = options;
        this.process = run();
    }

    static PostgresServer start(String... options) {
        try {
            Path directory = Files.createTempDirectory("postgres");
            if (isRoot()) {
                command("chown", USER, directory.toString());
            }
            command(asUser(
                    program("initdb"),
                    "-D",
                    directory.resolve("data").toString(),
                    "-U",
                    USER,
                    "-A",
                    "trust",
                    "-N",
                    "-E",
                    "UTF8"));
            return new PostgresServer(directory, freePort(), List.of(options));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    /** Debian keeps the programs of the server outside of the path. */
    static String program(String name) {
        try (Stream<Path> versions = Files.isDirectory(Path.of("/usr/lib/postgresql"))
                ? Files.list(Path.of("/usr/lib/postgresql"))
                : Stream.empty()) {
            return versions.map(version -> version.resolve("bin").resolve(name))
                    .filter(Files::isExecutable)
                    .map(Path::toString)
                    .findFirst()
                    .orElse(name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String[] asUser(String... command) {
        if (!isRoot()) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups"));
        all.addAll(List.of(command));
        return all.toArray(String[]::new);
    }

    static void command(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.onExit().join().exitValue() != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int freePort() {
        // Below the ports that the kernel gives to a server without one: such a server could take it before its user
        // does.
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_240, 22_000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return probe.getLocalPort();
            } catch (IOException taken) {
                // the next one
            }
        }
    }

    private Process run() {
        List<String> command = new ArrayList<>(List.of(
                program("postgres"),
                "-D",
                directory.resolve("data").toString(),
                "-p",
                String.valueOf(port),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=" + directory));
        options.forEach(option -> command.addAll(List.of("-c", option)));
        return started("ready to accept connections", asUser(command.toArray(String[]::new)));
    }

    /** Starts a program and waits for a line that it logs. */
    static Process started(String readyLine, String... command) {
        try {
            Process started =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            BufferedReader log =
                    new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8));
            StringBuilder all = new StringBuilder();
            for (String line = log.readLine(); line != null; line = log.readLine()) {
                all.append(line).append('\n');
                if (line.contains(readyLine)) {
                    Thread drain = new Thread(() -> drain(log));
                    drain.setDaemon(true);
                    drain.start();
                    return started;
                }
            }
            throw new IllegalStateException(String.join(" ", command) + " did not start:\n" + all);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void drain(BufferedReader log) {
        try {
            while (log.readLine() != null) {
                // What the server logs is of no use to the tests.
            }
        } catch (IOException e) {
            // The server has ended.
        }
    }

    PostgresqlConnectionConfiguration.Builder configuration() {
        return configuration(port);
    }

    private static PostgresqlConnectionConfiguration.Builder configuration(int port) {
        return PostgresqlConnectionConfiguration.builder()
                .host("127.0.0.1")
                .port(port)
                .username(USER)
                .password("unused")
                .database("postgres")
                .connectTimeout(Duration.ofSeconds(5));
    }

    PostgresqlConnectionFactory connections() {
        return new PostgresqlConnectionFactory(configuration().build());
    }

    /** A pool as a service has one. It is closed with the server. */
    ConnectionPool pool(int size) {
        ConnectionPool pool = pool(port, size);
        pools.add(pool);
        return pool;
    }

    /** A pool of another process to the server at a port. */
    static ConnectionPool pool(int port, int size) {
        return new ConnectionPool(ConnectionPoolConfiguration.builder(
                        new PostgresqlConnectionFactory(configuration(port).build()))
                .maxSize(size)
                .build());
    }

    /** Runs a statement as an operator does. */
    Mono<List<String>> operator(String sql) {
        return Flux.usingWhen(
                        connections().create(),
                        connection -> connection
                                .createStatement(sql)
                                .execute()
                                .flatMap(result -> result.map((row, columns) -> String.valueOf(row.get(0)))),
                        PostgresqlConnection::close)
                .collectList();
    }

    List<String> ask(String sql) {
        return operator(sql).block(LONGEST);
    }

    int port() {
        return port;
    }

    /** Ends at once, as a crash does, and starts again. */
    void crash() {
        kill();
        process = run();
    }

    private void kill() {
        signal("-QUIT");
        process.onExit().join();
    }

    /** Stops to respond and keeps its connections. */
    void freeze() {
        signalAll("-STOP");
    }

    void thaw() {
        signalAll("-CONT");
    }

    private void signal(String signal) {
        command("kill", signal, String.valueOf(process.pid()));
    }

    private void signalAll(String signal) {
        // One that has ended meanwhile is no matter.
        String children =
                process.children().map(child -> String.valueOf(child.pid())).collect(Collectors.joining(" "));
        command("sh", "-c", "kill " + signal + " " + children + " || true");
        signal(signal);
    }

    @Override
    public void close() {
        pools.forEach(ConnectionPool::dispose);
        kill();
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, IOException error) throws IOException {
                    Files.delete(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
