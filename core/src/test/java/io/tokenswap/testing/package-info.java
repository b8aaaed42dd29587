/**
 * What tests of code that uses this library need: a {@link io.tokenswap.testing.ScriptedEndpoint} in the place of a server, and a
 * {@link io.tokenswap.testing.VirtualClock} that moves timers and wall clock together or apart.
 */
@NullMarked
package io.tokenswap.testing;

import org.jspecify.annotations.NullMarked;
