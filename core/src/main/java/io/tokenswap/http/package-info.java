/**
 * Token endpoints over HTTP, on Reactor Netty.
 *
 * <p>Start at {@link io.tokenswap.http.ExchangeServerEndpoint}, the way of an application that holds no client secret: it
 * swaps and refreshes through an exchange server, in any of the three {@linkplain io.tokenswap.http.Dialect dialects} in use.
 * Code that may hold the secret, such as an exchange server itself, asks the provider by
 * {@link io.tokenswap.http.ProviderEndpoint} and proves who it is by {@link io.tokenswap.http.ClientAuthentication}.
 * {@link io.tokenswap.http.BearerAuthentication} then carries the token to the API, on any {@code HttpClient}.
 *
 * <p>A request goes one way through here. A dialect says which fields are sent, an encoding writes them down, one class sends
 * them, once and by rules that hold for all, and one pure class makes a {@link io.tokenswap.Token} or exactly one
 * {@link io.tokenswap.TokenSwapException} of what comes back.
 *
 * <p>Nothing here retries, caches or shares: {@link io.tokenswap.session.TokenSession} does.
 */
@NullMarked
package io.tokenswap.http;

import org.jspecify.annotations.NullMarked;
