/**
 * The login of a person who sits in front of the program: a receiver for the redirect on the loopback interface, the browser,
 * and the whole of it as one {@code Mono}.
 *
 * <p>Start at {@link io.tokenswap.callback.LoginFlow}. It is a {@link io.tokenswap.callback.LoopbackReceiver}, which owns the
 * port while a login waits and shows the person a {@link io.tokenswap.callback.CallbackPage}, a
 * {@link io.tokenswap.callback.Browser}, which is sent to the login, and a {@link io.tokenswap.TokenEndpoint}.
 *
 * <p>Anybody on the machine, and any page in the browser, can send requests to a loopback port. Only a request that carries
 * the state of a waiting login ends that login; everything else is answered and changes nothing.
 *
 * <p>A program that serves the redirect URI itself needs none of this: it hands the query of each hit to
 * {@link io.tokenswap.AuthorizationRequest#validate(String)}, still escaped as it came, and lets the first answer count. In a
 * Reactor Netty server that it has anyway:
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
 *     return response.status(400).send(); // anybody can send that: go on waiting
 * }));
 * Mono<Token> token = code.asMono().flatMap(exchange::swap);
 * }</pre>
 *
 * <p>In a WebFlux controller, which knows the login by the session of the browser:
 *
 * <pre>{@code
 * class LoginController {
 *
 *     Mono<Token> redirected(ServerHttpRequest hit, AuthorizationRequest login) {
 *         return login.validate(hit.getURI().getRawQuery()) instanceof AuthorizationResponse.Granted granted
 *                 ? exchange.swap(granted.code())
 *                 : Mono.error(new IllegalArgumentException("not the answer to this login"));
 *     }
 * }
 * }</pre>
 */
@NullMarked
package io.tokenswap.callback;

import org.jspecify.annotations.NullMarked;
