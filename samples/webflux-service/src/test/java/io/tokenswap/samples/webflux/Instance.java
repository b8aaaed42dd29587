package io.tokenswap.samples.webflux;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/** A server in its own process, which a test may kill. */
final class Instance implements AutoCloseable {

    private final Process process;
    private final int port;
    private final StringBuffer output = new StringBuffer();

    private Instance(int port, Map<String, String> environment, List<String> command) {
        this.port = port;
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        try {
            this.process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        BufferedReader log =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        Thread reader =
                new Thread(() -> log.lines().forEach(line -> output.append(line).append('\n')));
        reader.setDaemon(true);
        reader.start();
        await("a server at port " + port, this::isListening);
    }

    /** Below the ports of outgoing connections, one of which could take the port before the server starts. */
    static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_000, 32_000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return probe.getLocalPort();
            } catch (BindException taken) {
                continue;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    static Instance redis(int port, Path directory) {
        return new Instance(
                port,
                Map.of(),
                List.of(
                        "redis-server",
                        "--bind",
                        "127.0.0.1",
                        "--port",
                        "" + port,
                        "--save",
                        "",
                        "--dir",
                        "" + directory));
    }

    /** A service with the profile for Redis, as {@code main} starts it. */
    static Instance service(int port, Map<String, String> environment, String... settings) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                WebfluxService.class.getName(),
                "--spring.profiles.active=redis",
                "--server.port=" + port,
                World.NO_TOMCAT));
        command.addAll(List.of(settings));
        return new Instance(port, environment, command);
    }

    static boolean haproxyIsInstalled() {
        try {
            new ProcessBuilder("haproxy", "-v").redirectOutput(Redirect.DISCARD).start();
            return true;
        } catch (IOException absent) {
            return false;
        }
    }

    /** A proxy that sends each request to the next instance that is ready, and reports which one it was. */
    static Instance haproxy(int port, Path directory, int... instances) {
        StringBuilder configuration = new StringBuilder("""
                defaults
                  mode http
                  timeout connect 5s
                  timeout check 10s
                  timeout client 1m
                  timeout server 1m
                  retries 2
                  option redispatch 1
                  retry-on conn-failure empty-response
                frontend public
                  bind 127.0.0.1:%d
                  default_backend services
                backend services
                  balance roundrobin
                  option httpchk GET /actuator/health/readiness
                  http-response set-header X-Instance %%s
                """.formatted(port));
        for (int instance : instances) {
            configuration.append(
                    "  server %d 127.0.0.1:%d check inter 500ms fall 3 rise 1\n".formatted(instance, instance));
        }
        Path file = directory.resolve("haproxy.cfg");
        try {
            Files.writeString(file, configuration);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Instance(port, Map.of(), List.of("haproxy", "-db", "-f", file.toString()));
    }

    private boolean isListening() {
        if (!process.isAlive()) {
            throw new IllegalStateException("The process has ended: " + output);
        }
        try (Socket connected = new Socket("127.0.0.1", port)) {
            return connected.isConnected();
        } catch (IOException refused) {
            return false;
        }
    }

    static void await(String what, BooleanSupplier condition) {
        Mono.fromSupplier(condition::getAsBoolean)
                .filter(Boolean::booleanValue)
                .switchIfEmpty(Mono.error(() -> new AssertionError("It did not come to " + what)))
                .retryWhen(Retry.fixedDelay(3_000, Duration.ofMillis(100))
                        .filter(error -> error instanceof AssertionError)
                        .scheduler(Schedulers.boundedElastic())
                        .onRetryExhaustedThrow((spec, last) -> last.failure()))
                .block();
    }

    /** As {@code kill -9} does. */
    void kill() {
        process.destroyForcibly();
        try {
            process.waitFor(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    int port() {
        return port;
    }

    String output() {
        return output.toString();
    }

    @Override
    public void close() {
        kill();
    }
}
