/**
 * Login of a user in front of the program: a receiver for the redirect on the loopback interface, the browser, and the
 * whole login as one {@code Mono}.
 *
 * <p>Start at {@link io.tokenswap.callback.LoginFlow}. It combines a {@link io.tokenswap.callback.LoopbackReceiver},
 * which owns the port while a login waits and shows a {@link io.tokenswap.callback.CallbackPage}, a
 * {@link io.tokenswap.callback.Browser}, which opens the login, and a {@link io.tokenswap.TokenEndpoint}.
 *
 * <p>Every program on the machine, and every page in the browser, can send requests to a loopback port. Only a request
 * with the state of a waiting login ends that login. All other requests are refused and change nothing.
 *
 * <p>A program that serves the redirect URI itself does not need this package. It passes the query of each request,
 * still escaped, to {@link io.tokenswap.AuthorizationRequest#validate(String)}, and accepts the first response only.
 * For example in a Reactor Netty server:
 *
 * <pre>{@code
 * AuthorizationRequest login = exchange.authorizationRequest().build(redirectUri); // send the browser to login.uri()
 * Sinks.One<AuthorizationCode> code = Sinks.one();
 *
 * HttpServer server = HttpServer.create().route(routes -> routes.get("/auth", (hit, response) -> {
 *     String query = hit.uri().substring(hit.uri().indexOf('?') + 1);
 *     if (login.validate(query) instanceof AuthorizationResponse.Granted granted) {
 *         code.tryEmitValue(granted.code()); // only the first time
 *         return response.sendString(Mono.just("You can close this tab."));
 *     }
 *     return response.status(400).send(); // anyone can send this: keep waiting
 * }));
 * Mono<Token> token = code.asMono().flatMap(exchange::swap);
 * }</pre>
 *
 * <p>In a WebFlux controller, which finds the login by a cookie of the browser:
 *
 * <pre>{@code
 * class LoginController {
 *
 *     Mono<Token> redirected(ServerHttpRequest hit, AuthorizationRequest login) {
 *         return Mono.fromCallable(() -> login.validate(hit.getURI().getRawQuery()).orElseThrow())
 *                 .flatMap(exchange::swap);
 *     }
 * }
 * }</pre>
 */
@NullMarked
package io.tokenswap.callback;

import org.jspecify.annotations.NullMarked;
