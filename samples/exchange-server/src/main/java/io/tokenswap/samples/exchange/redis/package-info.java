/** The memory that several instances share, in Redis. It knows Lettuce and nothing of grants. */
@NullMarked
package io.tokenswap.samples.exchange.redis;

import org.jspecify.annotations.NullMarked;
