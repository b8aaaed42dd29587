package io.tokenswap.spring;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.internal.Speculation;
import io.tokenswap.session.TokenSessions;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseCookie;
import org.springframework.http.ResponseEntity;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Signs users in and out. Not a {@code RestController}, because applications give those a common path prefix, and not final,
 * because aspects for controllers make a subclass.
 */
@Controller
class LoginController {

    private static final Logger log = LoggerFactory.getLogger(LoginController.class);

    private final ExchangeServerEndpoint endpoint;
    private final Redirects redirects;
    private final TokenSessions sessions;
    private final UserKeyResolver users;
    private final LoginCookies logins;
    private final PublicUri publicUri;
    private final TokenSwapProperties.Web paths;
    private final Set<String> scopes;

    LoginController(
            ExchangeServerEndpoint endpoint,
            Redirects redirects,
            TokenSessions sessions,
            UserKeyResolver users,
            LoginCookies logins,
            PublicUri publicUri,
            TokenSwapProperties properties) {
        this.endpoint = endpoint;
        this.redirects = redirects;
        this.sessions = sessions;
        this.users = users;
        this.logins = logins;
        this.publicUri = publicUri;
        this.paths = properties.web();
        this.scopes = properties.scopes();
    }

    /** Sends the browser to the exchange server. */
    @GetMapping("${tokenswap.web.login-path:/login}")
    ResponseEntity<Void> login(ServerHttpRequest request, @RequestParam(required = false) @Nullable String to) {
        if (isSpeculative(request)) {
            return refused();
        }
        String page = pageOf(to);
        if (publicUri.isAliasedBy(request.getHeaders().getHost())) {
            String query = page == null ? "" : "?to=" + URLEncoder.encode(page, StandardCharsets.UTF_8);
            return seeOther(publicUri.resolve(request, paths.loginPath() + query))
                    .build();
        }
        AuthorizationRequest login =
                endpoint.authorizationRequest().scopes(scopes).build(publicUri.resolve(request, paths.redirectPath()));
        return withCookies(seeOther(login.uri()), logins.begin(request, login, page))
                .build();
    }

    /** The redirect URI. */
    @GetMapping("${tokenswap.web.redirect-path:/auth}")
    Mono<ResponseEntity<String>> redirect(ServerWebExchange exchange) {
        ServerHttpRequest request = exchange.getRequest();
        if (isSpeculative(request) || !isNavigation(request)) {
            return Mono.just(refused());
        }
        LoginCookies.Login login;
        try {
            login = logins.find(request);
        } catch (AuthorizationFailedException tooLate) {
            return Mono.just(page(tooLate).body(ProblemPage.of(problem(tooLate), links(request))));
        }
        AuthorizationResponse response = login == null
                ? new AuthorizationResponse.Ignored("This browser has begun no such sign-in")
                : login.request().validate(request.getURI().getRawQuery());
        if (login != null && response instanceof AuthorizationResponse.Granted granted) {
            String before = users instanceof CookieUsers cookieUsers ? cookieUsers.currentKey(exchange) : null;
            return user(exchange)
                    .flatMap(user ->
                            redirects.finish(login.cookie(), granted.code(), token -> signIn(user, before, token)))
                    .map(id -> signedIn(exchange, login, id))
                    .onErrorResume(TokenSwapException.class, error -> Mono.just(failed(request, login, error)));
        }
        if (login != null && response instanceof AuthorizationResponse.Failed failed) {
            return Mono.just(failed(request, login, failed.error()));
        }
        Problem problem = new Problem(
                HttpStatus.BAD_REQUEST,
                "This is not the response to your sign-in",
                "It was begun in another browser, or more than ten minutes ago, or it has ended already."
                        + " A sign-in in another tab continues.");
        return Mono.just(ProblemPage.response(problem.status()).body(ProblemPage.of(problem, links(request))));
    }

    @PostMapping("${tokenswap.web.logout-path:/logout}")
    Mono<ResponseEntity<Void>> logout(ServerWebExchange exchange) {
        if (!isFromThisService(exchange.getRequest())) {
            log.debug("A sign-out from another site was refused");
            return Mono.just(refused());
        }
        ResponseEntity.BodyBuilder home = seeOther(publicUri.resolve(exchange.getRequest(), paths.homePath()));
        if (users instanceof CookieUsers cookieUsers) {
            home.header(HttpHeaders.SET_COOKIE, cookieUsers.removal(exchange).toString());
        }
        return users.resolve(exchange).flatMap(sessions::signOut).then(Mono.fromSupplier(home::build));
    }

    /**
     * Returns the user of a sign-in, empty for one who gets a new cookie. The user is asked for before the code is used up, and
     * in the context of the request, which holds the principal of Spring Security. The swap has another context.
     */
    private Mono<String> user(ServerWebExchange exchange) {
        if (users instanceof CookieUsers) {
            return Mono.just("");
        }
        return users.resolve(exchange)
                .filter(user -> !user.isBlank())
                .switchIfEmpty(Mono.error(() -> new AuthorizationFailedException(
                        "This service does not know whose sign-in this is. Log in here first.", null, null)));
    }

