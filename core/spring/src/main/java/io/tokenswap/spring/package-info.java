/**
 * Spring Boot starter for WebFlux services whose users sign in through an exchange server.
 *
 * <p>The auto-configuration is silent until {@code tokenswap.exchange.uri} is set. It then provides a
 * {@link io.tokenswap.session.TokenSessions} over the store that {@code tokenswap.store.type} names, the paths
 * {@code /login}, {@code /auth} (the redirect URI) and {@code POST /logout}, and responses for the errors of the
 * library. Each bean gives way to one of the application. A controller gets the session of its user by a parameter of
 * type {@link io.tokenswap.session.TokenSession}.
 *
 * <p>{@link io.tokenswap.spring.BearerExchangeFilter} adds the token of the current user to the requests of a
 * {@code WebClient}. {@link io.tokenswap.spring.UserKeyResolver} names the user of a request. All other types are
 * internal.
 */
@NullMarked
package io.tokenswap.spring;

import org.jspecify.annotations.NullMarked;
