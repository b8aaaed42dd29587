/**
 * Test kit for code that uses this library: an endpoint, a clock and a store that a test controls, and the contract of
 * a store.
 *
 * <ul>
 * <li>{@link io.tokenswap.testing.ScriptedEndpoint} takes the place of a server.
 * <li>{@link io.tokenswap.testing.StrictProvider} takes each refresh token once.
 * <li>{@link io.tokenswap.testing.VirtualClock} moves timers and wall clock together or apart.
 * <li>{@link io.tokenswap.testing.TokenStoreContract} tests an implementation of
 *     {@link io.tokenswap.session.TokenStore}; {@link io.tokenswap.testing.SharedTokenStoreContract} tests one that
 *     several machines share, also with one node in another {@link io.tokenswap.testing.StoreProcess process};
 *     {@link io.tokenswap.testing.NodesContract} tests sessions at several nodes on such a store.
 * <li>{@link io.tokenswap.testing.ReferenceStore} is such a store, with faults that a test switches on.
 * <li>{@link io.tokenswap.testing.LibraryLocks} lets BlockHound watch programs that use Netty or Lettuce.
 * </ul>
 *
 * <p>A test of an hour takes no time:
 *
 * <pre>{@code
 * VirtualClock clock = new VirtualClock();
 * ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
 * TokenSession session = clock.session(endpoint).build(endpoint.grant());
 *
 * StepVerifier.create(session.tokens().map(token -> token.accessToken().secret()))
 *         .expectNext("access-1")
 *         .then(() -> clock.advance(Duration.ofHours(1)))
 *         .expectNext("access-2")
 *         .thenCancel()
 *         .verify();
 * }</pre>
 *
 * <p>The contracts need JUnit Jupiter and AssertJ on the class path of the tests; the other types do not.
 */
@NullMarked
package io.tokenswap.testing;

import org.jspecify.annotations.NullMarked;
