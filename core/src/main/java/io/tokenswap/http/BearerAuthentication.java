package io.tokenswap.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import java.util.Objects;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientInfos;
import reactor.netty.http.client.HttpClientRequest;
import reactor.netty.http.client.HttpClientResponse;

/**
 * Calls an API with a token.
 *
 * <pre>{@code
 * HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl("https://api.spotify.com"), session);
 * api.get().uri("/v1/me").responseContent().aggregate().asString().subscribe(System.out::println);
 * }</pre>
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-2.1">RFC 6750 section 2.1</a>
 */
public final class BearerAuthentication {

    // An attempt carries its token in its own Context, under this instance as the key, so that it is known which
    // token was refused. The headers of the client are no place for it: what headersWhen writes there, parallel
    // attempts share. And httpAuthenticationWhen, which could resend, logs each refusal as a warning with a stack
    // trace.

    private final TokenSource tokens;

    private BearerAuthentication(TokenSource tokens) {
        this.tokens = tokens;
    }

    /**
     * A client whose requests carry the current token, each asked for at the subscription to the request.
     *
     * <p>When the API answers 401, exactly the token that the request carried is
     * {@linkplain TokenSource#invalidate(Token) invalidated}, and the request is sent once more with the next one; its body is
     * subscribed to again. A second 401 is the answer that the caller sees. When there is no token, the call fails with the
     * error of {@link TokenSource#token()}, and nothing more is sent. Cancelling cancels the call, never a refresh.
     *
     * <p>A call over plain http to any host but loopback fails with an {@link IllegalArgumentException}, and nothing is sent.
     *
     * <p>A redirect is followed only if the client is configured to, and without the token wherever it leads. The handshake of
     * a WebSocket carries the token too, but is not repeated.
     *
     * @param client calls the API
     * @param tokens where the tokens come from, a {@link io.tokenswap.session.TokenSession} as a rule
     * @return the client with the authentication, as safe for use by any thread as it was
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3.1">RFC 6750 section 3.1</a>
     */
    public static HttpClient apply(HttpClient client, TokenSource tokens) {
        BearerAuthentication bearer = new BearerAuthentication(Objects.requireNonNull(tokens, "tokens"));
        return client.doOnRequest(bearer::authorize).mapConnect(bearer::authenticated);
    }

    /** The connection of a request, which is there as soon as the head of the answer is. */
    private Mono<? extends Connection> authenticated(Mono<? extends Connection> request) {
        return Mono.defer(tokens::token)
                .flatMap(token -> attempt(request, token)
                        .flatMap(answer -> isRefused(answer) ? again(request, token, answer) : Mono.just(answer)));
    }

    private Mono<Connection> again(Mono<? extends Connection> request, Token refused, Connection answer) {
        tokens.invalidate(refused);
        // The rest of the refusal is read first, so that its connection is free before anybody waits for a refresh.
        return answer.inbound().receive().then(Mono.defer(tokens::token)).flatMap(next -> attempt(request, next));
    }

    private Mono<Connection> attempt(Mono<? extends Connection> request, Token token) {
        return request.cast(Connection.class).contextWrite(context -> context.put(this, token));
    }

    private void authorize(HttpClientRequest request, Connection connection) {
        if (isFirstHop(request)) {
            EndpointUri.checkOrigin("The API", Objects.requireNonNull(request.resourceUrl()));
            Token token = request.currentContextView().get(this);
            request.requestHeaders()
                    .set(
                            HttpHeaderNames.AUTHORIZATION,
                            "Bearer " + token.accessToken().secret());
        }
    }

    private static boolean isRefused(Connection answer) {
        return answer instanceof HttpClientResponse response
                && response.status().code() == 401
                && isFirstHop(response);
    }

    /** Whoever is redirected to has no claim to the token, not even the API itself under another path. */
    private static boolean isFirstHop(HttpClientInfos request) {
        return request.redirectedFrom().length == 0;
    }
}
