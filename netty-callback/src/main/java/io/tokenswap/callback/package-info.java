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
 * <p>A program that serves the redirect URI itself, such as a web application, needs none of this: it hands the query of each
 * hit to {@link io.tokenswap.AuthorizationRequest#validate(String)}.
 */
@NullMarked
package io.tokenswap.callback;

import org.jspecify.annotations.NullMarked;
