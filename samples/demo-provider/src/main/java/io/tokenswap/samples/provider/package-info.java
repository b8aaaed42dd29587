/**
 * Real authorization server with Spotify's paths, for demos and tests: Spring Authorization Server on an embedded
 * Tomcat, one confidential client, one demo user, everything in memory.
 *
 * <p>Start at {@link io.tokenswap.samples.provider.DemoProvider} to run it inside another program, at
 * {@link io.tokenswap.samples.provider.Main} to run it alone. {@code ServerConfiguration} has the pages and their
 * paths, {@code SecurityConfiguration} the access rules, and {@code GrantStore} the grants.
 *
 * <p>Nothing is found by scanning or auto-configuration, and no file of the host's class path is read, so that it
 * behaves the same inside a shaded jar and next to another Spring application. It is not a production server: its
 * user's password is on the sign-in page, and a restart forgets every grant.
 */
@NullMarked
package io.tokenswap.samples.provider;

import org.jspecify.annotations.NullMarked;
