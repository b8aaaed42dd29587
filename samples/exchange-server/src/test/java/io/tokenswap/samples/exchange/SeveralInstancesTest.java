package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.SetArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.tokenswap.samples.exchange.redis.RedisMemory;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/** Three instances in front of one provider, which share a real Redis. */
class SeveralInstancesTest {

    private static final String NOT_ROTATED = "{\"access_token\":\"at-2\",\"expires_in\":3600}";

    private static RedisProcess redis;

    private final List<Exchange> instances = new ArrayList<>();

    @BeforeAll
    static void startRedis() {
        redis = new RedisProcess();
    }

    @AfterAll
    static void stopRedis() {
        redis.close();
    }

    @BeforeEach
    void empty() {
        redis.operator().flushall();
    }

    @AfterEach
    void stop() {
        instances.forEach(Exchange::close);
    }

    private List<Exchange> three() {
        Exchange first = instance(Map.of());
        return List.of(first, instance(Map.of()), instance(Map.of()));
    }

    /** An instance at the provider of the first one, ready. */
    private Exchange instance(Map<String, String> variables) {
        Exchange instance = notYetReady(variables);
        await(() -> isReady(instance));
        return instance;
    }

    private Exchange notYetReady(Map<String, String> variables) {
        Map<String, String> all = new HashMap<>(Map.of("REDIS_URL", redis.url(), "SEAL_KEYS", Exchange.KEY));
        if (!instances.isEmpty()) {
            all.put(
                    "PROVIDER_TOKEN_URL",
                    instances.get(0).provider.uri("/api/token").toString());
        }
        all.putAll(variables);
        Exchange instance = new Exchange(all);
        instances.add(instance);
        return instance;
    }

    private FakeProvider provider() {
        return instances.get(0).provider;
    }

    private static boolean isReady(Exchange instance) {
        return instance.get("/health/ready").statusCode() == 200;
    }

    private static void await(BooleanSupplier condition) {
        Flux.interval(Duration.ofMillis(20))
                .onBackpressureDrop()
                .publishOn(Schedulers.boundedElastic())
                .filter(tick -> condition.getAsBoolean())
                .blockFirst(Duration.ofSeconds(30));
    }

    @Test
    @Tag("C44")
    void aHundredParallelRefreshesAtThreeInstancesAreOneRequest() {
        List<Exchange> three = three();
        String sealed = Exchange.refreshToken(three.get(0).swap("c"));
        provider().asked.clear();
        provider().respondsWith(200, "{\"access_token\":\"at-2\",\"expires_in\":3600,\"refresh_token\":\"rt-2\"}");
        Sinks.Empty<Void> gate = Sinks.empty();
        provider().waitsFor(gate.asMono());
        List<CompletableFuture<HttpResponse<String>>> responses = IntStream.range(0, 99)
                .mapToObj(i -> three.get(i % 3).refreshAsync(sealed))
                .toList();
        await(() -> provider().asked.size() == 1);
        three.forEach(instance -> instance.awaitRequests(33));
        gate.tryEmitEmpty();

        assertThat(responses.stream()
                        .map(CompletableFuture::join)
                        .map(HttpResponse::body)
                        .map(body -> body.replaceAll("\"expires_in\":359[0-9]", "\"expires_in\":3600"))
                        .distinct())
                .hasSize(1)
                .first()
                .asString()
                .contains("at-2");
        assertThat(provider().asked).hasSize(1);
    }

    @Test
    @Tag("C34")
    void aHundredSwapsOfOneCodeAtThreeInstancesAreOneRequestWithOneResult() {
        List<Exchange> three = three();
        String code = three.get(0).code("c");
        List<CompletableFuture<HttpResponse<String>>> responses = IntStream.range(0, 99)
                .mapToObj(i -> three.get(i % 3).formAsync("/swap", "code=" + code))
                .toList();

        assertThat(responses.stream()
                        .map(CompletableFuture::join)
                        .collect(Collectors.groupingBy(HttpResponse::statusCode, Collectors.counting())))
                .isEqualTo(Map.of(200, 1L, 400, 98L));
        for (Exchange instance : three) {
            assertThat(instance.form("/swap", "code=" + code).body()).startsWith("{\"error\":\"invalid_grant\"");
        }
        assertThat(provider().asked).hasSize(1);
    }

