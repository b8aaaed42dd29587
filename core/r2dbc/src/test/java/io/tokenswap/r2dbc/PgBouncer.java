package io.tokenswap.r2dbc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A real PgBouncer with two connections to the server. */
final class PgBouncer implements AutoCloseable {

    private final Path directory;
    private final int port;
    private final Process process;

    private PgBouncer(Path directory, int port, Process process) {
        this.directory = directory;
        this.port = port;
        this.process = process;
    }

    /** Starts it in a mode: {@code transaction} or {@code statement}. */
    static PgBouncer start(PostgresServer server, String mode) {
        int port = PostgresServer.freePort();
        try {
            Path directory = Files.createTempDirectory("pgbouncer");
            Path users = Files.writeString(directory.resolve("users"), "\"postgres\" \"unused\"\n");
            Path settings = Files.writeString(
                    directory.resolve("pgbouncer.ini"), """
                    [databases]
                    postgres = host=127.0.0.1 port=%d
                    [pgbouncer]
                    listen_addr = 127.0.0.1
                    listen_port = %d
                    auth_type = trust
                    auth_file = %s
                    pool_mode = %s
                    default_pool_size = 2
                    unix_socket_dir =
                    ignore_startup_parameters = extra_float_digits
                    """.formatted(server.port(), port, users, mode));
            PostgresServer.command("chmod", "-R", "a+rX", directory.toString());
            Process process =
                    PostgresServer.started("process up", PostgresServer.asUser(program(), settings.toString()));
            return new PgBouncer(directory, port, process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String program() {
        return Files.isExecutable(Path.of("/usr/sbin/pgbouncer")) ? "/usr/sbin/pgbouncer" : "pgbouncer";
    }

    int port() {
        return port;
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
        for (String name : new String[] {"users", "pgbouncer.ini", ""}) {
            try {
                Files.deleteIfExists(directory.resolve(name));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
