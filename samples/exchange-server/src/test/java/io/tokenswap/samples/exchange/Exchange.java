package io.tokenswap.samples.exchange;

import io.tokenswap.CodeVerifier;
import io.tokenswap.http.ClientAuthentication;
import io.tokenswap.http.ProviderEndpoint;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** A real exchange server on a free port, in front of a {@link FakeProvider}, with a clock that stands until it is moved. */
final class Exchange implements AutoCloseable {

    static final String RETURN_URI = "http://localhost:4002/auth";
    static final String AUTHORIZE = "response_type=code&state=0a1b2c3d&scope=a%20b&show_dialog=false";

    static final String SECRET = "secret-of-this-test";
    /** Random, as the server refuses patterns, and of no use elsewhere. */
    static final String KEY = "Zp0uW3mBqKc4yTn7vRfXh1sLgJd8eAoU2iNlP5xQbYk=";

    static final String OTHER_KEY = "q8RtEw1yUiOp3aSdFgHj5kLzXcVb7nMQ9WeRtYuIoP0=";

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    final FakeProvider provider = new FakeProvider();
    final ExchangeServer server;
    volatile Instant now = Instant.parse("2026-11-23T12:00:00Z");

    /** The time by which the wall clock is ahead of {@link #now}. The monotonic clock never is. */
    volatile Duration ahead = Duration.ZERO;

    Exchange() {
        this(Map.of());
    }

    /** @param without variables that the fixture would set */
    Exchange(Map<String, String> variables, String... without) {
        this(variables, Duration.ofSeconds(20), without);
    }

    /**
     * @param providerTimeout the wait for the provider's response: connecting, slow on a busy machine, is not
     *     counted
     */
    Exchange(Map<String, String> variables, Duration providerTimeout, String... without) {
        Map<String, String> all = new HashMap<>(Map.of(
                "PORT",
                "0",
                "CLIENT_ID",
                "client",
                "CLIENT_SECRET",
                SECRET,
                "PROVIDER_AUTHORIZE_URL",
                provider.uri("/authorize").toString(),
                "PROVIDER_TOKEN_URL",
                provider.uri("/api/token").toString()));
        // The clock stands still, and with it the rates.
        for (String limit : List.of("LIMIT_TOTAL", "LIMIT_PER_TOKEN", "LIMIT_FAILURES")) {
            all.put(limit, "0");
        }
        all.putAll(variables);
        List.of(without).forEach(all::remove);
        ExchangeServerConfig config = ExchangeServerConfig.from(all);
        server = ExchangeServer.start(
                        config,
                        secret -> ProviderEndpoint.builder(
                                        config.tokenUri, ClientAuthentication.basic(config.clientId, secret))
                                .httpClient(reactor.netty.http.client.HttpClient.create()
                                        .responseTimeout(providerTimeout))
                                .clock(() -> now.plus(ahead))
                                .build(),
                        () -> now.plus(ahead),
                        () -> TimeUnit.MILLISECONDS.toNanos(now.toEpochMilli()),
                        List.of())
                .blockOptional()
                .orElseThrow();
    }

    /** Browser that has requested the authorize page, with the response. */
    record Login(HttpResponse<String> response, String providerUrl) {

        Login(HttpResponse<String> response) {
            this(response, location(response));
        }

        /** A login for which the person follows the link of the confirm page. */
        static Login confirmed(HttpResponse<String> page) {
            Matcher link = Pattern.compile("href=\"(http[^\"]+)\"").matcher(page.body());
            if (!link.find()) {
                throw new AssertionError("No link on the page");
            }
            return new Login(page, link.group(1).replace("&amp;", "&"));
        }

        Map<String, String> providerQuery() {
            return query(providerUrl());
        }

        String state() {
            return providerQuery().get("state");
        }

        /** What the browser sends back of the cookie. */
        String cookie() {
            return setCookie().split(";")[0];
        }

        String setCookie() {
            return response.headers().firstValue("Set-Cookie").orElseThrow();
        }
    }

