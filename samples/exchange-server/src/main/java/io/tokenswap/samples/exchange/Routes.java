package io.tokenswap.samples.exchange;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.tokenswap.samples.exchange.limit.RateLimits;
import io.tokenswap.samples.exchange.operation.Metrics;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/**
 * Selects the handler of a request, and adds the headers of all responses. Paths are compared as received: a path in another
 * spelling is another path.
 */
final class Routes {

    private static final Logger log = LoggerFactory.getLogger(Routes.class);

    private final ExchangeServerConfig config;
    private final boolean secure;
    private final Readiness readiness;
    private final RateLimits limits;
    private final Metrics metrics;
    private final Map<String, Route> table = new HashMap<>();
    private final AtomicInteger inFlight = new AtomicInteger();

    Routes(
            ExchangeServerConfig config,
            PublicUrl publicUrl,
            AuthorizeRoute authorize,
            CallbackRoute callback,
            TokenRoute token,
            Readiness readiness,
            RateLimits limits,
            Metrics metrics) {
        this.config = config;
        this.secure = publicUrl.isSecure();
        this.readiness = readiness;
        this.limits = limits;
        this.metrics = metrics;

        Handler start = page(authorize::handle);
        Handler startOrStatus =
                page(request -> request.uri().indexOf('?') < 0 ? Page.running() : authorize.handle(request));
        Handler tokens = (request, caller) -> token.handle(request, caller, null);
        Handler swap = (request, caller) -> token.handle(request, caller, GrantType.AUTHORIZATION_CODE);
        Handler refresh = (request, caller) -> token.handle(request, caller, GrantType.REFRESH_TOKEN);
        // HAProxy checks a server by OPTIONS / unless told otherwise.
        Handler options =
                (request, caller) -> Mono.just(ServerResponse.empty(204).with("Allow", "GET, POST"));
        add(
                "one-uri",
                Map.of(HttpMethod.GET, startOrStatus, HttpMethod.POST, tokens, HttpMethod.OPTIONS, options),
                "/");
        add("one-uri", Map.of(HttpMethod.GET, start, HttpMethod.POST, tokens), "/index.php");
        add("authorize", Map.of(HttpMethod.GET, start), "/authorize");
        add(
                "callback",
                Map.of(HttpMethod.GET, page(callback::handle), HttpMethod.POST, page(Routes::formPost)),
                "/callback");
        add("swap", Map.of(HttpMethod.POST, swap), "/swap", "/api/token", "/v1/swap");
        add("refresh", Map.of(HttpMethod.POST, refresh), "/refresh", "/api/refresh_token", "/v1/refresh");
        add("live", Map.of(HttpMethod.GET, (request, caller) -> Mono.just(Readiness.live())), "/health/live");
        add("ready", Map.of(HttpMethod.GET, (request, caller) -> Mono.just(readiness.ready())), "/health/ready");
    }

    /** Adds paths of one meaning. Deployed clients send each with or without a final slash. */
    private void add(String name, Map<HttpMethod, Handler> methods, String... paths) {
        Route route = new Route(name, methods);
        for (String path : paths) {
            table.put(path, route);
            table.put(path.endsWith("/") ? path : path + "/", route);
        }
    }

    Set<String> paths() {
        return table.keySet();
    }

    int requestsInFlight() {
        return inFlight.get();
    }

