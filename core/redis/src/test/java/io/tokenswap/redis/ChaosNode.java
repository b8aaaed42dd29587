package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.tokenswap.KeyRing;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import reactor.core.publisher.Flux;
import reactor.util.retry.Retry;

/** A process that keeps the sessions of all users in use, until its standard input ends. */
final class ChaosNode implements AutoCloseable {

    static final Duration GRACE = Duration.ofSeconds(30);
    static final RefreshPolicy POLICY =
            RefreshPolicy.builder().refreshMargin(Duration.ofSeconds(6)).build();

    private final Process process;

    private ChaosNode(Process process) {
        this.process = process;
    }

    static List<String> users(int number) {
        return IntStream.range(0, number).mapToObj(i -> "user-" + i).toList();
    }

    /**
     * Settings of all nodes.
     *
     * @param provider the provider
     * @param redis the URI of the server or of the Sentinel
     * @param key seals the tokens
     * @param users the number of users
     * @param grace the time for which the provider accepts a used refresh token
     * @param replicas the number of replicas that a save waits for
     */
    record Settings(URI provider, String redis, String key, int users, Duration grace, int replicas) {

        TokenSessions sessions(RedisClient client) {
            return TokenSessions.builder(ExchangeServerEndpoint.create(provider))
                    .policy(POLICY)
                    .store(RedisTokenStore.builder(client, KeyRing.of(key))
                            .grace(grace)
                            .replicas(replicas)
                            .build())
                    .build();
        }
    }

    static ChaosNode start(Settings settings) {
        try {
            return new ChaosNode(new ProcessBuilder(
                            System.getProperty("java.home") + "/bin/java",
                            "-Xmx128m",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            ChaosNode.class.getName(),
                            settings.provider.toString(),
                            settings.redis,
                            settings.key,
                            String.valueOf(settings.users),
                            settings.grace.toString(),
                            String.valueOf(settings.replicas))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.appendTo(new File("target/chaos-node.log")))
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void main(String[] arguments) throws IOException {
        Settings settings = new Settings(
                URI.create(arguments[0]),
                arguments[1],
                arguments[2],
                Integer.parseInt(arguments[3]),
                Duration.parse(arguments[4]),
                Integer.parseInt(arguments[5]));
        TokenSessions sessions = settings.sessions(RedisClient.create(RedisURI.create(settings.redis)));
        Flux.fromIterable(users(settings.users))
                .flatMap(
                        user -> sessions.get(user)
                                .flatMapMany(TokenSession::tokensUntilClosed)
                                .retryWhen(Retry.fixedDelay(Long.MAX_VALUE, Duration.ofSeconds(1))),
                        Integer.MAX_VALUE)
                .subscribe();
        try (InputStream until = System.in) {
            until.transferTo(OutputStream.nullOutputStream());
        }
        sessions.disposeLater().block(Duration.ofSeconds(20));
        System.exit(0);
    }

    void freeze() {
        RedisServer.signal(process, "-STOP");
    }

    void thaw() {
        RedisServer.signal(process, "-CONT");
    }

    void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** Ends it as a deployment does, in order. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                kill();
            }
        } catch (IOException | InterruptedException e) {
            kill();
        }
    }
}