    @Test
    @Tag("C45")
    void aRepeatAtAnotherInstanceGetsTheSameResponse() {
        List<Exchange> three = three();
        String sealed = Exchange.refreshToken(three.get(0).swap("c"));
        provider().asked.clear();
        provider()
                .respondsWith(
                        200,
                        "{\"access_token\":\"at-2\",\"scope\":\"a b\",\"expires_in\":60,\"refresh_token\":\"rt-2\","
                                + "\"authorization_expires_in\":600,\"refresh_token_timeout\":60}");
        // The clocks of the instances differ.
        three.get(2).now = three.get(2).now.plus(Duration.ofMinutes(4));
        String first = three.get(0).refresh(sealed).body();
        provider().respondsWith(400, "{\"error\":\"invalid_grant\"}");

        for (Exchange other : three) {
            assertThat(withoutSeconds(other.refresh(sealed).body())).isEqualTo(withoutSeconds(first));
        }
        assertThat(three.get(2).refresh(sealed).body()).containsPattern("\"expires_in\":(60|5[0-9]),");
        assertThat(provider().asked).hasSize(1);
    }

    private static String withoutSeconds(String body) {
        return body.replaceAll("(expires_in\":)[0-9]+", "$1");
    }

    @Test
    @Tag("C46")
    void anEndedGrantAndThePauseOfTheProviderAreShared() {
        List<Exchange> three = three();
        String sealed = Exchange.refreshToken(three.get(0).swap("c"));
        String other = Exchange.refreshToken(three.get(0).swap("d"));
        provider().asked.clear();
        provider().respondsWith(429, "application/json", "{}", Map.of("Retry-After", "40"));
        assertThat(three.get(0).refresh(sealed).statusCode()).isEqualTo(429);
        HttpResponse<String> paused = three.get(1).refresh(sealed);
        assertThat(paused.statusCode()).isEqualTo(429);
        assertThat(paused.body()).contains("\"processed\":\"no\"");
        assertThat(Integer.parseInt(paused.headers().firstValue("Retry-After").orElseThrow()))
                .isBetween(1, 40);
        assertThat(provider().asked).hasSize(1);

        redis.operator().flushall();
        provider().respondsWith(400, "{\"error\":\"invalid_grant\"}");
        assertThat(three.get(1).refresh(sealed).body()).startsWith("{\"error\":\"invalid_grant\"");
        provider().respondsWith(200, NOT_ROTATED);
        assertThat(three.get(2).refresh(sealed).body()).startsWith("{\"error\":\"invalid_grant\"");
        assertThat(three.get(2).refresh(other)).isNotNull();
    }

    @Test
    @Tag("C34")
    void whatWasCertainlyNotSentMayBeSentByAnotherInstance() {
        FakeProvider closed = new FakeProvider();
        Map<String, String> nowhere =
                Map.of("PROVIDER_TOKEN_URL", closed.uri("/api/token").toString());
        closed.close();
        Exchange works = instance(Map.of());
        Exchange cutOff = instance(nowhere);
        String sealed = Exchange.refreshToken(works.swap("c"));
        String code = works.code("d");

        assertThat(cutOff.refresh(sealed).body()).contains("\"processed\":\"no\"");
        assertThat(cutOff.form("/swap", "code=" + code).body()).contains("\"processed\":\"no\"");
        assertThat(works.refresh(sealed).statusCode()).isEqualTo(200);
        assertThat(works.form("/swap", "code=" + code).statusCode()).isEqualTo(200);
    }

    @Test
    @Tag("C45")
    void theClaimOfAnInstanceThatIsGoneEndsAndTheRepeatIsSent() {
        Exchange instance = instance(Map.of());
        String sealed = Exchange.refreshToken(instance.swap("c"));
        String key = GrantKey.of(GrantType.REFRESH_TOKEN, "client", "rt-1").hash();
        redis.operator().set("tokenswap:exchange:" + key, "claim of-none", SetArgs.Builder.px(600));

        assertThat(instance.refresh(sealed).statusCode()).isEqualTo(200);
        assertThat(provider().asked).hasSize(2);
    }

    @Test
    @Tag("C62")
    void redisLearnsNoSecret() {
        Exchange instance = instance(Map.of());
        provider()
                .respondsWith(
                        200, "{\"access_token\":\"canary\",\"expires_in\":3600,\"refresh_token\":\"canary-refresh\"}");
        String code = instance.code("canary-code");
        HttpResponse<String> swap = instance.form("/swap", "code=" + code);
        instance.refresh(Exchange.refreshToken(swap));
        RedisCommands<String, String> operator = redis.operator();
        List<String> all = new ArrayList<>();
        for (String key : operator.keys("*")) {
            all.add(key);
            assertThat(operator.pttl(key)).isPositive();
            all.add(
                    operator.type(key).equals("string")
                            ? operator.get(key)
                            : String.valueOf(operator.zrange(key, 0, -1)));
        }

        assertThat(all).hasSize(2 * 3);
        assertThat(String.join(" ", all)).doesNotContain("canary", code, Exchange.refreshToken(swap), Exchange.SECRET);
    }

