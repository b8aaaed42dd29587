package io.tokenswap.spring;

import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import io.tokenswap.internal.Timers;
import java.net.URI;
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.client.ClientRequest;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.ExchangeFilterFunction;
import org.springframework.web.reactive.function.client.ExchangeFunction;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Adds the token to the requests of a {@code WebClient}.
 *
 * <pre>{@code
 * WebClient spotify = builder.baseUrl("https://api.spotify.com").filter(bearer).build();
 * spotify.get().uri("/v1/me").retrieve().bodyToMono(String.class);
 * }</pre>
 *
 * <p>The token is obtained at the subscription to a request. If the API responds with 401, exactly the token that the
 * request carried is {@linkplain TokenSource#invalidate(Token) invalidated}, and the request is sent once more with the
 * next token; its body is written again. The caller sees a second 401, and also the first one if the body cannot be
 * written twice. If there is no token, the request fails with the error of {@link TokenSource#token()} and nothing is
 * sent. Cancelling cancels the request, never a refresh. A response that does not refuse the token is reported to
 * {@link TokenSource#accept(Token)}, except for errors of the server.
 *
 * <p>The token is sent to the given origins only. Any other request fails with an {@link IllegalArgumentException} and
 * nothing is sent, and so does a request over plain http to a host that is not loopback. A connector that follows
 * redirects decides itself what it sends to their targets: leave that off, as it is by default.
 *
 * <p>Immutable and safe for use by any thread.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-2.1">RFC 6750 section 2.1</a>
 */
public final class BearerExchangeFilter implements ExchangeFilterFunction {

    private static final int LONGEST_BODY = 64 * 1024;

    /** Longest wait for the body of a refusal, in case the caller gets to see it. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);

    private final Mono<? extends TokenSource> source;
    private final Set<ApiOrigin> origins;

    private BearerExchangeFilter(Mono<? extends TokenSource> source, Set<ApiOrigin> origins) {
        this.source = source.switchIfEmpty(
                Mono.error(() -> new IllegalStateException("There is no source of tokens for this request")));
        this.origins = origins;
    }

    /**
     * Returns a filter for the tokens of one source.
     *
     * @param tokens source of the tokens, usually a {@link io.tokenswap.session.TokenSession}
     * @param origin server that may receive the token, for example {@code https://api.example.com}
     * @param more further servers that may receive the token
     * @return the filter
     * @throws IllegalArgumentException if an origin is malformed, or is plain http on a host that is not loopback
     */
    public static BearerExchangeFilter create(TokenSource tokens, URI origin, URI... more) {
        return create(Mono.just(Objects.requireNonNull(tokens, "tokens")), origin, more);
    }

    /**
     * Returns a filter whose source is chosen for each request, for example {@code sessions.current()}. The source is
     * resolved once for each request and serves both attempts, so that a refusal reaches the right user.
     *
     * @param tokens emits the source of the tokens; subscribed to in the context of each request. A request fails with
     *     its error
     * @param origin server that may receive the token
     * @param more further servers that may receive the token
     * @return the filter
     * @throws IllegalArgumentException if an origin is malformed, or is plain http on a host that is not loopback
     */
    public static BearerExchangeFilter create(Mono<? extends TokenSource> tokens, URI origin, URI... more) {
        Set<ApiOrigin> origins = new HashSet<>();
        origins.add(ApiOrigin.named(origin));
        for (URI other : more) {
            origins.add(ApiOrigin.named(other));
        }
        return new BearerExchangeFilter(Objects.requireNonNull(tokens, "tokens"), Set.copyOf(origins));
    }

    /**
     * Sends a request with the current token, as the description of this class says.
     *
     * @param request the request
     * @param next sends the request
     * @return the response
     */
    @Override
    public Mono<ClientResponse> filter(ClientRequest request, ExchangeFunction next) {
        return Mono.defer(() -> {
            ApiOrigin origin = ApiOrigin.of(request.url());
            if (origin == null || !origins.contains(origin)) {
                return Mono.error(new IllegalArgumentException("The token is not for "
                        + (origin == null ? "this URL" : origin)
                        + ", and nothing was sent. If it is, name that origin in"
                        + " tokenswap.api.origins or in BearerExchangeFilter.create(tokens, origins)"));
            }
            return source.flatMap(tokens -> tokens.token()
                    .flatMap(token -> attempt(request, next, token)
                            .flatMap(response -> isRefused(response)
                                    ? again(request, next, tokens, token, response)
                                    : accepted(tokens, token, response))));
        });
    }

    private static Mono<ClientResponse> again(
            ClientRequest request, ExchangeFunction next, TokenSource tokens, Token refused, ClientResponse response) {
        tokens.invalidate(refused);
        // The refusal is read first, so that its place in the pool is free before the request waits for a refresh.
        return read(response)
                .flatMap(refusal -> tokens.token()
                        .flatMap(token -> attempt(request, next, token)
                                .onErrorResume(BearerExchangeFilter::isBodyUsedUp, error -> Mono.just(refusal))
                                .flatMap(second ->
                                        isRefused(second) ? Mono.just(second) : accepted(tokens, token, second))));
    }

    private static Mono<ClientResponse> attempt(ClientRequest request, ExchangeFunction next, Token token) {
        return next.exchange(ClientRequest.from(request)
                .headers(headers -> headers.setBearerAuth(token.accessToken().secret()))
                .build());
    }

    private static Mono<ClientResponse> accepted(TokenSource tokens, Token token, ClientResponse response) {
        if (!response.statusCode().is5xxServerError()) {
            tokens.accept(token);
        }
        return Mono.just(response);
    }

    /** Reads the body, at most 64 KiB of it for at most one second, and returns the response with what has arrived. */
    private static Mono<ClientResponse> read(ClientResponse response) {
        Flux<DataBuffer> body = response.bodyToFlux(DataBuffer.class)
                .timeout(Mono.delay(LONGEST_WAIT, Timers.scheduler()), part -> Mono.never());
        return DataBufferUtils.join(body, LONGEST_BODY)
                .map(buffer -> {
                    byte[] bytes = new byte[buffer.readableByteCount()];
                    buffer.read(bytes);
                    DataBufferUtils.release(buffer);
                    return bytes;
                })
                .onErrorComplete()
                .defaultIfEmpty(new byte[0])
                .map(bytes -> response.mutate()
                        .body(Flux.defer(() -> Flux.just(DefaultDataBufferFactory.sharedInstance.wrap(bytes))))
                        .build());
    }

    private static boolean isRefused(ClientResponse response) {
        return response.statusCode().isSameCodeAs(HttpStatus.UNAUTHORIZED);
    }

    /** Publishers report by an {@link IllegalStateException} that they cannot be subscribed to again. */
    private static boolean isBodyUsedUp(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalStateException) {
                return true;
            }
        }
        return false;
    }
}
