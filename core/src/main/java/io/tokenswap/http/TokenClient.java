package io.tokenswap.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.util.AttributeKey;
import io.tokenswap.Token;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.util.retry.Retry;

/**
 * Sends token requests, all by the same rules: one request for each subscription, no retry, no redirect, no
 * compression, five seconds to connect, a timeout for the whole, at most 64 KiB of response, and no unsolicited
 * response. These rules are applied on top of the caller's {@link HttpClient}.
 *
 * <p>A swap uses a new connection. A pooled one may be closed by the server while the request is sent, and a code
 * cannot be sent twice.
 */
final class TokenClient {

    private static final int CONNECT_MILLIS = 5_000;
    private static final String USER_AGENT = "reactive-token-swap";

    /** Keeps the connections of swaps apart: a pool of Reactor Netty is found by the attributes of its connections, too. */
    private static final AttributeKey<Boolean> SWAP = AttributeKey.valueOf("io.tokenswap.swap");

    private static final Set<HttpProtocol> HTTP_2 = Set.of(HttpProtocol.H2, HttpProtocol.H2C);

    /** Tries another connection if another swap was the first on the one that the pool offered to both. */
    private static final Retry ANOTHER_CONNECTION = Retry.max(8)
            .filter(TokenClient::isTakenByAnotherSwap)
            .onRetryExhaustedThrow((retry, last) -> last.failure());

    /**
     * Client for callers that set none. An idle one is closed early: a refresh an hour later would find a connection
     * that the server has closed, and a request that is lost on one may have been processed. A busy one is closed after
     * five minutes, so that a changed DNS entry is followed.
     */
    static final HttpClient DEFAULT = HttpClient.create(ConnectionProvider.builder("tokenswap")
            .maxConnections(500)
            .pendingAcquireMaxCount(-1)
            .maxIdleTime(Duration.ofSeconds(10))
            .maxLifeTime(Duration.ofMinutes(5))
            .build());

    private final HttpClient http;
    private final RequestTimeouts timeouts;
    private final InstantSource clock;
    private final Consumer<? super HttpHeaders> customizer;

    TokenClient(
            @Nullable HttpClient http,
            RequestTimeouts timeouts,
            InstantSource clock,
            Consumer<? super HttpHeaders> customizer) {
        this.http = withoutAuthentication(http == null ? DEFAULT : http)
                .disableRetry(true)
                .followRedirect(false)
                .compress(false)
                // Wire logs would hold every secret.
                .wiretap(false)
                .doOnChannelInit((observer, channel, address) -> UnsolicitedResponseGuard.on(channel))
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS);
        this.timeouts = timeouts;
        this.clock = clock;
        this.customizer = customizer;
    }

    /** Switches off an authentication that would send a refused request again. */
    private static HttpClient withoutAuthentication(HttpClient http) {
        try {
            return http.httpAuthentication((request, response) -> false, (request, address) -> {});
        } catch (NoSuchMethodError missing) {
            // Reactor Netty 1.2, which Spring Boot 3.5 manages, has no such authentication.
            return http;
        }
    }

    /** Sends refreshes to a URI. */
    Sender refreshes(URI uri) {
        return new Sender(exchange(http, uri, false));
    }

    /** Sends swaps to a URI, each on a new connection. */
    Sender swaps(URI uri) {
        Flux<TokenResponse> exchange = exchange(http.attr(SWAP, true).keepAlive(false), uri, true);
        boolean isMultiplexed = Arrays.stream(http.configuration().protocols()).anyMatch(HTTP_2::contains);
        return new Sender(isMultiplexed ? exchange.retryWhen(ANOTHER_CONNECTION) : exchange);
    }

    /**
     * Sends to one URI. What all requests have in common is assembled once; each takes its {@link InFlightRequest} from the
     * context.
     */
    final class Sender {

        private final Publisher<TokenResponse> exchange;
        private final boolean proxied = http.configuration().hasProxy();

        private Sender(Publisher<TokenResponse> exchange) {
            this.exchange = exchange;
        }

        /**
         * Makes and sends a request at each subscription, and makes a token of the response.
         *
         * @param request makes the request, and may add to its headers
         */
        Mono<Token> send(Function<? super HttpHeaders, TokenRequest> request) {
            return Mono.create(sink -> {
                HttpHeaders headers = new DefaultHttpHeaders();
                customizer.accept(headers);
                new InFlightRequest(request.apply(headers), headers, clock, timeouts, proxied, sink).start(exchange);
            });
        }
    }

    private static Flux<TokenResponse> exchange(HttpClient http, URI uri, boolean newConnection) {
        return http.post()
                .uri(uri)
                .send((head, outbound) -> {
                    InFlightRequest call = head.currentContextView().get(InFlightRequest.class);
                    outbound.withConnection(connection -> {
                        call.connected(connection.channel());
                        if (newConnection) {
                            closeAfterUse(connection);
                        }
                    });
                    head.requestHeaders()
                            .set(HttpHeaderNames.USER_AGENT, USER_AGENT)
                            .set(HttpHeaderNames.ACCEPT, "application/json")
                            .set(
                                    HttpHeaderNames.CONTENT_TYPE,
                                    call.request().encoding().contentType())
                            .remove(HttpHeaderNames.ACCEPT_ENCODING)
                            .setAll(call.headers());
                    // Called when the connection is established and the next step is the write.
                    return outbound.send(Mono.defer(
                            () -> call.markSent() ? Mono.just(Unpooled.wrappedBuffer(call.body())) : Mono.never()));
                })
                .response((response, content) -> ResponseBody.of(content, TokenResponse.LONGEST_BODY)
                        .map(bytes -> new TokenResponse(
                                response.currentContextView()
                                        .get(InFlightRequest.class)
                                        .request(),
                                response.status().code(),
                                response.responseHeaders(),
                                bytes)));
    }

    /**
     * Returns true if the pool offered a new HTTP/2 connection to a swap, and another swap opened its only stream
     * first. Nothing was sent. The pool itself tries only one other connection.
     */
    private static boolean isTakenByAnotherSwap(Throwable error) {
        String message = error.getMessage();
        return error instanceof IOException && message != null && message.startsWith("Error while acquiring from");
    }

    /** Prevents another use of the connection, even if the server offers it. */
    @SuppressWarnings("FutureReturnValueIgnored")
    private static void closeAfterUse(Connection connection) {
        Channel parent = connection.channel().parent();
        if (parent == null) {
            connection.markPersistent(false);
        } else {
            refuseMoreStreams(parent);
            connection.onTerminate().subscribe(null, error -> parent.close(), parent::close);
        }
    }

    /**
     * Makes the pool treat an HTTP/2 connection as one whose server has announced its end: the open stream continues,
     * and no other is opened. Closing the connection after the response would be too late, because the next swap may
     * have chosen it by then.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9113#section-6.8">RFC 9113 section 6.8</a>
     */
    private static void refuseMoreStreams(Channel parent) {
        Http2FrameCodec codec = parent.pipeline().get(Http2FrameCodec.class);
        if (codec != null && !codec.connection().goAwayReceived()) {
            try {
                codec.connection().goAwayReceived(Integer.MAX_VALUE, Http2Error.NO_ERROR.code(), Unpooled.EMPTY_BUFFER);
            } catch (Http2Exception impossible) {
                throw new IllegalStateException(
                        "The last stream of a first announcement can have any number", impossible);
            }
        }
    }
}
