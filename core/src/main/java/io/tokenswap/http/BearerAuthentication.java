package io.tokenswap.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakeException;
import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import io.tokenswap.internal.Timers;
import java.net.URI;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientConfig;
import reactor.netty.http.client.HttpClientInfos;
import reactor.netty.http.client.HttpClientRequest;
import reactor.netty.http.client.HttpClientResponse;

/**
 * Adds the token to the requests of an {@link HttpClient}.
 *
 * <pre>{@code
 * HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl("https://api.spotify.com"), session);
 * api.get().uri("/v1/me").responseContent().aggregate().asString().subscribe(System.out::println);
 * }</pre>
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-2.1">RFC 6750 section 2.1</a>
 */
public final class BearerAuthentication {

    // Each attempt carries its token in its own Context, under this instance as the key, so that the refused token is
    // known. Headers of the client cannot carry it: parallel attempts share what headersWhen writes there. The operator
    // httpAuthenticationWhen could also repeat a request, but it logs each refusal as a warning with a stack trace.

    private final Mono<? extends TokenSource> source;
    private final Set<Origin> origins;

    private BearerAuthentication(Mono<? extends TokenSource> source, Set<Origin> origins) {
        this.source = source.switchIfEmpty(
                Mono.error(() -> new IllegalStateException("There is no source of tokens for this request")));
        this.origins = origins;
    }

    /**
     * Returns a client whose requests carry the current token. The token is obtained at the subscription to a request.
     *
     * <p>If the API responds with 401, exactly the token that the request carried is
     * {@linkplain TokenSource#invalidate(Token) invalidated}, and the request is sent once more with the next token;
     * its body is subscribed to again. The caller sees a second 401, and also the first one if the body cannot be
     * subscribed to twice. If there is no token, the call fails with the error of {@link TokenSource#token()} and
     * nothing is sent. Cancelling cancels the call, never a refresh. If the API responds with a success, the token is
     * {@linkplain TokenSource#accept(Token) accepted}.
     *
     * <p>The token is sent to the given origins only. Any other call fails with an {@link IllegalArgumentException} and
     * sends nothing, and so does a call over plain http to a host that is not loopback.
     *
     * <p>A redirect is followed only if the client is configured to, and without the token, wherever it leads. The
     * handshake of a WebSocket carries the token too. It is not repeated, but a 401 invalidates the token, so that the
     * next handshake carries another.
     *
     * @param client calls the API
     * @param tokens source of the tokens, usually a {@link io.tokenswap.session.TokenSession}
     * @param origins the servers that may receive the token, for example {@code https://api.example.com}, where
     *     {@code https} covers {@code wss}; by default the origin of the client's base URL
     * @return the client with the authentication, as safe for use by any thread as it was
     * @throws IllegalArgumentException if an origin is malformed, or if there is neither an origin nor a base URL
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3.1">RFC 6750 section 3.1</a>
     */
    public static HttpClient apply(HttpClient client, TokenSource tokens, URI... origins) {
        return apply(client, Mono.just(Objects.requireNonNull(tokens, "tokens")), origins);
    }

    /**
     * Returns a client whose requests carry the current token of a source that is chosen for each request, for example
     * by the user in the Reactor {@code Context}. The source is resolved once for each request and serves both
     * attempts, so that a refusal reaches the right user. Everything else is as for
     * {@linkplain #apply(HttpClient, TokenSource, URI...) one source}.
     *
     * @param client calls the API
     * @param tokens emits the source of the tokens; subscribed to in the context of each request. A request fails with
     *     its error
     * @param origins the servers that may receive the token; by default the origin of the client's base URL
     * @return the client with the authentication, as safe for use by any thread as it was
     * @throws IllegalArgumentException if an origin is malformed, or if there is neither an origin nor a base URL
     */
    public static HttpClient apply(HttpClient client, Mono<? extends TokenSource> tokens, URI... origins) {
        BearerAuthentication bearer =
                new BearerAuthentication(Objects.requireNonNull(tokens, "tokens"), origins(client, origins));
        return client.doOnConnect(bearer::checkBeforeConnecting)
                .doOnRequest(bearer::authorize)
                .mapConnect(bearer::authenticated);
    }