    Login login(String query) {
        return new Login(get("/authorize?" + query));
    }

    /** The provider's redirect, followed by the browser that has the cookie. */
    HttpResponse<String> callback(String query, Login login) {
        return get("/callback?" + query, "Cookie", login.cookie());
    }

    /** The code that the application gets for the provider's, by a whole login without a challenge. */
    String code(String providerCode) {
        return code(providerCode, null);
    }

    String code(String providerCode, @Nullable CodeVerifier verifier) {
        Login login = login(AUTHORIZE
                + (verifier == null ? "" : "&code_challenge_method=S256&code_challenge=" + verifier.challenge()));
        HttpResponse<String> response = callback(
                "code=" + URLEncoder.encode(providerCode, StandardCharsets.UTF_8) + "&state=" + login.state(), login);
        return query(location(response)).get("code");
    }

    /** A swap of the provider's code through a whole login. */
    HttpResponse<String> swap(String providerCode) {
        return form("/swap", "code=" + code(providerCode));
    }

    HttpResponse<String> refresh(String refreshToken) {
        return form("/refresh", "refresh_token=" + URLEncoder.encode(refreshToken, StandardCharsets.UTF_8));
    }

    CompletableFuture<HttpResponse<String>> refreshAsync(String refreshToken) {
        return formAsync("/refresh", "refresh_token=" + refreshToken);
    }

    CompletableFuture<HttpResponse<String>> formAsync(String target, String body) {
        return HTTP.sendAsync(
                request(target)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** Waits until so many requests are in the hands of the server. */
    void awaitRequests(int count) {
        await(() -> server.requestsInFlight() >= count);
    }

    void awaitRequestsAtMost(int count) {
        await(() -> server.requestsInFlight() <= count);
    }

    /** Waits until the provider was asked so often. */
    void awaitProviderRequests(int count) {
        await(() -> provider.asked.size() >= count);
    }

    /** Waits until the server has accepted so many connections. */
    void awaitConnections(int count) {
        await(() -> server.connections() >= count);
    }

    private static void await(BooleanSupplier condition) {
        Flux.interval(Duration.ofMillis(5))
                .onBackpressureDrop()
                .filter(tick -> condition.getAsBoolean())
                .blockFirst(Duration.ofSeconds(20));
    }

    HttpResponse<String> get(String target, String... headers) {
        return send(request(target, headers).GET());
    }

    HttpResponse<String> post(String target, String contentType, String body, String... headers) {
        return send(request(target, headers)
                .header("Content-Type", contentType)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    HttpResponse<String> form(String target, String body) {
        return post(target, "application/x-www-form-urlencoded", body);
    }

    HttpResponse<String> json(String target, String body) {
        return post(target, "application/json", body);
    }

    HttpResponse<String> send(String method, String target, String... headers) {
        return send(request(target, headers).method(method, HttpRequest.BodyPublishers.noBody()));
    }

    /** Sends bytes that no correct client would send, and returns the response until the server closes. */
    String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    /** Returns what the port of the metrics serves. */
    String metrics() {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.metricsPort() + "/metrics")))
                .body();
    }

    int port() {
        return server.boundPort();
    }

    static String refreshToken(HttpResponse<String> response) {
        Matcher refreshToken = Pattern.compile("\"refresh_token\":\"([^\"]*)\"").matcher(response.body());
        if (!refreshToken.find()) {
            throw new AssertionError(response.body());
        }
        return refreshToken.group(1);
    }

    static String location(HttpResponse<String> response) {
        return response.headers().firstValue("Location").orElseThrow();
    }

    static Map<String, String> query(String uri) {
        return Parameters.ofQuery(URI.create(uri).getRawQuery());
    }

    private HttpRequest.Builder request(String target, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + target))
                .timeout(Duration.ofSeconds(20));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request;
    }

    static HttpResponse<String> get(URI uri) {
        return send(HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.close();
        provider.close();
    }
}
