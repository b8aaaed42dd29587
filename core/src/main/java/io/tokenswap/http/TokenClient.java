package io.tokenswap.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/**
 * Sends token requests, all by the same rules: one request for each subscription, no retry, no redirect, no compression, five
 * seconds to connect, a deadline for the whole, at most 64 KiB of answer, and nothing that was not asked for. Whatever {@link HttpClient} the caller brings,
 * these rules are put on top of it.
 */
final class TokenClient {

    private static final int CONNECT_MILLIS = 5_000;
    private static final String USER_AGENT = "reactive-token-swap";

    /**
     * Connections for callers that bring none. They are not kept for long: a refresh an hour later would find a connection
     * that the server has closed, and a request that is lost on one may have been processed.
     */
    private static final HttpClient DEFAULT = HttpClient.create(ConnectionProvider.builder("tokenswap")
            .maxConnections(500)
            .pendingAcquireMaxCount(-1)
            .maxIdleTime(Duration.ofSeconds(10))
            .build());

    private final HttpClient http;
    private final Deadlines deadlines;
    private final InstantSource clock;
    private final Consumer<? super HttpHeaders> customizer;

    TokenClient(
            @Nullable HttpClient http,
            Duration timeout,
            InstantSource clock,
            Consumer<? super HttpHeaders> customizer) {
        this.http = (http == null ? DEFAULT : http)
                .disableRetry(true)
                .followRedirect(false)
                // It would send a refused request again.
                .httpAuthentication((request, response) -> false, (request, address) -> {})
                .compress(false)
                // Wire logs would hold every secret that there is.
                .wiretap(false)
                .doOnChannelInit((observer, channel, address) -> AnswerGuard.on(channel))
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS);
        this.deadlines = new Deadlines(timeout);
        this.clock = clock;
        this.customizer = customizer;
    }

    /**
     * Makes and sends a request at each subscription, and makes a token of the answer.
     *
     * @param request makes the request, and may add to its headers
     */
    Mono<Token> send(Function<? super HttpHeaders, TokenRequest> request) {
        return Mono.defer(() -> {
            HttpHeaders headers = new DefaultHttpHeaders();
            customizer.accept(headers);
            return send(request.apply(headers), headers);
        });
    }

    /** Sends a refresh. Where the response omits the refresh token, the presented one stays valid (RFC 6749 section 6). */
    Mono<Token> refresh(RefreshToken presented, Function<? super HttpHeaders, TokenRequest> request) {
        return send(request)
                .map(next -> next.refreshToken() == null
                        ? next.toBuilder().refreshToken(presented.secret()).build()
                        : next);
    }

    private Mono<Token> send(TokenRequest request, HttpHeaders headers) {
        byte[] body = request.body();
        AtomicReference<@Nullable Instant> leftAt = new AtomicReference<>();
        return http.post()
                .uri(request.peer().uri())
                .send((head, outbound) -> {
                    head.requestHeaders()
                            .set(HttpHeaderNames.USER_AGENT, USER_AGENT)
                            .set(HttpHeaderNames.ACCEPT, "application/json")
                            .set(
                                    HttpHeaderNames.CONTENT_TYPE,
                                    request.encoding().contentType())
                            .remove(HttpHeaderNames.ACCEPT_ENCODING)
                            .setAll(headers);
                    return outbound.send(Mono.fromSupplier(() -> {
                        // Asked for when the connection stands and the next thing is the write.
                        leftAt.set(clock.instant());
                        return Unpooled.wrappedBuffer(body);
                    }));
                })
                .response((response, content) -> bounded(content.asByteArray())
                        .map(bytes -> new TokenResponse(
                                request, response.status().code(), response.responseHeaders(), bytes)))
                .single()
                .timeout(deadlines.next())
                .onErrorMap(error -> TransportFailure.of(request.peer(), error, leftAt.get() != null))
                // A server may answer a request that it has not seen, with 408 on an idle connection for one.
                .map(response ->
                        response.token(Objects.requireNonNullElseGet(leftAt.get(), clock::instant), clock.instant()));
    }

    /**
     * All chunks of one answer, or as many as are one byte too many: the rest is then cancelled unread. For one subscriber, as
     * the answer is.
     */
    private static Mono<byte[]> bounded(Flux<byte[]> chunks) {
        ByteArrayOutputStream sum = new ByteArrayOutputStream();
        return chunks.takeUntil(chunk -> {
                    sum.write(chunk, 0, Math.min(chunk.length, TokenResponse.LONGEST_BODY + 1 - sum.size()));
                    return sum.size() > TokenResponse.LONGEST_BODY;
                })
                .then(Mono.fromSupplier(sum::toByteArray));
    }
}
