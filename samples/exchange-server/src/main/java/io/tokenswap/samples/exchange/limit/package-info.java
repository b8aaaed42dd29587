/** Bounds what one source can ask for: the address behind a request, and how often it may fail. */
@NullMarked
package io.tokenswap.samples.exchange.limit;

import org.jspecify.annotations.NullMarked;
