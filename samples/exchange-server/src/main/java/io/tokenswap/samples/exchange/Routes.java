package io.tokenswap.samples.exchange;

import com.github.benmanes.caffeine.cache.Ticker;
import io.netty.handler.codec.http.HttpMethod;
import io.tokenswap.TokenEndpoint;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** Which request is whose. Paths are compared as they came: a path that is spelled another way is another path. */
final class Routes {

    private static final Logger log = LoggerFactory.getLogger(Routes.class);

    private final boolean secure;
    private final Map<String, Map<HttpMethod, Handler>> table;
    private final AtomicInteger inFlight = new AtomicInteger();

    Routes(
            ExchangeServerConfig config,
            PublicUrl publicUrl,
            TokenEndpoint provider,
            Seals seals,
            InstantSource clock,
            Ticker ticker) {
        AuthorizeRoute authorize = new AuthorizeRoute(config, publicUrl, seals, clock);
        CallbackRoute callback = new CallbackRoute(publicUrl, seals, clock);
        TokenRoute token = new TokenRoute(
                config,
                provider,
                new ProviderRequests(SharedClaims.ofOneInstance(), ticker),
                new ProviderPlaces(config.providerConnections, config.providerWaiting),
                new ProviderBreaker(clock),
                seals,
                publicUrl,
                uri -> isKnown(uri, config, publicUrl),
                clock);

        Handler start = page(authorize::handle);
        Handler swap = request -> token.handle(request, GrantType.AUTHORIZATION_CODE);
        Handler refresh = request -> token.handle(request, GrantType.REFRESH_TOKEN);
        this.secure = publicUrl.isSecure();
        Map<HttpMethod, Handler> oneUri =
                Map.of(HttpMethod.GET, start, HttpMethod.POST, request -> token.handle(request, null));
        this.table = new HashMap<>();
        add(oneUri, "/", "/index.php");
        add(Map.of(HttpMethod.GET, start), "/authorize");
        add(Map.of(HttpMethod.GET, page(callback::handle), HttpMethod.POST, page(Routes::formPost)), "/callback");
        add(Map.of(HttpMethod.POST, swap), "/swap", "/api/token", "/v1/swap");
        add(Map.of(HttpMethod.POST, refresh), "/refresh", "/api/refresh_token", "/v1/refresh");
    }

    /** Adds paths of one meaning. Deployed clients send each with or without a final slash. */
    private void add(Map<HttpMethod, Handler> methods, String... paths) {
        for (String path : paths) {
            table.put(path, methods);
            table.put(path.endsWith("/") ? path : path + "/", methods);
        }
    }

    Mono<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        return Mono.defer(() -> {
                    inFlight.incrementAndGet();
                    return handler(request).handle(request);
                })
                // Nobody is there any more to be answered.
                .onErrorComplete(AbortedException::isConnectionReset)
                .onErrorResume(failure -> Mono.just(
                        ServerResponse.json(failure instanceof ErrorResponse refusal ? refusal : unexpected(failure))))
                .map(answer -> secure ? answer.with("Strict-Transport-Security", "max-age=31536000") : answer)
                .flatMap(answer -> answer.writeTo(response))
                .doFinally(end -> inFlight.decrementAndGet());
    }

    int requestsInFlight() {
        return inFlight.get();
    }

    private Handler handler(HttpServerRequest request) {
        Map<HttpMethod, Handler> methods = table.get(RequestTarget.of(request).path());
        if (methods == null) {
            throw new ErrorResponse(404, "invalid_request", "There is nothing at this path");
        }
        Handler handler = methods.get(request.method());
        if (handler == null) {
            String allowed =
                    methods.keySet().stream().map(HttpMethod::name).sorted().collect(Collectors.joining(", "));
            throw new ErrorResponse(405, "invalid_request", "This path serves " + allowed, Map.of("Allow", allowed));
        }
        return handler;
    }

    /** Whether a swap may name this redirect URI: where logins end, or this server in any of its roles. */
    private boolean isKnown(String uri, ExchangeServerConfig config, PublicUrl publicUrl) {
        return config.returnUris.permits(uri)
                || uri.equals(publicUrl.base().toString())
                || table.keySet().stream().anyMatch(path -> uri.equals(publicUrl.resolve(path)));
    }

    /** The provider sent the code by POST, to a person's browser. */
    private static ServerResponse formPost(HttpServerRequest request) {
        throw new ErrorResponse(
                405,
                "invalid_request",
                "The provider sends its response by POST: the operator sets response_mode to query at the provider",
                Map.of("Allow", "GET"));
    }

    /** A handler for a browser: a person reads its refusals. */
    private static Handler page(Function<HttpServerRequest, ServerResponse> handler) {
        return request -> Mono.fromSupplier(() -> handler.apply(request))
                .onErrorResume(ErrorResponse.class, refusal -> Mono.just(Page.stopped(refusal)));
    }

    private static ErrorResponse unexpected(Throwable failure) {
        // Where it happened and nothing of its message, which may quote the request.
        StackTraceElement[] trace = failure.getStackTrace();
        log.error("Unexpected {} at {}", failure.getClass().getName(), trace.length == 0 ? "?" : trace[0]);
        return new ErrorResponse(500, "server_error", "Something went wrong here");
    }

    /** Makes the answer to a request. */
    private interface Handler {
        Mono<ServerResponse> handle(HttpServerRequest request);
    }
}
