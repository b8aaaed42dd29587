/**
 * OAuth 2.0 token swap for Reactor: get a token without holding the client secret, and keep it fresh.
 *
 * <p>Data flows one way. An {@link io.tokenswap.AuthorizationRequest} sends the browser to the login, its validated answer is an
 * {@link io.tokenswap.AuthorizationCode}, a {@link io.tokenswap.TokenEndpoint} swaps that for a {@link io.tokenswap.Token}, and
 * a {@link io.tokenswap.session.TokenSession} keeps the token fresh by its {@link io.tokenswap.session.RefreshPolicy} for any number of
 * subscribers. Everything that can go wrong is a {@link io.tokenswap.TokenSwapException}, of a type for each remedy.
 *
 * <p>Start at {@link io.tokenswap.session.TokenSession}. A program with a person in front of it wants {@code LoginFlow} of the module
 * {@code tokenswap-netty-callback}, which makes a session out of a login.
 *
 * <p>This package knows Reactor and nothing else: HTTP is in {@code io.tokenswap.http}. It has no blocking calls, no catalogue of
 * providers and no management of users.
 */
@NullMarked
package io.tokenswap;

import org.jspecify.annotations.NullMarked;
