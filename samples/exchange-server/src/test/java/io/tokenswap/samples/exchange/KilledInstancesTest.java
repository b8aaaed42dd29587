package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.KeyRing;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
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
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * Three processes on one Redis, of which one is killed every few seconds while clients refresh. The provider gives each
 * refresh token once, takes a replaced one for 30 seconds more, and ends the grant for any later use.
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
    void noLoginIsLostWhenInstancesAreKilled() throws Exception {
        try (RedisProcess redis = new RedisProcess("--appendonly", "no");
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
            AtomicInteger refreshes = new AtomicInteger();
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                String first = provider.newGrant();
                Thread client = new Thread(() -> refreshForEver(instances, sealed(first), lost, refreshes));
                client.start();
                clients.add(client);
            }
            for (int kill = 0; kill < Integer.getInteger("exchange.kills", 6); kill++) {
                Mono.delay(Duration.ofSeconds(5)).block();
                int victim = random.nextInt(3);
                instances.get(victim).kill();
                instances.set(victim, ServerProcess.start(variables));
            }
            clients.forEach(Thread::interrupt);
            for (Thread client : clients) {
                client.join();
            }
            for (int i = 0; i < 3; i++) {
                instances.get(i).close();
            }

            assertThat(lost).isEmpty();
            assertThat(refreshes.get()).isGreaterThan(CLIENTS);
        }
    }

    private static String sealed(String refreshToken) {
        Seals seals = new Seals("client", KeyRing.of(Exchange.KEY), InstantSource.system());
        return new SealedRefreshToken(refreshToken, Instant.now()).seal(seals);
    }

    private void refreshForEver(
            AtomicReferenceArray<ServerProcess> instances, String first, List<String> lost, AtomicInteger refreshes) {
        String refreshToken = first;
        try {
            for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
                HttpResponse<String> response = refresh(instances.get(i % 3).uri(), refreshToken);
                if (response != null && response.statusCode() == 200) {
                    refreshToken = Exchange.refreshToken(response);
                    refreshes.incrementAndGet();
                } else if (response != null && response.statusCode() == 400) {
                    lost.add(response.body());
                    return;
                }
                Thread.sleep(200);
            }
        } catch (InterruptedException end) {
            // the end of the test
        }
    }

    /** Returns null for a response that was lost. */
    private HttpResponse<String> refresh(URI instance, String refreshToken) throws InterruptedException {
        try {
            return http.send(
                    HttpRequest.newBuilder(instance.resolve("/refresh"))
                            .timeout(Duration.ofSeconds(12))
                            .header("Content-Type", "application/x-www-form-urlencoded")
                            .POST(HttpRequest.BodyPublishers.ofString("refresh_token=" + refreshToken))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (HttpTimeoutException slow) {
            return null;
        } catch (IOException killed) {
            return null;
        }
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
