/**
 * What tests of code that uses this library need, published as the test jar of {@code tokenswap-core} (type {@code test-jar}).
 *
 * <p>A {@link io.tokenswap.testing.ScriptedEndpoint} stands in for a server, a {@link io.tokenswap.testing.VirtualClock} moves timers
 * and wall clock together or apart, and {@link io.tokenswap.testing.LegacyTokenStoreContract} tells whether a store of your own keeps what
 * a session relies on. {@link io.tokenswap.testing.TokenStoreContract} and {@link io.tokenswap.testing.SharedTokenStoreContract} do the
 * same for stores that follow {@link io.tokenswap.session.TokenStore}, and {@link io.tokenswap.testing.ReferenceStore} is such a store,
 * with faults that a test switches on. {@code TestingKitTest} is a test that reads as an example:
 *
 * <pre>
 * VirtualClock clock = new VirtualClock();
 * ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
 * TokenSession session = TokenSession.builder(endpoint)
 *         .clock(clock)
 *         .scheduler(clock.scheduler())
 *         .build(endpoint.grant());
 *
 * StepVerifier.create(session.tokens().map(token -> token.accessToken().secret()))
 *         .expectNext("access-1")
 *         .then(() -&gt; clock.advance(Duration.ofHours(1)))
 *         .expectNext("access-2")
 *         .thenCancel()
 *         .verify();
 * </pre>
 *
 * <p>It needs {@code reactor-test}; the store contract needs JUnit Jupiter and AssertJ as well.
 */
@NullMarked
package io.tokenswap.testing;

import org.jspecify.annotations.NullMarked;
