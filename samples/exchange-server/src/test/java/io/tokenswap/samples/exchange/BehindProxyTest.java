package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.tokenswap.CodeVerifier;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The server behind real proxies with the configurations that the README shows. A proxy that is not installed is left
 * out. The numbers for a long run: {@code -Dexchange.proxied=10000 -Dexchange.proxied.pairs=100000}.
 */
@Timeout(value = 1, unit = TimeUnit.HOURS)
class BehindProxyTest {

    private static final int REQUESTS = Integer.getInteger("exchange.proxied", 400);
    private static final int PAIRS = Integer.getInteger("exchange.proxied.pairs", 40);
    private static final HttpClient HTTP = client();

    @TempDir
    Path directory;

    enum Kind {
        NGINX,
        HAPROXY,
        CADDY;

        ProxyProcess start(Path directory, Certificate certificate, String snippet, int port, int... backends)
                throws IOException {
            return switch (this) {
                case NGINX -> ProxyProcess.nginx(directory, certificate, snippet, port, backends);
                case HAPROXY -> ProxyProcess.haproxy(directory, certificate, snippet, port, backends);
                case CADDY -> ProxyProcess.caddy(directory, certificate, snippet, port, backends);
            };
        }

        String snippet() throws IOException {
            assumeTrue(ProxyProcess.isInstalled(program()), program() + " is not installed");
            return ProxyProcess.snippet(
                    switch (this) {
                        case NGINX -> "nginx";
                        case HAPROXY -> "HAProxy";
                        case CADDY -> "Caddy";
                    });
        }

        private String program() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    @ParameterizedTest
    @EnumSource
    @Tag("E89")
    @Tag("E71")
    void aWholeLoginWithALongCodeWorksAndItsLogHoldsNoSecret(Kind kind) throws Exception {
        String snippet = kind.snippet();
        int port = RedisProcess.freePort();
        try (Exchange exchange = exchange(port, "");
                ProxyProcess proxy = kind.start(directory, certificate(), snippet, port, exchange.port())) {
            for (int length : new int[] {30, 2_400, 5_000}) {
                loginThrough(proxy, "", "canary" + "c".repeat(length - 6), exchange);
            }

            assertThat(proxy.logs()).doesNotContain("canary");
            assertThat(proxy.logs()).contains("/callback");
        }
    }

    @Test
    @Tag("E71")
    void theDefaultBuffersOfNginxSufficeForACommonCode() throws Exception {
        String snippet =
                Kind.NGINX.snippet().replaceAll("proxy_buffers? 8 16k;", "").replace("proxy_buffer_size 16k;", "");
        int port = RedisProcess.freePort();
        try (Exchange exchange = exchange(port, "");
                ProxyProcess proxy = Kind.NGINX.start(directory, certificate(), snippet, port, exchange.port())) {
            loginThrough(proxy, "", "c".repeat(2_400), exchange);
        }
    }

    @Test
    @Tag("E89")
    void aPrefixIsRemovedByTheProxyAndNamedByThePublicUrl() throws Exception {
        String snippet = Kind.NGINX
                .snippet()
                .replace("location / {", "location /spotify/ {")
                .replace("proxy_pass http://exchange;", "proxy_pass http://exchange/;");
        int port = RedisProcess.freePort();
        try (Exchange exchange = exchange(port, "/spotify");
                ProxyProcess proxy = Kind.NGINX.start(directory, certificate(), snippet, port, exchange.port())) {
            loginThrough(proxy, "/spotify", "c", exchange);
        }
    }