    /**
     * Returns what the browser keeps of the user: the id of the cookie, or nothing. The outcome of a redirect is kept for
     * a while, so that this must not hold the request.
     *
     * @param user the user, empty for one who gets a new cookie
     * @param before the user that the browser has a cookie of, or null
     */
    private Mono<String> signIn(String user, @Nullable String before, io.tokenswap.Token token) {
        if (!(users instanceof CookieUsers)) {
            return sessions.signIn(user, token).thenReturn("");
        }
        String id = CookieUsers.newId();
        return sessions.signIn(CookieUsers.key(id), token)
                .then(before == null ? Mono.empty() : signOut(before))
                .thenReturn(id);
    }

    /** The browser forgets this user now, so the record could not be reached any more. */
    private Mono<Void> signOut(String before) {
        return sessions.signOut(before)
                .doOnError(error -> log.warn("The former sign-in of a browser was not removed: {}", error.getMessage()))
                .onErrorComplete();
    }

    private ResponseEntity<String> signedIn(ServerWebExchange exchange, LoginCookies.Login login, String id) {
        String page = login.page() == null ? paths.homePath() : login.page();
        ResponseEntity.BodyBuilder response = seeOther(publicUri.resolve(exchange.getRequest(), page))
                .header(HttpHeaders.SET_COOKIE, logins.keepForRepeats(login).toString());
        if (users instanceof CookieUsers cookieUsers) {
            response.header(
                    HttpHeaders.SET_COOKIE, cookieUsers.cookie(exchange, id).toString());
        }
        return response.build();
    }

    private ResponseEntity<String> failed(
            ServerHttpRequest request, LoginCookies.Login login, TokenSwapException error) {
        TokenSwapProperties.Web links = links(request);
        boolean again = error instanceof TokenUnavailableException unavailable
                && (Redirects.isCodeUnused(unavailable)
                        || unavailable.reason() == TokenUnavailableException.Reason.STORE_FAILED);
        // A repetition can still succeed, or gets the same page for a minute.
        ResponseCookie cookie = logins.keepForRepeats(login);
        Problem problem = problem(error);
        return page(error)
                .header(HttpHeaders.SET_COOKIE, cookie.toString())
                .body(again ? ProblemPage.repeatable(problem, links) : ProblemPage.of(problem, links));
    }

    private static Problem problem(TokenSwapException error) {
        Problem problem = Problem.of(error);
        if (problem.status().is5xxServerError()) {
            log.warn("A sign-in failed: {}", error.getMessage());
        }
        return problem;
    }

    private static ResponseEntity.BodyBuilder page(TokenSwapException error) {
        ResponseEntity.BodyBuilder response =
                ProblemPage.response(Problem.of(error).status());
        String retryAfter = Problem.retryAfter(error);
        return retryAfter == null ? response : response.header(HttpHeaders.RETRY_AFTER, retryAfter);
    }

    private TokenSwapProperties.Web links(ServerHttpRequest request) {
        return paths.under(publicUri.basePath(request));
    }

    private @Nullable String pageOf(@Nullable String to) {
        String page = ReturnPath.accepted(to);
        if (page == null) {
            return null;
        }
        String path = page.split("\\?", 2)[0];
        boolean isOurs =
                path.equals(paths.loginPath()) || path.equals(paths.redirectPath()) || path.equals(paths.logoutPath());
        return isOurs ? null : page;
    }

    /** A browser that fetches ahead of the navigation, or a program that asks for headers only: neither may use up a code. */
    private static boolean isSpeculative(ServerHttpRequest request) {
        HttpHeaders headers = request.getHeaders();
        return !HttpMethod.GET.equals(request.getMethod())
                || Speculation.HEADERS.stream().anyMatch(headers::containsHeader);
    }

    /** Browsers send these headers and let no script forge them. Old browsers and other programs send none of them. */
    private static boolean isNavigation(ServerHttpRequest request) {
        HttpHeaders headers = request.getHeaders();
        return headers.getOrEmpty("Sec-Fetch-Mode").stream().allMatch("navigate"::equals)
                && headers.getOrEmpty("Sec-Fetch-Dest").stream().allMatch("document"::equals);
    }

    /** Returns true if a page of this service has sent the request. A page without a referrer sends the origin {@code null}. */
    private boolean isFromThisService(ServerHttpRequest request) {
        String site = request.getHeaders().getFirst("Sec-Fetch-Site");
        return site != null
                ? site.equals("same-origin")
                : publicUri.origin().equals(request.getHeaders().getOrigin());
    }

    private static <T> ResponseEntity<T> refused() {
        return ResponseEntity.status(HttpStatus.FORBIDDEN)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .build();
    }

    private static ResponseEntity.BodyBuilder withCookies(
            ResponseEntity.BodyBuilder response, Iterable<ResponseCookie> cookies) {
        cookies.forEach(cookie -> response.header(HttpHeaders.SET_COOKIE, cookie.toString()));
        return response;
    }

    /** A 303 turns any method into a GET, and a browser never repeats a POST at the new address. */
    private static ResponseEntity.BodyBuilder seeOther(URI location) {
        return ResponseEntity.status(HttpStatus.SEE_OTHER)
                .location(location)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .header("Referrer-Policy", "no-referrer");
    }
}
