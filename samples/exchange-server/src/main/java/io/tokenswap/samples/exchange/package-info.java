/**
 * Exchange server that holds the client secret. It sends browsers to the provider and back to the application, and swaps
 * codes and refresh tokens for applications that must not hold the secret.
 *
 * <p>Start at {@link io.tokenswap.samples.exchange.ExchangeServer}, which is both the program and the library.
 * {@code Routes} selects the handler of a request. {@code AuthorizeRoute} and {@code CallbackRoute} serve the browser's two
 * hops, {@code TokenRoute} the calls of the application. Each returns a {@code ServerResponse} or throws an
 * {@code ErrorResponse}.
 *
 * <p>The server keeps no state of a login. The data that the callback needs passes through the provider in the {@code state}
 * parameter, sealed, and a cookie binds it to the browser that started the login.
 */
@NullMarked
package io.tokenswap.samples.exchange;

import org.jspecify.annotations.NullMarked;
