package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.util.retry.Retry;

/** Two instances that share Redis behind HAProxy. Each is its own process. */
@Tag("cluster")
@Timeout(900) // many programs start, on a machine that may be busy
class SeveralInstancesTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(3);
    private static final String KEY = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";

    @TempDir
    private Path directory;

    private final int publicPort = Instance.freePort();
    private final Map<Integer, Instance> services = new HashMap<>();
    private final Browser browser = new Browser();
    private DemoProvider provider;
    private ExchangeServer exchange;
    private Instance redis;
    private Instance proxy;

    @BeforeEach
    void start() {
        provider = DemoProvider.builder()
                .redirectUris("http://127.0.0.1/callback")
                .autoApprove(true)
                .accessTokenLifetime(Duration.ofMinutes(5))
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
        startService(Instance.freePort());
        startService(Instance.freePort());
        int[] ports = services.keySet().stream().mapToInt(Integer::intValue).toArray();
        proxy = Instance.haproxy(publicPort, directory, ports);
        awaitBoth();
    }

    private void startService(int port) {
        services.put(
                port,
                Instance.service(
                        port,
                        Map.of("SEAL_KEYS", KEY, "REDIS_URI", "redis://127.0.0.1:" + redis.port()),
                        "--tokenswap.exchange.uri=" + exchange.uri(),
                        "--tokenswap.public-uri=http://127.0.0.1:" + publicPort,
                        "--api=" + provider.uri(),
                        "--heartbeat=200ms"));
    }

    /** Waits until the proxy knows that both are ready. */
    private void awaitBoth() {
        Instance.await("two instances that are ready", () -> {
            String first = instance(browser.fetch(uri("/icon.svg")));
            String second = instance(browser.fetch(uri("/icon.svg")));
            return !first.isEmpty() && !second.isEmpty() && !first.equals(second);
        });
    }

    @AfterEach
    void stop() {
        proxy.close();
        services.values().forEach(Instance::close);
        redis.close();
        exchange.close();
        provider.close();
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + publicPort).resolve(path);
    }

    /** The instance that has responded. */
    private static String instance(HttpResponse<String> response) {
        return response.headers().firstValue("X-Instance").orElse("");
    }

    private void kill(String instance) {
        services.get(Integer.valueOf(instance)).kill();
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
        // The fingerprint that each connection shows first. A browser connects again when its stream is cut.
        List<String> fingerprints = new CopyOnWriteArrayList<>();
        Disposable listener = Flux.defer(() -> states(publicPort).index())
                .doOnNext(state -> {
                    if (state.getT1() == 0) {
                        fingerprints.add(state.getT2().replaceAll(".*\"fingerprint\":\"([^\"]*)\".*", "$1"));
                    }
                })
                .retryWhen(Retry.fixedDelay(3_000, Duration.ofMillis(100)))
                .repeatWhen(ended -> ended.delayElements(Duration.ofMillis(100)))
                .subscribe();
        Instance.await("a stream", () -> !fingerprints.isEmpty());

        // The stream is at one of the two, so that it is cut once.
        for (int port : List.copyOf(services.keySet())) {
            kill(Integer.toString(port));
            assertThat(browser.fetch(uri("/me")).statusCode()).isEqualTo(200);
            startService(port);
            awaitBoth();
        }

        Instance.await("a second stream", () -> fingerprints.size() >= 2);
        assertThat(fingerprints).containsOnly(fingerprints.get(0));
        listener.dispose();
    }

    @Test
    void aSignOutAtOneInstanceReachesTheStreamsOfBoth() {
        browser.open(uri("/login"));
        List<Flux<String>> streams =
                services.keySet().stream().map(port -> states(port).cache()).toList();
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
        return TestRequest.events(
                        URI.create("http://127.0.0.1:" + port + "/states"),
                        "tokenswap-user=" + browser.cookie("tokenswap-user"))
                .mapNotNull(ServerSentEvent::data);
    }
}
