/**
 * WebFlux service whose users sign in through the exchange server. Each user has a
 * {@link io.tokenswap.session.TokenSession}.
 *
 * <p>Start at {@link io.tokenswap.samples.webflux.LoginController}, which makes a session out of a login, and
 * {@link io.tokenswap.samples.webflux.SessionController}, which uses it. Everything is in memory: a restart signs all users
 * out.
 */
@NullMarked
package io.tokenswap.samples.webflux;

import org.jspecify.annotations.NullMarked;
