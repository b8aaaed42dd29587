package io.tokenswap.samples.desktop;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.QueryStringEncoder;
import io.tokenswap.http.Dialect;
import io.tokenswap.http.ExchangeServerEndpoint;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.json.JsonMapper;

/**
 * Exchange server that behaves as a deployed one does, in front of a real provider. All of them know one redirect URI, send the
 * browser on without the challenge of the application, and drop its verifier.
 */
final class DeployedServer implements AutoCloseable {

    /** Whose behaviour it is. */
    enum Kind {
        /** One page, {@code text/html}, always status 200; a denial loses its error. */
        PHP(
                "PHP (`spotify-token-swap-php`)",
                Dialect.SINGLE_URI,
                "--exchange URL/index.php --dialect single-uri",
                "/index.php",
                "/redirect.php",
                Set.of("/index.php")),
        /** The refresh token that it hands out is its own, in lines. */
        RUBY(
                "Ruby (`spotify-token-swap-service`)",
                Dialect.FORM,
                "--exchange URL --dialect form --authorize-url URL/authorize",
                "/authorize",
                "/callback",
                Set.of("/swap", "/refresh")),
        /** A lifetime that is a string. */
        NODE(
                "Node (Spotify's guide)",
                Dialect.FORM,
                "--exchange URL --dialect form --authorize-url URL/authorize",
                "/authorize",
                "/callback",
                Set.of("/swap", "/refresh"));

        private final String title;
        private final Dialect dialect;
        private final String options;
        private final String page;
        private final String callback;
        private final Set<String> tokenPaths;

        Kind(String title, Dialect dialect, String options, String page, String callback, Set<String> tokenPaths) {
            this.title = title;
            this.dialect = dialect;
            this.options = options;
            this.page = page;
            this.callback = callback;
            this.tokenPaths = tokenPaths;
        }

        String title() {
            return title;
        }

        /** The options of {@code desktop-login} for a server at {@code URL}. */
        String options() {
            return options;
        }
    }

    private final Kind kind;
    private final ProviderContract.Provider provider;
    private final URI app;
    private final boolean direct;
    private final DisposableServer server;

    private DeployedServer(Kind kind, ProviderContract.Provider provider, URI app, boolean direct) {
        this.kind = kind;
        this.provider = provider;
        this.app = app;
        this.direct = direct;
        this.server = Servers.start(this::serve);
    }

    /** Starts a server to which the provider returns the browser, and which sends it on to the application. */
    static DeployedServer hop(Kind kind, ProviderContract.Provider provider, URI app) {
        return new DeployedServer(kind, provider, app, false);
    }

    /** Starts a server whose redirect URI is that of the application, for logins directly at the provider. */
    static DeployedServer direct(Kind kind, ProviderContract.Provider provider, URI app) {
        return new DeployedServer(kind, provider, app, true);
    }

    ExchangeServerEndpoint endpoint() {
        URI uri = URI.create(Servers.url(server));
        return ExchangeServerEndpoint.builder(kind == Kind.PHP ? uri.resolve(kind.page) : uri)
                .dialect(kind.dialect)
                .authorizeUri(uri.resolve(kind.page))
                .timeout(Duration.ofMinutes(2)) // a provider that is just starting is slow
                .build();
    }

    /** The options of {@code desktop-login} for this server. */
    String options() {
        return kind.options().replace("URL", Servers.url(server));
    }

    private URI redirectUri() {
        return direct ? app : URI.create(Servers.url(server) + kind.callback);
    }

    private Publisher<Void> serve(HttpServerRequest request, HttpServerResponse response) {
        if (request.method().name().equals("POST")) {
            if (!kind.tokenPaths.contains(request.fullPath())) {
                return response.sendNotFound();
            }
            return request.receive()
                    .aggregate()
                    .asString()
                    .flatMap(form -> token(parameters("?" + form)))
                    .flatMap(result -> send(result, response));
        }
        Map<String, String> query = parameters(request.uri());
        return response.sendRedirect(
                request.fullPath().equals(kind.callback) ? backToTheApplication(query) : toTheProvider(query));
    }

    private String toTheProvider(Map<String, String> query) {
        return url(
                provider.authorizeUri(),
                Map.of(
                        "client_id",
                        provider.clientId(),
                        "response_type",
                        "code",
                        "redirect_uri",
                        redirectUri().toString(),
                        "scope",
                        query.getOrDefault("scope", ""),
                        "state",
                        query.getOrDefault("state", "")));
    }

    private String backToTheApplication(Map<String, String> query) {
        Map<String, String> response = new TreeMap<>();
        query.forEach((name, value) -> {
            boolean kept = name.equals("code") || name.equals("state") || (name.equals("error") && kind != Kind.PHP);
            if (kept) {
                response.put(name, value);
            }
        });
        return url(app, response);
    }

    private Mono<Map<String, Object>> token(Map<String, String> form) {
        Map<String, String> request = new TreeMap<>();
        if (form.getOrDefault("code", "").isEmpty()) {
            request.put("grant_type", "refresh_token");
            request.put("refresh_token", unwrap(form.getOrDefault("refresh_token", "")));
        } else {
            request.put("grant_type", "authorization_code");
            request.put("code", form.get("code"));
            request.put("redirect_uri", redirectUri().toString());
        }
        String credentials = provider.clientId() + ":" + provider.clientSecret();
        return HttpClient.newConnection()
                .headers(headers -> headers.set(
                                HttpHeaderNames.AUTHORIZATION,
                                "Basic "
                                        + Base64.getEncoder()
                                                .encodeToString(credentials.getBytes(StandardCharsets.US_ASCII)))
                        .set(HttpHeaderNames.CONTENT_TYPE, "application/x-www-form-urlencoded"))
                .post()
                .uri(provider.tokenUri())
                .send(ByteBufFlux.fromString(Mono.just(url(null, request).substring(1))))
                .responseSingle((head, body) -> body.asString())
                .map(DeployedServer::read);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> read(String json) {
        return JsonMapper.shared().readValue(json, LinkedHashMap.class);
    }

    private Mono<Void> send(Map<String, Object> result, HttpServerResponse response) {
        if (kind == Kind.RUBY) {
            result.computeIfPresent("refresh_token", (name, token) -> wrap(token.toString()));
        } else if (kind == Kind.NODE) {
            result.computeIfPresent("expires_in", (name, seconds) -> seconds.toString());
        }
        boolean refused = result.containsKey("error") && kind != Kind.PHP;
        return response.status(refused ? 400 : 200)
                .header(
                        HttpHeaderNames.CONTENT_TYPE,
                        kind == Kind.PHP ? "text/html; charset=UTF-8" : "application/json")
                .sendString(Mono.just(JsonMapper.shared().writeValueAsString(result)))
                .then();
    }

    private static String wrap(String refreshToken) {
        return Base64.getMimeEncoder().encodeToString(refreshToken.getBytes(StandardCharsets.US_ASCII)) + "\n";
    }

    private String unwrap(String refreshToken) {
        return kind == Kind.RUBY
                ? new String(Base64.getMimeDecoder().decode(refreshToken), StandardCharsets.US_ASCII)
                : refreshToken;
    }

    private static Map<String, String> parameters(String uri) {
        Map<String, String> parameters = new LinkedHashMap<>();
        new QueryStringDecoder(uri).parameters().forEach((name, values) -> parameters.put(name, values.get(0)));
        return parameters;
    }

    private static String url(@Nullable URI page, Map<String, String> parameters) {
        QueryStringEncoder url = new QueryStringEncoder(page == null ? "" : page.toString());
        parameters.forEach(url::addParam);
        return url.toString();
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