    @Test
    @Tag("E81")
    void withoutRedisAProviderThatRotatesGetsNoRequestAndAnyOtherDoes() {
        try (RedisProcess own = new RedisProcess()) {
            Map<String, String> there = Map.of("REDIS_URL", own.url());
            Exchange learns = instance(there);
            Exchange told = instance(Map.of("REDIS_URL", own.url(), "PROVIDER_ROTATES", "false"));
            String sealed = Exchange.refreshToken(learns.swap("c"));
            own.stop();
            provider().asked.clear();

            for (HttpResponse<String> response :
                    List.of(learns.refresh(sealed), learns.form("/swap", "code=" + learns.code("d")))) {
                assertThat(response.statusCode()).isEqualTo(503);
                assertThat(response.body()).contains("\"processed\":\"no\"");
                assertThat(response.headers().firstValue("Retry-After")).contains("5");
            }
            assertThat(provider().asked).isEmpty();
            assertThat(isReady(learns)).isTrue();
            assertThat(told.refresh(sealed).statusCode()).isEqualTo(200);
            assertThat(told.swap("e").statusCode()).isEqualTo(200);

            // One response without a new refresh token, and the provider counts as one that keeps them.
            own.startAgain();
            provider().respondsWith(200, NOT_ROTATED);
            await(() -> learns.refresh(sealed).statusCode() == 200);
            own.stop();
            learns.now = learns.now.plusSeconds(31);
            assertThat(learns.refresh(sealed).statusCode()).isEqualTo(200);
        }
    }

    @Test
    @Tag("E81")
    void aServerThatStartsWithoutRedisIsReadyWhenRedisComes() {
        int port = RedisProcess.freePort();
        try (LogLines lines = new LogLines()) {
            Exchange early = notYetReady(Map.of("REDIS_URL", "redis://127.0.0.1:" + port, "METRICS_HTTP_PORT", "0"));
            assertThat(early.get("/health/ready").body()).isEqualTo("{\"status\":\"starting\"}");
            assertThat(early.get("/health/ready").statusCode()).isEqualTo(503);
            assertThat(early.get("/health/live").statusCode()).isEqualTo(200);
            await(() -> lines.forOperator().stream()
                    .anyMatch(line -> line.contains("127.0.0.1:" + port) && line.contains("Connection refused")));
            assertThat(early.metrics()).contains("exchange_redis_reachable 0.0");

            try (RedisProcess late = new RedisProcess(port)) {
                await(() -> isReady(early));
                assertThat(late.port()).isEqualTo(port);
                await(() -> early.metrics().contains("exchange_redis_reachable 1.0"));
            }
            // An outage later is reported too.
            await(() -> early.metrics().contains("exchange_redis_reachable 0.0"));
            assertThat(isReady(early)).isTrue();
        }
    }

    @Test
    @Tag("E80")
    void anInstanceWithOtherKeysIsNotReady() {
        instance(Map.of());
        Exchange stranger = notYetReady(Map.of("SEAL_KEYS", Exchange.OTHER_KEY));
        Exchange newer = instance(Map.of("SEAL_KEYS", Exchange.KEY + "," + Exchange.OTHER_KEY));

        // The stranger has announced itself at least as often as the newer one, which is ready.
        assertThat(isReady(newer)).isTrue();
        assertThat(isReady(stranger)).isFalse();
    }

    @Test
    @Tag("E82")
    void aFrozenRedisHoldsNoRequestUp() throws IOException {
        try (RedisProcess own = new RedisProcess()) {
            Exchange instance = instance(Map.of("REDIS_URL", own.url()));
            String sealed = Exchange.refreshToken(instance.swap("c"));
            own.freeze();
            List<CompletableFuture<HttpResponse<String>>> responses = IntStream.range(0, 60)
                    .mapToObj(i -> instance.formAsync("/swap", "code=" + instance.code("c" + i)))
                    .toList();

            assertThat(responses.stream().map(CompletableFuture::join).map(HttpResponse::statusCode))
                    .containsOnly(503);
            own.thaw();
            await(() -> instance.refresh(sealed).statusCode() == 200);
        }
    }

    @Test
    @Tag("E82")
    void aConnectionThatHasGoneSilentIsReplaced() throws IOException {
        try (SilentProxy proxy = new SilentProxy(redis.port())) {
            Exchange instance = instance(Map.of("REDIS_URL", "redis://127.0.0.1:" + proxy.port()));
            String sealed = Exchange.refreshToken(instance.swap("c"));
            proxy.silence();

            assertThat(instance.refresh(sealed).statusCode()).isEqualTo(503);
            await(() -> instance.refresh(sealed).statusCode() == 200);
        }
    }

