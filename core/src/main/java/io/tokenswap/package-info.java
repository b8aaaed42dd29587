/**
 * OAuth 2.0 token swap for Reactor: get a token without holding the client secret, and keep it fresh.
 *
 * <p>Data flows one way. An {@link io.tokenswap.AuthorizationRequest} sends the browser to the login. Its validated
 * response holds an {@link io.tokenswap.AuthorizationCode}. A {@link io.tokenswap.TokenEndpoint} swaps the code for a
 * {@link io.tokenswap.Token}. A {@link io.tokenswap.session.TokenSession} keeps the token fresh for any number of
 * subscribers, as its {@link io.tokenswap.session.RefreshPolicy} says. Every failure is a
 * {@link io.tokenswap.TokenSwapException}, with one subtype for each remedy.
 *
 * <p>Start at {@link io.tokenswap.session.TokenSession}. Desktop and command line programs start at {@code LoginFlow}
 * of the module {@code tokenswap-netty-callback}, which runs a login and returns its session.
 *
 * <p>This package depends on Reactor only; HTTP is in {@code io.tokenswap.http}. It has no blocking calls and no
 * catalogue of providers.
 */
@NullMarked
package io.tokenswap;

import org.jspecify.annotations.NullMarked;
