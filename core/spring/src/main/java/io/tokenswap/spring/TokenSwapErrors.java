package io.tokenswap.spring;

import io.tokenswap.SessionClosedException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.session.TokenSessions;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.codec.HttpMessageWriter;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.reactive.result.view.ViewResolver;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;

/**
 * Responses for the errors of the library that no handler of the application has taken.
 *
 * <pre>
 *  a login is required   303 to the login path for a page load, otherwise 401
 *  unavailable           503 with Retry-After
 *  all others            502
 * </pre>
 *
 * <p>A page load gets a page, and a script a problem document (RFC 9457).
 */
final class TokenSwapErrors implements WebExceptionHandler, Ordered {

    private static final Logger log = LoggerFactory.getLogger(TokenSwapErrors.class);

    private final TokenSwapProperties.Web paths;
    private final TokenSessions sessions;
    private final PublicUri publicUri;
    private final Writers writers;

    TokenSwapErrors(
            TokenSwapProperties properties, TokenSessions sessions, PublicUri publicUri, ServerCodecConfigurer codecs) {
        this.paths = properties.web();
        this.sessions = sessions;
        this.publicUri = publicUri;
        this.writers = new Writers(codecs);
    }

    /** Before handlers that take every error: Spring Boot's is at -1, and those of applications usually are at -2. */
    @Override
    public int getOrder() {
        return -3;
    }

    @Override
    public Mono<Void> handle(ServerWebExchange exchange, Throwable thrown) {
        if (!(thrown instanceof TokenSwapException error)
                || exchange.getResponse().isCommitted()) {
            return Mono.error(thrown);
        }
        Problem problem = problem(error);
        boolean isPage = acceptsHtml(exchange.getRequest());
        if (problem.status() == HttpStatus.UNAUTHORIZED && isPage && isGet(exchange) && paths.enabled()) {
            return seeOther(loginUri(exchange.getRequest())).flatMap(response -> response.writeTo(exchange, writers));
        }
        if (problem.status().is5xxServerError()) {
            log.warn(
                    "{} {}: {}",
                    exchange.getRequest().getMethod(),
                    exchange.getRequest().getPath(),
                    error.getMessage());
        }
        return (isPage ? page(problem, exchange, error) : document(problem, error))
                .flatMap(response -> response.writeTo(exchange, writers));
    }

    private Problem problem(TokenSwapException error) {
        if (error instanceof SessionClosedException) {
            return sessions.isDisposed()
                    ? new Problem(
                            HttpStatus.SERVICE_UNAVAILABLE, "This service is shutting down", "Try again in a moment.")
                    // The session ended while the request ran: by a sign-out or by a sign-in in the same browser.
                    : new Problem(HttpStatus.UNAUTHORIZED, "Sign in", "The session has ended. Sign in again.");
        }
        Problem problem = Problem.of(error);
        // A failed sign-in is an error of this service's own path; elsewhere it is an error between two servers.
        return problem.status().is4xxClientError() && problem.status() != HttpStatus.UNAUTHORIZED
                ? new Problem(HttpStatus.BAD_GATEWAY, problem.title(), problem.text())
                : problem;
    }

    private Mono<ServerResponse> page(Problem problem, ServerWebExchange exchange, TokenSwapException error) {
        TokenSwapProperties.Web links = paths.under(publicUri.basePath(exchange.getRequest()));
        boolean again = isGet(exchange) && problem.status() == HttpStatus.SERVICE_UNAVAILABLE;
        return response(problem, error)
                .contentType(MediaType.TEXT_HTML)
                .headers(headers -> headers.putAll(
                        ProblemPage.response(problem.status()).build().getHeaders()))
                .bodyValue(again ? ProblemPage.repeatable(problem, links) : ProblemPage.of(problem, links));
    }

    private Mono<ServerResponse> document(Problem problem, TokenSwapException error) {
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(problem.status(), problem.text());
        detail.setTitle(problem.title());
        return response(problem, error)
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .bodyValue(detail);
    }

    private static ServerResponse.BodyBuilder response(Problem problem, TokenSwapException error) {
        ServerResponse.BodyBuilder response = ServerResponse.status(problem.status());
        String retryAfter = problem.status() == HttpStatus.SERVICE_UNAVAILABLE ? Problem.retryAfter(error) : null;
        if (problem.status() == HttpStatus.SERVICE_UNAVAILABLE) {
            response.header(HttpHeaders.RETRY_AFTER, retryAfter == null ? "5" : retryAfter);
        }
        return response;
    }

    private URI loginUri(ServerHttpRequest request) {
        String query = request.getURI().getRawQuery();
        String path = request.getPath().pathWithinApplication().value();
        String page = ReturnPath.accepted(path + (query == null ? "" : "?" + query));
        return publicUri.resolve(
                request,
                paths.loginPath() + (page == null ? "" : "?to=" + URLEncoder.encode(page, StandardCharsets.UTF_8)));
    }

    private static Mono<ServerResponse> seeOther(URI location) {
        return ServerResponse.seeOther(location)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .build();
    }

    private static boolean isGet(ServerWebExchange exchange) {
        return HttpMethod.GET.equals(exchange.getRequest().getMethod());
    }

    /** Browsers name HTML when they load a page, and scripts do not unless they mean it. */
    private static boolean acceptsHtml(ServerHttpRequest request) {
        return request.getHeaders().getOrEmpty("Sec-Fetch-Mode").stream().allMatch("navigate"::equals)
                && accept(request).stream().anyMatch(type -> type.equalsTypeAndSubtype(MediaType.TEXT_HTML));
    }

    private static List<MediaType> accept(ServerHttpRequest request) {
        try {
            return request.getHeaders().getAccept();
        } catch (RuntimeException malformed) {
            return List.of();
        }
    }

    private record Writers(ServerCodecConfigurer codecs) implements ServerResponse.Context {

        @Override
        public List<HttpMessageWriter<?>> messageWriters() {
            return codecs.getWriters();
        }

        @Override
        public List<ViewResolver> viewResolvers() {
            return List.of();
        }
    }
}
