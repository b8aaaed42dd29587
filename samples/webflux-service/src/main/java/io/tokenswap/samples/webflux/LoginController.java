package io.tokenswap.samples.webflux;

import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import java.net.URI;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Signs users in and out: starts a login, receives its redirect, and makes a session of its code. */
@RestController
final class LoginController {

    private static final Logger log = LoggerFactory.getLogger(LoginController.class);

    private final ExchangeServerEndpoint exchange;
    private final PendingLogins pending;
    private final Sessions sessions;
    private final PublicUrl publicUrl;
    private final Set<String> scopes;
    private final BrowserCookie loginCookie;
    private final BrowserCookie sessionCookie;
    private final Ids ids;

    LoginController(
            ExchangeServerEndpoint exchange,
            PendingLogins pending,
            Sessions sessions,
            PublicUrl publicUrl,
            Settings settings,
            Ids ids) {
        this.ids = ids;
        this.exchange = exchange;
        this.pending = pending;
        this.sessions = sessions;
        this.publicUrl = publicUrl;
        this.scopes = settings.service().scopes();
        this.loginCookie = BrowserCookie.of("login", publicUrl);
        this.sessionCookie = BrowserCookie.of("session", publicUrl);
    }

    /** Sends the browser through the exchange server. */
    @GetMapping("/login")
    ResponseEntity<Void> login(ServerHttpRequest request) {
        if (publicUrl.isAliasedBy(request.getHeaders().getHost())) {
            return seeOther(publicUrl.resolve("/login")).build();
        }
        AuthorizationRequest login =
                exchange.authorizationRequest().scopes(scopes).build(publicUrl.resolve("/auth"));
        String known = loginCookie.in(request);
        String browser = known != null && pending.isKnown(known) ? known : ids.random();
        pending.add(browser, login);
        return seeOther(login.uri())
                .header(
                        HttpHeaders.SET_COOKIE,
                        loginCookie.set(browser, PendingLogins.LIFE).toString())
                .build();
    }

    /** Receives the code. */
    @GetMapping("/auth")
    Mono<ResponseEntity<String>> auth(ServerHttpRequest request) {
        AuthorizationResponse response =
                pending.validate(loginCookie.in(request), request.getURI().getRawQuery());
        if (response instanceof AuthorizationResponse.Granted granted) {
            return exchange.swap(granted.code()).map(token -> signedIn(request, token));
        }
        if (response instanceof AuthorizationResponse.Failed failed) {
            return Mono.error(failed.error());
        }
        return Mono.just(ProblemPage.of(new Problem(
                HttpStatus.BAD_REQUEST,
                "This link does not belong to your sign-in",
                "That sign-in was begun in another browser, or more than ten minutes ago, or it has already ended."
                        + " A sign-in that you have begun in another tab continues.")));
    }

    @PostMapping("/logout")
    ResponseEntity<Void> logout(ServerHttpRequest request) {
        sessions.close(sessionCookie.in(request));
        return seeOther(publicUrl.resolve("/"))
                .header(HttpHeaders.SET_COOKIE, sessionCookie.clear().toString())
                .build();
    }

    private ResponseEntity<String> signedIn(ServerHttpRequest request, Token token) {
        sessions.close(sessionCookie.in(request));
        String id = sessions.open(TokenSession.builder(exchange).build(token));
        return seeOther(publicUrl.resolve("/"))
                .header(HttpHeaders.SET_COOKIE, sessionCookie.set(id, null).toString())
                .build();
    }

    @ExceptionHandler
    ResponseEntity<String> failed(TokenSwapException error) {
        Problem problem = Problem.of(error);
        if (problem.status().is5xxServerError()) {
            log.warn("A sign-in failed: {}", error.getMessage());
        }
        return ProblemPage.of(problem);
    }

    private static ResponseEntity.BodyBuilder seeOther(URI location) {
        return ResponseEntity.status(HttpStatus.SEE_OTHER).location(location);
    }
}
