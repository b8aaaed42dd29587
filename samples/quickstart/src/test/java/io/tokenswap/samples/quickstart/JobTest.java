package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.tokenswap.KeyRing;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.redis.RedisTokenStore;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.testing.ScriptedEndpoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

class JobTest {

    private final KeyRing keys = KeyRing.random();
    private final ScriptedEndpoint provider = new ScriptedEndpoint(InstantSource.system(), Duration.ofHours(1));

    /** Responds with the token that it got. */
    private static DisposableServer api() {
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.get(
                        "/v1/me/player/recently-played",
                        (request, response) -> response.sendString(Mono.just(
                                "tracks for " + request.requestHeaders().get("Authorization")))))
                .bindNow();
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    private static Process redisServer(int port, Path directory) throws IOException {
        Process process = new ProcessBuilder(
                        "redis-server",
                        "--bind",
                        "127.0.0.1",
                        "--port",
                        "" + port,
                        "--save",
                        "",
                        "--dir",
                        directory.toString())
                .redirectErrorStream(true)
                .start();
        BufferedReader log =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            if (line.contains("Ready to accept connections")) {
                return process;
            }
        }
        throw new IllegalStateException("redis-server did not start: is it installed?");
    }

    @SuppressWarnings("unchecked")
    private Flux<String> run(Class<?> job, Flux<String> users, RedisClient redis) {
        try {
            Method run = job.getDeclaredMethod("run", Flux.class, RedisClient.class, KeyRing.class);
            run.setAccessible(true);
            return (Flux<String>) run.invoke(null, users, redis, keys);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void callsTheApiForEachUserAndNamesThoseWhoMustSignIn(@TempDir Path classes, @TempDir Path directory)
            throws Exception {
        int unused = freePort();
        int port = freePort();
        Process server = redisServer(port, directory);
        DisposableServer api = api();
        RedisClient redis = RedisClient.create("redis://127.0.0.1:" + port);
        try {
            TokenSessions sessions = TokenSessions.builder(ExchangeServerEndpoint.create("http://127.0.0.1:" + unused))
                    .store(RedisTokenStore.builder(redis, keys).build())
                    .build();
            sessions.signIn("alice", provider.grant()).block();
            sessions.signIn("bob", provider.grant()).block();
            sessions.signIn("dave", provider.grant(Duration.ofSeconds(-1))).block();
            sessions.disposeLater().block();
            Class<?> job = LocalProgram.compile(
                            Job.class,
                            classes,
                            Map.of(
                                    "https://auth.example.com",
                                    "http://127.0.0.1:" + unused, // nothing listens there
                                    "https://api.spotify.com",
                                    "http://127.0.0.1:" + api.port()))
                    .load();

            List<String> results = Objects.requireNonNull(run(job, Flux.just("alice", "bob", "carol", "dave"), redis)
                    .collectList()
                    .block());

            assertThat(results)
                    .hasSize(4)
                    .contains("tracks for Bearer access-1", "tracks for Bearer access-2", "carol must sign in")
                    .anySatisfy(result -> assertThat(result).startsWith("dave again at "));
        } finally {
            redis.shutdown();
            api.disposeNow();
            server.destroyForcibly().waitFor();
        }
    }
}
