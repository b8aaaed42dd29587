/**
 * The exchange server: it holds the client secret, sends browsers to the provider and back to the application, and swaps codes
 * and refresh tokens for applications that must not hold the secret.
 *
 * <p>Start at {@link io.tokenswap.samples.exchange.ExchangeServer}, which is both the program and the library. A request goes
 * one way: {@code Routes} picks the handler, {@code AuthorizeRoute} and {@code CallbackRoute} serve the browser's two hops,
 * {@code TokenRoute} the application's calls; each makes an {@code ServerResponse} or throws a {@code ErrorResponse}.
 *
 * <p>It keeps no state. What the callback must know about a login travels through the provider in the {@code state} parameter,
 * {@code Seal}ed, and a cookie ties it to the browser that started it.
 */
@NullMarked
package io.tokenswap.samples.exchange;

import org.jspecify.annotations.NullMarked;
