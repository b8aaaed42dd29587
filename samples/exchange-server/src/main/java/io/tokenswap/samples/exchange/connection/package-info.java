/**
 * Rules for connections, below HTTP: how many there are, how long each phase of a request may take, and which requests
 * are refused before a handler sees them.
 */
@NullMarked
package io.tokenswap.samples.exchange.connection;

import org.jspecify.annotations.NullMarked;
