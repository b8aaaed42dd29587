package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Real {@code redis-server} on its own port, which keeps nothing on the disk. */
final class RedisServer implements AutoCloseable {

    private final List<String> options;
    private final int port;
    private Process process;
    private final RedisClient client;
    private StatefulRedisConnection<String, String> operator;

    private RedisServer(int port, List<String> options) {
        this.port = port;
        this.options = options;
        this.process = run();
        this.client = newClient();
    }

    static RedisServer start(Path directory, String... options) {
        List<String> all = new ArrayList<>(List.of("--save", "", "--dir", directory.toString()));
        all.addAll(List.of(options));
        return start(all);
    }

    private static RedisServer start(List<String> all) {
        IllegalStateException failure = new IllegalStateException("No port is free");
        for (int attempt = 0; attempt < 10; attempt++) {
            try {
                return new RedisServer(freePort(), all);
            } catch (IOException | IllegalStateException e) {
                failure.addSuppressed(e); // somebody else has taken the port meanwhile
            }
        }
        throw failure;
    }

    /** Starts a Sentinel, which the same program is with another option. */
    static RedisServer startSentinel(Path directory, Path settings) {
        return start(List.of(settings.toString(), "--sentinel", "--dir", directory.toString()));
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    private Process run() {
        List<String> command = new ArrayList<>(List.of("redis-server"));
        command.addAll(options); // a file of settings comes first
        command.addAll(List.of("--bind", "127.0.0.1", "--port", String.valueOf(port), "--daemonize", "no"));
        try {
            Process started =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            BufferedReader log =
                    new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8));
            for (String line = log.readLine(); line != null; line = log.readLine()) {
                if (line.contains("Ready to accept connections") || line.contains("+monitor master")) {
                    Thread drain = new Thread(() -> log.lines().forEach(ignored -> {}));
                    drain.setDaemon(true);
                    drain.start();
                    return started;
                }
            }
            throw new IllegalStateException("redis-server did not start: is it installed, and is the port free?");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RedisClient newClient() {
        return RedisClient.create(RedisURI.create("redis://127.0.0.1:" + port));
    }

    /** Returns a client whose channels a test can reach. */
    RedisClient newClient(Consumer<Channel> channels) {
        NettyCustomizer customizer = new NettyCustomizer() {
            @Override
            public void afterChannelInitialized(Channel channel) {
                channels.accept(channel);
            }
        };
        return RedisClient.create(
                ClientResources.builder().nettyCustomizer(customizer).build(),
                RedisURI.create("redis://127.0.0.1:" + port));
    }

    RedisClient newClient(String user, String password) {
        return RedisClient.create(RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withAuthentication(user, password.toCharArray())
                .build());
    }

    RedisClient client() {
        return client;
    }

    /** Asks the server as an operator does, over one connection. */
    synchronized StatefulRedisConnection<String, String> operator() {
        if (operator == null) {
            operator = client.connect();
        }
        return operator;
    }

    /** Ends the server and starts it again, empty unless the options say otherwise. */
    void restart() {
        process.destroyForcibly().onExit().join();
        process = run();
    }

    /** Stops responding and keeps its connections, as a frozen machine does. */
    void freeze() {
        signal(process, "-STOP");
    }

    void thaw() {
        signal(process, "-CONT");
    }

    static void signal(Process process, String signal) {
        try {
            new ProcessBuilder("kill", signal, String.valueOf(process.pid()))
                    .start()
                    .onExit()
                    .join();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int port() {
        return port;
    }

    void stop() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        stop();
    }
}