    Mono<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        return Mono.defer(() -> {
                    inFlight.incrementAndGet();
                    long startedAt = System.nanoTime();
                    Caller caller = Caller.of(request, config.trustedProxies);
                    Route route = table.get(RequestTarget.path(request));
                    return respond(request, caller, route).flatMap(outcome -> {
                        complete(response, request, caller, route);
                        metrics.response(
                                route == null ? "other" : route.name,
                                outcome.status(),
                                Duration.ofNanos(System.nanoTime() - startedAt));
                        return outcome.writeTo(response, request.method().equals(HttpMethod.HEAD));
                    });
                })
                .doFinally(end -> inFlight.decrementAndGet());
    }

    private Mono<ServerResponse> respond(HttpServerRequest request, Caller caller, @Nullable Route route) {
        return Mono.defer(() -> handler(request, route).handle(request, caller))
                // The client has hung up, so there is no one to respond to.
                .onErrorComplete(failure -> failure instanceof IOException || failure instanceof AbortedException)
                .onErrorResume(failure -> {
                    ErrorResponse error =
                            failure instanceof ErrorResponse refused ? refused : unexpected(failure, caller);
                    return Mono.just(limited(error, caller).toServerResponse());
                });
    }

    private Handler handler(HttpServerRequest request, @Nullable Route route) {
        if (route == null) {
            throw new ErrorResponse(404, "invalid_request", "There is nothing at this path");
        }
        if (route.name.equals("live") || route.name.equals("ready")) {
            return route.handler(request.method());
        }
        Duration wait = limits.total();
        if (wait != null) {
            metrics.limited("total");
            throw ErrorResponse.tooManyRequests(wait);
        }
        if (request.method().equals(HttpMethod.OPTIONS) && config.allowedOrigins.isPreflight(request)) {
            return (preflight, caller) -> Mono.just(config.allowedOrigins.preflight());
        }
        return route.handler(request.method());
    }

    /** Counts a failed request against its address, and replaces its response when there were too many. */
    private ErrorResponse limited(ErrorResponse error, Caller caller) {
        if (!error.isCallersFault()) {
            return error;
        }
        Duration wait = limits.failure(caller.address());
        if (wait == null) {
            return error;
        }
        metrics.limited("failures");
        ErrorResponse limited = ErrorResponse.tooManyRequests(wait);
        return error.isForPerson() ? limited.forPerson() : limited;
    }

    /** Sets the headers that do not depend on the outcome. */
    private void complete(
            HttpServerResponse response, HttpServerRequest request, Caller caller, @Nullable Route route) {
        if (readiness.isDraining()) {
            response.keepAlive(false);
        }
        HttpHeaders headers = response.responseHeaders();
        headers.set(Caller.REQUEST_ID, caller.requestId());
        if (secure) {
            headers.set("Strict-Transport-Security", "max-age=31536000");
        }
        if (route != null && route.methods.containsKey(HttpMethod.POST)) {
            config.allowedOrigins.headers(request).forEach(headers::set);
        }
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
        return (request, caller) -> Mono.fromSupplier(() -> handler.apply(request))
                .onErrorMap(ErrorResponse.class, ErrorResponse::forPerson);
    }

    private static ErrorResponse unexpected(Throwable failure, Caller caller) {
        // The place, and nothing of the message, which may quote the request.
        StackTraceElement[] trace = failure.getStackTrace();
        log.error(
                "Unexpected {} at {} (request {})",
                failure.getClass().getName(),
                trace.length == 0 ? "?" : trace[0],
                caller.requestId());
        return new ErrorResponse(500, "server_error", "Something went wrong here");
    }

    /** A path and what it serves. */
    private record Route(String name, Map<HttpMethod, Handler> methods) {

        Handler handler(HttpMethod method) {
            Handler handler = methods.get(method.equals(HttpMethod.HEAD) ? HttpMethod.GET : method);
            if (handler == null) {
                String allowed = methods.keySet().stream()
                        .map(HttpMethod::name)
                        .filter(name -> !name.equals("OPTIONS"))
                        .sorted()
                        .collect(Collectors.joining(", "));
                throw new ErrorResponse(
                        405, "invalid_request", "This path serves " + allowed, Map.of("Allow", allowed));
            }
            return handler;
        }
    }

    /** Makes the response to a request. */
    private interface Handler {
        Mono<ServerResponse> handle(HttpServerRequest request, Caller caller);
    }
}