    @Test
    @Tag("E81")
    @Tag("stress")
    void aFailoverBySentinelHoldsRequestsUpAndDoublesNone(@TempDir Path directory) throws IOException {
        try (RedisProcess first = new RedisProcess();
                RedisProcess second = new RedisProcess("--replicaof", "127.0.0.1 " + first.port());
                RedisProcess sentinel = RedisProcess.sentinel(directory, first.port())) {
            await(() -> first.operator().info("replication").contains("state=online"));
            await(() -> sentinel.operator().info("sentinel").contains("slaves=1"));
            Map<String, String> shared = Map.of("REDIS_URL", "redis-sentinel://127.0.0.1:" + sentinel.port() + "#main");
            Exchange one = instance(shared);
            Exchange two = instance(shared);
            String sealed = Exchange.refreshToken(one.swap("c"));
            provider().asked.clear();
            first.stop();

            await(() -> one.refresh(sealed).statusCode() == 200);
            await(() -> two.refresh(sealed).statusCode() == 200);
            assertThat(provider().asked).hasSize(1);
            assertThat(second.operator().info("replication")).contains("role:master");
        }
    }

    @Test
    void aClusterServesToo(@TempDir Path directory) {
        try (RedisProcess own = new RedisProcess("--cluster-enabled", "yes", "--dir", directory.toString())) {
            own.operator().clusterAddSlots(IntStream.range(0, 16_384).toArray());
            Exchange one = instance(Map.of("REDIS_URL", "redis-cluster://127.0.0.1:" + own.port()));
            Exchange two = instance(Map.of("REDIS_URL", "redis-cluster://127.0.0.1:" + own.port()));
            String sealed = Exchange.refreshToken(one.swap("c"));
            provider().asked.clear();

            assertThat(one.refresh(sealed).statusCode()).isEqualTo(200);
            assertThat(two.refresh(sealed).statusCode()).isEqualTo(200);
            assertThat(provider().asked).hasSize(1);
        }
    }

    /** Passes bytes on until it falls silent on the connections that it has. It passes on those of new ones. */
    private static final class SilentProxy implements AutoCloseable {

        private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();
        private final Queue<Socket> silent = new ConcurrentLinkedQueue<>();
        private final int target;

        SilentProxy(int target) throws IOException {
            this.target = target;
            thread(() -> {
                while (true) {
                    Socket client = listener.accept();
                    Socket server = new Socket("127.0.0.1", target);
                    sockets.add(client);
                    sockets.add(server);
                    thread(() -> copy(client, server));
                    thread(() -> copy(server, client));
                }
            });
        }

        int port() {
            return listener.getLocalPort();
        }

        void silence() {
            silent.addAll(sockets);
        }

        private void copy(Socket from, Socket to) throws IOException {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] bytes = new byte[8192];
            for (int length = in.read(bytes); length >= 0; length = in.read(bytes)) {
                if (!silent.contains(from)) {
                    out.write(bytes, 0, length);
                }
            }
        }

        private static void thread(Work work) {
            Thread thread = new Thread(
                    () -> {
                        try {
                            work.run();
                        } catch (IOException closed) {
                            // the end of the test, or of a connection
                        }
                    },
                    "silent-proxy");
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void close() throws IOException {
            listener.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        }

        private interface Work {
            void run() throws IOException;
        }
    }

    @Test
    @Tag("E82")
    void resultsAreEmittedOnThreadsOfThisServer() throws IOException {
        try (RedisProcess own = new RedisProcess()) {
            RedisMemory memory = RedisMemory.at(own.url());
            try {
                memory.start(Mono::empty);
                await(memory::isReachable);
                Mono<String> read =
                        memory.read("k").map(there -> Thread.currentThread().getName());
                memory.claim("k", "claim mine", Duration.ofMinutes(10)).block();
                assertThat(read.block()).startsWith("exchange-redis");
                own.freeze();
                assertThat(read.onErrorResume(late -> Mono.fromSupplier(
                                        () -> Thread.currentThread().getName()))
                                .block())
                        .startsWith("exchange-redis");
            } finally {
                memory.dispose();
            }
        }
    }

    @Test
    void aClaimIsReplacedByItsHolderOnly() {
        try (RedisProcess own = new RedisProcess()) {
            RedisMemory memory = RedisMemory.at(own.url());
            try {
                memory.start(Mono::empty);
                await(memory::isReachable);
                assertThat(memory.claim("k", "claim mine", Duration.ofSeconds(20))
                                .block())
                        .isNull();
                assertThat(memory.claim("k", "claim other", Duration.ofSeconds(20))
                                .block()
                                .value())
                        .isEqualTo("claim mine");
                memory.replace("k", "claim other", "stolen", Duration.ofSeconds(20))
                        .block();
                memory.remove("k", "claim other").block();
                assertThat(memory.read("k").block().value()).isEqualTo("claim mine");
                memory.replace("k", "claim mine", "result", Duration.ofSeconds(20))
                        .block();
                memory.remove("k", "claim mine").block();
                assertThat(memory.read("k").block().value()).isEqualTo("result");
            } finally {
                memory.dispose();
            }
        }
    }
}
