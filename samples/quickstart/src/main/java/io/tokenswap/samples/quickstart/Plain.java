package io.tokenswap.samples.quickstart;

import io.netty.handler.codec.http.cookie.Cookie;
import io.netty.handler.codec.http.cookie.CookieHeaderNames;
import io.netty.handler.codec.http.cookie.DefaultCookie;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.KeyRing;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSessions;
import java.net.URI;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;

/** Web service without a framework: many users sign in with their browsers. */
class Plain {
    static final KeyRing KEYS = KeyRing.of(System.getenv("SEAL_KEY"));
    static final URI CALLBACK = URI.create("https://music.example.com/auth");

    public static void main(String[] args) {
        ExchangeServerEndpoint exchange = ExchangeServerEndpoint.create("https://auth.example.com");
        TokenSessions sessions = TokenSessions.builder(exchange).build();
        HttpClient api = BearerAuthentication.apply(
                HttpClient.create().baseUrl("https://api.spotify.com"), sessions.current()); // one client, all users
        HttpServer.create()
                .port(8080)
                .route(routes -> routes.get("/login", (request, response) -> {
                            AuthorizationRequest login = exchange.authorizationRequest()
                                    .scopes("user-read-private")
                                    .build(CALLBACK);
                            return response.addCookie(cookie("login", login.seal(KEYS)))
                                    .sendRedirect(login.uri().toString());
                        })
                        .get(
                                "/auth",
                                (request, response) -> Mono.defer(() -> {
                                            AuthorizationRequest login = AuthorizationRequest.unseal(
                                                    cookie(request, "login"), KEYS, Duration.ofMinutes(10));
                                            String user =
                                                    UUID.randomUUID().toString(); // a new, secret id for each sign-in
                                            return exchange.swap(login.validate(URI.create(request.uri())
                                                                    .getRawQuery())
                                                            .orElseThrow())
                                                    .flatMap(token -> sessions.signIn(user, token))
                                                    .then(Mono.defer(() -> response.addCookie(cookie("user", user))
                                                            .addCookie(cookie("login", ""))
                                                            .sendRedirect("/me")));
                                        })
                                        .onErrorResume(
                                                TokenSwapException.class,
                                                e -> response.status(400)
                                                        .sendString(Mono.just(String.valueOf(e.getMessage())))
                                                        .then()))
                        .get(
                                "/me",
                                (request, response) -> response.sendString(api.get()
                                        .uri("/v1/me")
                                        .responseContent()
                                        .aggregate()
                                        .asString()
                                        .onErrorResume(
                                                LoginRequiredException.class, e -> Mono.just("Sign in at /login"))
                                        .contextWrite(TokenSessions.withUser(cookie(request, "user")))))
                        .post(
                                "/logout",
                                (request, response) -> sessions.signOut(cookie(request, "user"))
                                        .then(Mono.defer(() -> response.addCookie(cookie("user", ""))
                                                .sendRedirect("/")))))
                .bindNow()
                .onDispose(sessions)
                .onDispose()
                .block();
    }

    static Cookie cookie(String name, String value) {
        DefaultCookie cookie = new DefaultCookie("__Host-" + name, value);
        cookie.setHttpOnly(true);
        cookie.setSecure(true);
        cookie.setPath("/");
        cookie.setSameSite(CookieHeaderNames.SameSite.Lax);
        return cookie;
    }

    static String cookie(HttpServerRequest request, String name) {
        return request.cookies().values().stream()
                .flatMap(Set::stream)
                .filter(cookie -> cookie.name().equals("__Host-" + name))
                .findFirst()
                .map(Cookie::value)
                .orElse("");
    }
}
