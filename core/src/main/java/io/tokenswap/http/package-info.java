/**
 * Token endpoints over HTTP, on Reactor Netty.
 *
 * <p>Start at {@link io.tokenswap.http.ExchangeServerEndpoint}. It is the endpoint of an application that holds no
 * client secret: it swaps and refreshes through an exchange server, in any of the three
 * {@linkplain io.tokenswap.http.Dialect dialects} in use. Code that may hold the secret, for example an exchange server
 * itself, uses {@link io.tokenswap.http.ProviderEndpoint} with a {@link io.tokenswap.http.ClientAuthentication}.
 * {@link io.tokenswap.http.BearerAuthentication} adds the token to the requests of any {@code HttpClient}.
 *
 * <p>A request passes through four parts. A dialect chooses the fields and an encoding writes them. One class sends all
 * requests, once and by the same rules. One class without side effects turns the response into a
 * {@link io.tokenswap.Token} or into exactly one {@link io.tokenswap.TokenSwapException}.
 *
 * <p>This package does not retry, cache or share requests: {@link io.tokenswap.session.TokenSession} does.
 */
@NullMarked
package io.tokenswap.http;

import org.jspecify.annotations.NullMarked;
