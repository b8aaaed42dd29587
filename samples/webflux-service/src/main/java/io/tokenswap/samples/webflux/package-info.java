/**
 * WebFlux service whose users sign in through the exchange server. Each user has a
 * {@link io.tokenswap.session.TokenSession}.
 *
 * <p>{@link io.tokenswap.samples.webflux.WebfluxService} is the whole of it. Sign-in, sessions, errors and shutdown
 * come from the starter {@code tokenswap-spring-boot-starter}. The other classes are about this service's page and
 * about the API that it calls.
 */
@NullMarked
package io.tokenswap.samples.webflux;

import org.jspecify.annotations.NullMarked;
