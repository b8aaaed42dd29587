package io.tokenswap.samples.webflux;

import io.tokenswap.TokenSwapException;
import io.tokenswap.session.TokenSession;
import java.net.URI;
import org.springframework.core.codec.CodecException;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClientException;
import org.springframework.web.reactive.function.client.WebClientResponseException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/** Endpoints for a signed-in browser. */
@RestController
final class SessionController {

    private final Sessions sessions;
    private final SessionNews news;
    private final WebClient api;
    private final URI meUrl;
    private final BrowserCookie sessionCookie;

    SessionController(Sessions sessions, SessionNews news, WebClient api, PublicUrl publicUrl, Settings settings) {
        this.sessions = sessions;
        this.news = news;
        this.api = api;
        this.meUrl = settings.provider().meUrl();
        this.sessionCookie = BrowserCookie.of("session", publicUrl);
    }

    /** Returns the user as the provider knows them. A token that the provider refuses is replaced once. */
    @GetMapping("/me")
    Mono<JsonNode> me(ServerHttpRequest request) {
        return session(request)
                .withToken(
                        token -> api.get()
                                .uri(meUrl)
                                .headers(headers -> headers.setBearerAuth(
                                        token.accessToken().secret()))
                                .retrieve()
                                .bodyToMono(JsonNode.class),
                        WebClientResponseException.Unauthorized.class::isInstance);
    }

    /** Returns the events of the session, until it ends. */
    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<ServerSentEvent<?>> events(ServerHttpRequest request) {
        // Each sign of life that the browser is sent finds the session again, so that one that is watched is not idle.
        return news.of(session(request), () -> sessions.find(sessionCookie.in(request)));
    }

    private TokenSession session(ServerHttpRequest request) {
        TokenSession session = sessions.find(sessionCookie.in(request));
        if (session == null) {
            throw new NotSignedInException();
        }
        return session;
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> notSignedIn(NotSignedInException error) {
        return problem(new Problem(
                HttpStatus.UNAUTHORIZED,
                "Not signed in",
                "This browser has no session here, or none any more: sign in."));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> noToken(TokenSwapException error) {
        return problem(Problem.of(error));
    }

    @ExceptionHandler({WebClientException.class, CodecException.class})
    ResponseEntity<ProblemDetail> apiFailed(Exception error) {
        return problem(Problem.ofApi(error));
    }

    private static ResponseEntity<ProblemDetail> problem(Problem problem) {
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(problem.status(), problem.text());
        detail.setTitle(problem.title());
        return ResponseEntity.status(problem.status())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(detail);
    }

    static final class NotSignedInException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }
}