    private static Set<Origin> origins(HttpClient client, URI... named) {
        if (named.length > 0) {
            return Arrays.stream(named).map(Origin::named).collect(Collectors.toUnmodifiableSet());
        }
        String baseUrl = client.configuration().baseUrl();
        Origin base = baseUrl == null ? null : Origin.of(baseUrl);
        if (base == null) {
            throw new IllegalArgumentException(
                    "Nothing says who may receive the token: set the base URL of the client"
                            + " (http:// or https://), or name the origins in BearerAuthentication.apply(client, tokens, origins)");
        }
        return Set.of(base);
    }

    /** Returns the connection of a request, which is available as soon as the head of the response is. */
    private Mono<? extends Connection> authenticated(Mono<? extends Connection> request) {
        return source.flatMap(tokens -> tokens.token()
                .flatMap(token -> attempt(request, token)
                        .doOnNext(response -> acceptIfSuccessful(tokens, token, response))
                        .doOnError(error -> invalidateIfRefused(tokens, token, error))
                        .flatMap(response ->
                                isRefused(response) ? again(request, tokens, token, response) : Mono.just(response))));
    }

    private Mono<Connection> again(
            Mono<? extends Connection> request, TokenSource tokens, Token refused, Connection response) {
        tokens.invalidate(refused);
        AtomicBoolean passedOn = new AtomicBoolean();
        // The refusal is read first, so that its place in the pool is free before the call waits for a refresh.
        return RefusedResponse.keepBody(response, Timers.scheduler())
                .then(Mono.defer(tokens::token))
                .flatMap(next -> attempt(request, next)
                        .doOnNext(second -> acceptIfSuccessful(tokens, next, second))
                        .onErrorResume(BearerAuthentication::isBodyUsedUp, error -> {
                            passedOn.set(true);
                            return Mono.just(response);
                        }))
                .doFinally(signal -> {
                    if (!passedOn.get()) {
                        RefusedResponse.drop(response);
                    }
                });
    }

    /**
     * Returns whether a body refused to be subscribed to again. Publishers report so by an {@link IllegalStateException}; if the
     * server has closed the connection meanwhile, that is the cause of the failure.
     */
    private static boolean isBodyUsedUp(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalStateException) {
                return true;
            }
        }
        return false;
    }

    private Mono<Connection> attempt(Mono<? extends Connection> request, Token token) {
        return request.cast(Connection.class).contextWrite(context -> context.put(this, token));
    }

    /**
     * Fails before a connection to another host is opened. A URL that becomes known later is checked before anything is
     * sent.
     */
    private void checkBeforeConnecting(HttpClientConfig request) {
        String uri = request.uri();
        if (uri != null && Origin.of(uri) != null) {
            check(uri);
        }
    }

    private void authorize(HttpClientRequest request, Connection connection) {
        if (isFirstHop(request)) {
            check(Objects.requireNonNull(request.resourceUrl()));
            Token token = request.currentContextView().get(this);
            request.requestHeaders()
                    .set(
                            HttpHeaderNames.AUTHORIZATION,
                            "Bearer " + token.accessToken().secret());
        }
    }

    private void check(String url) {
        Origin origin = Origin.of(url);
        if (origin == null || !origins.contains(origin)) {
            throw new IllegalArgumentException("The token is not for "
                    + (origin == null ? "this URL" : origin) + ", and nothing was sent. If it is, name that origin in"
                    + " BearerAuthentication.apply(client, tokens, origins)");
        }
        if (!origin.isPrivate()) {
            throw EndpointUri.insecure("The API", origin.host());
        }
    }

    private static boolean isRefused(Connection connection) {
        return connection instanceof HttpClientResponse response
                && response.status().code() == 401
                && isFirstHop(response);
    }

    /** Accepts a token whose request succeeded. Other responses do not show if the API accepts the token. */
    private static void acceptIfSuccessful(TokenSource tokens, Token token, Connection connection) {
        if (connection instanceof HttpClientResponse response
                && response.status().code() < 300
                && isFirstHop(response)) {
            tokens.accept(token);
        }
    }

    /**
     * Invalidates the token if the handshake of a WebSocket was refused with 401. A refused handshake is an error and
     * not a response.
     */
    private static void invalidateIfRefused(TokenSource tokens, Token token, Throwable error) {
        if (error instanceof WebSocketClientHandshakeException handshake
                && handshake.response() != null
                && handshake.response().status().code() == 401) {
            tokens.invalidate(token);
        }
    }

    /**
     * Returns true unless the request follows a redirect. The target of a redirect must not receive the token, not even
     * another path of the API.
     */
    private static boolean isFirstHop(HttpClientInfos request) {
        return request.redirectedFrom().length == 0;
    }
}
