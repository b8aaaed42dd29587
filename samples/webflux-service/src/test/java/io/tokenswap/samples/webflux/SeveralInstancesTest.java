package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/** Two instances that share Redis behind HAProxy. Each is its own process, and one that a test has killed starts again. */
@EnabledIf("io.tokenswap.samples.webflux.Instance#haproxyIsInstalled")
@Timeout(600) // several programs start, on a machine that may be busy
class SeveralInstancesTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(3);
    private static final String KEY = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";

    private static final int PUBLIC_PORT = Instance.freePort();
    private static final Map<Integer, Instance> SERVICES = new ConcurrentHashMap<>();
    private static DemoProvider provider;
    private static ExchangeServer exchange;
    private static Instance redis;
    private static Instance proxy;

    private final Browser browser = new Browser();

    @BeforeAll
    static void start(@TempDir Path directory) {
        provider = DemoProvider.builder()
                .redirectUris("http://127.0.0.1/callback")
                .autoApprove(true)
                .accessTokenLifetime(Duration.ofHours(1))
                .start();
        exchange = ExchangeServer.start(ExchangeServerConfig.from(Map.of(
                        "PORT", "0",
                        "CLIENT_ID", "demo-client",
                        "CLIENT_SECRET", "demo-secret",
                        "PROVIDER_AUTHORIZE_URL", provider.authorizeUri().toString(),
                        "PROVIDER_TOKEN_URL", provider.tokenUri().toString(),
                        "RETURN_URIS", "http://127.0.0.1/auth")))
                .blockOptional()
                .orElseThrow();
        redis = Instance.redis(Instance.freePort(), directory);
        int[] ports = {Instance.freePort(), Instance.freePort()};
        proxy = Instance.haproxy(PUBLIC_PORT, directory, ports);
        startServices(Arrays.stream(ports).boxed().toList());
    }

    private static void startServices(List<Integer> ports) {
        Flux.fromIterable(ports)
                .flatMap(port -> Mono.fromRunnable(() -> SERVICES.put(port, service(port)))
                        .subscribeOn(Schedulers.boundedElastic()))
                .blockLast();
    }

    private static Instance service(int port) {
        return Instance.service(
                port,
                Map.of("SEAL_KEYS", KEY, "REDIS_URI", "redis://127.0.0.1:" + redis.port()),
                "--tokenswap.exchange.uri=" + exchange.uri(),
                "--tokenswap.public-uri=http://127.0.0.1:" + PUBLIC_PORT,
                "--api=" + provider.uri(),
                "--heartbeat=200ms");
    }

    @AfterAll
    static void stop() {
        SERVICES.values().forEach(Instance::close);
        proxy.close();
        redis.close();
        exchange.close();
        provider.close();
    }

    /** Waits until the proxy knows that both are ready. */
    @BeforeEach
    void startWhatWasKilled() {
        startServices(SERVICES.values().stream()
                .filter(service -> !service.isAlive())
                .map(Instance::port)
                .toList());
        Instance.await("two instances that are ready", () -> {
            String first = instance(browser.fetch(uri("/icon.svg")));
            String second = instance(browser.fetch(uri("/icon.svg")));
            return !first.isEmpty() && !second.isEmpty() && !first.equals(second);
        });
    }

    private static URI uri(String path) {
        return URI.create("http://127.0.0.1:" + PUBLIC_PORT).resolve(path);
    }

    /** The instance that has responded. */
    private static String instance(HttpResponse<String> response) {
        return response.headers().firstValue("X-Instance").orElse("");
    }

    private static void kill(String instance) {
        SERVICES.get(Integer.valueOf(instance)).kill();
    }

    private String userCookie() {
        return "tokenswap-user=" + browser.cookie("tokenswap-user");
    }

    @Test
    @Tag("E54")
    void aLoginSurvivesTheInstanceThatBeganIt() {
        HttpResponse<String> begun = browser.get(uri("/login?to=/me"));
        URI redirect = Browser.location(browser.openUntil(
                Browser.location(begun), target -> target.getPath().equals("/auth")));

        kill(instance(begun));

        HttpResponse<String> page = browser.open(redirect);
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.uri()).isEqualTo(uri("/me"));
        assertThat(page.body()).contains("\"display_name\":\"Demo User\"");
        assertThat(instance(page)).isNotEqualTo(instance(begun));
    }

    @Test
    @Tag("E54")
    void aUserAndTheirStreamSurviveTheInstanceThatServedThem() {
        browser.open(uri("/login"));
        // A browser connects again when its stream is cut.
        List<Connection> connections = new CopyOnWriteArrayList<>();
        Disposable listener = Flux.defer(this::connection)
                .doOnNext(connections::add)
                .retryWhen(Retry.fixedDelay(3_000, Duration.ofMillis(100)))
                .repeatWhen(ended -> ended.delayElements(Duration.ofMillis(100)))
                .subscribe();
        Instance.await("a stream", () -> !connections.isEmpty());
        Connection first = connections.get(0);

        kill(first.instance());

        assertThat(browser.fetch(uri("/me")).statusCode()).isEqualTo(200);
        Instance.await("a second stream", () -> connections.size() >= 2);
        listener.dispose();
        assertThat(connections.get(1).instance()).isNotEmpty().isNotEqualTo(first.instance());
        assertThat(connections.get(1).fingerprint()).isNotEmpty().isEqualTo(first.fingerprint());
    }

    /** Which instance a stream is from, and the fingerprint that it shows first. */
    private record Connection(String instance, String fingerprint) {}

    /** Emits once, and ends with the stream. */
    private Flux<Connection> connection() {
        return TestRequest.stream(uri("/states"), userCookie())
                .flatMapMany(stream -> Objects.requireNonNull(stream.getBody())
                        .mapNotNull(ServerSentEvent::data)
                        .map(state -> state.replaceAll(".*\"fingerprint\":\"([^\"]*)\".*", "$1"))
                        .index()
                        .filter(state -> state.getT1() == 0)
                        .map(state -> new Connection(
                                String.valueOf(stream.getHeaders().getFirst("X-Instance")), state.getT2())));
    }

    @Test
    void aSignOutAtOneInstanceReachesTheStreamsOfBoth() {
        browser.open(uri("/login"));
        List<Flux<String>> streams =
                SERVICES.keySet().stream().map(port -> states(port).cache()).toList();
        streams.forEach(stream -> stream.blockFirst(TIMEOUT));

        browser.post(uri("/logout"));

        // The instance that has signed the user out closes the session, the other one asks for a login.
        streams.forEach(stream -> assertThat(
                        stream.filter(state -> state.contains("CLOSED") || state.contains("LOGIN_REQUIRED"))
                                .blockFirst(TIMEOUT))
                .isNotNull());
        assertThat(browser.fetch(uri("/me")).statusCode()).isEqualTo(401);
    }

    private Flux<String> states(int port) {
        return TestRequest.events(URI.create("http://127.0.0.1:" + port + "/states"), userCookie())
                .mapNotNull(ServerSentEvent::data);
    }
}
