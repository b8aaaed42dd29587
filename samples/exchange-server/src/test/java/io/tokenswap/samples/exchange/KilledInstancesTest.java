package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.KeyRing;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * Three processes on one Redis, of which one is killed every few seconds while clients refresh without a pause. The provider
 * gives each refresh token once, takes a replaced one for 30 seconds more, and ends the grant for any later use. One death costs
 * up to 20 of these seconds, so that a client may be lost that two deaths in a row have met.
 * {@code -Dexchange.kills=36} for a longer run.
 */
@Tag("stress")
@Timeout(1_800)
class KilledInstancesTest {

    private static final int CLIENTS = 12;
    private static final Duration GRACE = Duration.ofSeconds(30);

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final Random random = new Random(1);

    @Test
    @Tag("C65")
    @Tag("C45")
    void noLoginIsLostWhenInstancesAreKilled(@TempDir Path directory) throws Exception {
        try (RedisProcess redis = new RedisProcess(
                        "--appendonly", "yes", "--appendfsync", "always", "--dir", directory.toString());
                RotatingProvider provider = new RotatingProvider()) {
            Map<String, String> variables = new HashMap<>(Map.of(
                    "REDIS_URL",
                    redis.url(),
                    "SEAL_KEYS",
                    Exchange.KEY,
                    "PROVIDER_TOKEN_URL",
                    provider.uri().toString()));
            AtomicReferenceArray<ServerProcess> instances = new AtomicReferenceArray<>(3);
            for (int i = 0; i < 3; i++) {
                instances.set(i, ServerProcess.start(variables));
            }
            List<String> lost = new CopyOnWriteArrayList<>();
            AtomicInteger metTwice = new AtomicInteger();
            AtomicIntegerArray refreshes = new AtomicIntegerArray(CLIENTS);
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                int number = i;
                Thread client = new Thread(() ->
                        refreshForEver(instances, provider, lost, metTwice, () -> refreshes.incrementAndGet(number)));
                client.start();
                clients.add(client);
            }
            for (int kill = 0; kill < Integer.getInteger("exchange.kills", 6); kill++) {
                Mono.delay(Duration.ofSeconds(5)).block();
                int victim = random.nextInt(3);
                instances.get(victim).kill();
                instances.set(victim, ServerProcess.start(variables));
            }
            // A client that still waits for the claim of a killed instance gets a token, too.
            int[] before = IntStream.range(0, CLIENTS).map(refreshes::get).toArray();
            Flux.interval(Duration.ofMillis(100), Schedulers.boundedElastic())
                    .onBackpressureDrop()
                    .filter(tick ->
                            !lost.isEmpty() || IntStream.range(0, CLIENTS).allMatch(i -> refreshes.get(i) > before[i]))
                    .blockFirst(Duration.ofMinutes(4));
            clients.forEach(Thread::interrupt);
            for (Thread client : clients) {
                client.join();
            }
            for (int i = 0; i < 3; i++) {
                instances.get(i).close();
            }

            System.out.printf(
                    "%d refreshes; %d logins met two deaths in a row%n",
                    IntStream.range(0, CLIENTS).map(refreshes::get).sum(), metTwice.get());
            assertThat(lost).isEmpty();
        }
    }

    private static String sealed(String refreshToken) {
        Seals seals = new Seals("client", KeyRing.of(Exchange.KEY), InstantSource.system());
        return new SealedRefreshToken(refreshToken, Instant.now()).seal(seals);
    }

    private void refreshForEver(
            AtomicReferenceArray<ServerProcess> instances,
            RotatingProvider provider,
            List<String> lost,
            AtomicInteger metTwice,
            Runnable onRefresh) {
        String refreshToken = sealed(provider.newGrant());
        int deaths = 0;
        try {
            for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
                HttpResponse<String> response;
                try {
                    response = refresh(instances.get(i % 3).uri(), refreshToken);
                } catch (ConnectException | HttpTimeoutException notTaken) {
                    continue;
                } catch (IOException killed) {
                    deaths++;
                    continue;
                }
                if (response.statusCode() == 200) {
                    refreshToken = Exchange.refreshToken(response);
                    deaths = 0;
                    onRefresh.run();
                } else if (response.statusCode() == 400 && deaths > 1) {
                    metTwice.incrementAndGet();
                    refreshToken = sealed(provider.newGrant());
                    deaths = 0;
                } else if (response.statusCode() == 400) {
                    lost.add(response.body());
                    return;
                }
            }
        } catch (InterruptedException end) {
            // the end of the test
        }
    }

    private HttpResponse<String> refresh(URI instance, String refreshToken) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(instance.resolve("/refresh"))
                        .timeout(Duration.ofSeconds(12))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString("refresh_token=" + refreshToken))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** Gives each refresh token once, and takes a replaced one for a while. */
    private static final class RotatingProvider implements AutoCloseable {

        private record Used(String next, Instant at) {}

        private final Map<String, Used> used = new ConcurrentHashMap<>();
        private final AtomicInteger count = new AtomicInteger();
        private final DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> request.receive()
                        .aggregate()
                        .asString()
                        .flatMap(body -> {
                            String next = use(Parameters.ofQuery(body).get("refresh_token"));
                            return response.status(next == null ? 400 : 200)
                                    .header("Content-Type", "application/json")
                                    .sendString(Mono.delay(Duration.ofMillis(50), Schedulers.boundedElastic())
                                            .thenReturn(
                                                    next == null
                                                            ? "{\"error\":\"invalid_grant\"}"
                                                            : "{\"access_token\":\"a\",\"expires_in\":60,\"refresh_token\":\""
                                                                    + next + "\"}"))
                                    .then();
                        }))
                .bindNow();

        String newGrant() {
            return "grant-" + count.incrementAndGet();
        }

        private String use(String refreshToken) {
            Instant now = Instant.now();
            Used before = used.putIfAbsent(refreshToken, new Used("next-" + count.incrementAndGet(), now));
            return before == null
                    ? used.get(refreshToken).next()
                    : now.isBefore(before.at().plus(GRACE)) ? before.next() : null;
        }

        URI uri() {
            return URI.create("http://127.0.0.1:" + server.port() + "/token");
        }

        @Override
        public void close() {
            server.disposeNow();
        }
    }
}