    /** Begins a login at the proxy, comes back from the provider, swaps and refreshes. */
    private static void loginThrough(ProxyProcess proxy, String prefix, String providerCode, Exchange exchange)
            throws IOException, InterruptedException {
        CodeVerifier verifier = CodeVerifier.of("canary-verifier-" + "v".repeat(40));
        Exchange.Login login = new Exchange.Login(get(
                proxy,
                prefix + "/authorize?response_type=code&state=canary-state&code_challenge_method=S256&code_challenge="
                        + verifier.challenge()));
        assertThat(login.providerQuery())
                .containsEntry("redirect_uri", "https://localhost:" + proxy.port() + prefix + "/callback");
        HttpResponse<String> redirect = get(
                proxy,
                prefix + "/callback?code=" + providerCode + "&state="
                        + URLEncoder.encode(login.state(), StandardCharsets.UTF_8),
                "Cookie",
                login.cookie());
        assertThat(redirect.statusCode()).isEqualTo(303);
        Map<String, String> arrived = Exchange.query(Exchange.location(redirect));
        assertThat(arrived).containsEntry("state", "canary-state");
        exchange.provider.respondsWith(
                200, "{\"access_token\":\"canary-access\",\"expires_in\":3600,\"refresh_token\":\"canary-refresh\"}");
        HttpResponse<String> swap =
                post(proxy, prefix + "/swap", "code=" + arrived.get("code") + "&code_verifier=" + verifier.secret());
        assertThat(swap.statusCode()).as(swap.body()).isEqualTo(200);
        assertThat(swap.headers().firstValue("X-Request-Id")).isPresent();
        HttpResponse<String> refresh = post(proxy, prefix + "/refresh", "refresh_token=" + Exchange.refreshToken(swap));
        assertThat(refresh.statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @EnumSource
    @Tag("E63")
    @Tag("C64")
    void noRequestFailsWhileAnInstanceEnds(Kind kind) throws Exception {
        String snippet = kind.snippet();
        int port = RedisProcess.freePort();
        Map<String, String> variables = Map.of("DRAIN_DELAY", "4s");
        try (Exchange stays = exchange(port, "", variables);
                Exchange ends = exchange(port, "", variables);
                ProxyProcess proxy = kind.start(directory, certificate(), snippet, port, stays.port(), ends.port())) {
            String refreshToken = Exchange.refreshToken(stays.swap("c"));
            AtomicInteger good = new AtomicInteger();
            List<String> bad = new ArrayList<>();
            ExecutorService clients = Executors.newFixedThreadPool(8);
            CompletableFuture<Void> ended = new CompletableFuture<>();
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int client = 0; client < 8; client++) {
                all.add(CompletableFuture.runAsync(
                        () -> {
                            // Until the instance has ended, and so many requests more.
                            for (int i = 0; i < REQUESTS / 8 || !ended.isDone(); i++) {
                                try {
                                    int status = post(proxy, "/refresh", "refresh_token=" + refreshToken)
                                            .statusCode();
                                    if (status == 200) {
                                        good.incrementAndGet();
                                    } else {
                                        note(bad, "status " + status);
                                    }
                                } catch (IOException failure) {
                                    note(bad, String.valueOf(failure));
                                } catch (InterruptedException end) {
                                    return;
                                }
                            }
                        },
                        clients));
            }
            ends.server.drain().block();
            ended.complete(null);
            all.forEach(CompletableFuture::join);
            clients.shutdown();

            assertThat(bad).isEmpty();
            assertThat(good.get()).isGreaterThanOrEqualTo(REQUESTS);
        }
    }

    private static void note(List<String> bad, String failure) {
        synchronized (bad) {
            bad.add(failure);
        }
    }

    @ParameterizedTest
    @EnumSource
    @Tag("C55")
    void failuresCountAgainstTheClientAndNotAgainstTheProxy(Kind kind) throws Exception {
        String snippet = kind.snippet();
        int port = RedisProcess.freePort();
        try (Exchange exchange = exchange(port, "", Map.of("LIMIT_FAILURES", "1"));
                ProxyProcess proxy = kind.start(directory, certificate(), snippet, port, exchange.port())) {
            String bad =
                    "GET /authorize HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 9.9.9.%d\r\nConnection: close\r\n\r\n";
            // A burst of five for a rate of one. What the client itself names is not believed.
            for (int i = 0; i < 5; i++) {
                assertThat(raw(proxy, "127.0.0.5", String.format(bad, i))).startsWith("HTTP/1.1 400 ");
            }
            assertThat(raw(proxy, "127.0.0.5", String.format(bad, 6))).startsWith("HTTP/1.1 429 ");
            assertThat(raw(proxy, "127.0.0.6", String.format(bad, 6))).startsWith("HTTP/1.1 400 ");
        }
    }

    @ParameterizedTest
    @EnumSource
    @Tag("C59")
    void noPairOfRequestsSpoilsTheConnectionOfAnother(Kind kind) throws Exception {
        String snippet = kind.snippet();
        int port = RedisProcess.freePort();
        try (Exchange exchange = exchange(port, "", Map.of("HEADER_TIMEOUT", "300ms", "BODY_TIMEOUT", "300ms"));
                ProxyProcess proxy = kind.start(directory, certificate(), snippet, port, exchange.port())) {
            RequestPairs pairs = new RequestPairs(7);
            for (int i = 0; i < PAIRS; i++) {
                String pair = pairs.next();
                send(proxy, pair);
                HttpResponse<String> next = get(proxy, "/health/live");
                assertThat(next.body()).as(pair).isEqualTo("{\"status\":\"up\"}");
            }
        }
    }

    /** Sends what may never get a response, and hangs up after what came first. */
    private static void send(ProxyProcess proxy, String pair) throws IOException, GeneralSecurityException {
        try (SSLSocket socket = connect(proxy, "127.0.0.1")) {
            socket.getOutputStream().write(pair.getBytes(StandardCharsets.ISO_8859_1));
            socket.setSoTimeout(2_000);
            socket.getInputStream().readNBytes(12);
        } catch (IOException refused) {
            // as it should be
        }
    }

    @Test
    @Tag("E63")
    void theDefaultCheckOfHaproxyFindsTheServerUp() throws Exception {
        String snippet = Kind.HAPROXY
                .snippet()
                .replace(
                        "option httpchk GET /health/ready",
                        "option httpchk\n    option log-health-checks\n    log stdout format raw daemon")
                .replace("http-check expect status 200", "")
                .replace("inter 1s", "inter 100ms");
        int port = RedisProcess.freePort();
        try (Exchange exchange = exchange(port, "");
                ProxyProcess proxy = Kind.HAPROXY.start(directory, certificate(), snippet, port, exchange.port())) {
            String log = "";
            while (!log.contains("Health check for server")) {
                log = proxy.logs();
            }

            assertThat(log).contains("code: 204").doesNotContain("DOWN");
            assertThat(get(proxy, "/health/live").statusCode()).isEqualTo(200);
        }
    }

    private Certificate certificate() throws IOException, GeneralSecurityException {
        return Certificate.create(directory, "localhost");
    }

    private static Exchange exchange(int port, String prefix) {
        return exchange(port, prefix, Map.of());
    }

    private static Exchange exchange(int port, String prefix, Map<String, String> variables) {
        Map<String, String> all = new java.util.HashMap<>(Map.of(
                "PUBLIC_URL",
                "https://localhost:" + port + prefix,
                "SEAL_KEYS",
                Exchange.KEY,
                "TRUSTED_PROXIES",
                "127.0.0.1"));
        all.putAll(variables);
        return new Exchange(all);
    }

    private static HttpResponse<String> get(ProxyProcess proxy, String target, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = request(proxy, target);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static HttpResponse<String> post(ProxyProcess proxy, String target, String form)
            throws IOException, InterruptedException {
        return HTTP.send(
                request(proxy, target)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static HttpRequest.Builder request(ProxyProcess proxy, String target) {
        return HttpRequest.newBuilder(URI.create("https://localhost:" + proxy.port() + target))
                .timeout(Duration.ofSeconds(30));
    }

    private static String raw(ProxyProcess proxy, String from, String request)
            throws IOException, GeneralSecurityException {
        try (SSLSocket socket = connect(proxy, from)) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static SSLSocket connect(ProxyProcess proxy, String from) throws IOException, GeneralSecurityException {
        SSLSocket socket = (SSLSocket) trusting().getSocketFactory().createSocket();
        socket.bind(new InetSocketAddress(from, 0));
        socket.setSoTimeout(20_000);
        socket.connect(new InetSocketAddress("127.0.0.1", proxy.port()));
        return socket;
    }

    private static SSLContext trusting() throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
        return context;
    }

    private static HttpClient client() {
        try {
            return HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .sslContext(trusting())
                    .build();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
