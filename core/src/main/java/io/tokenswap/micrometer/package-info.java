/**
 * Meters and observations for Micrometer, which an application adds to its class path itself.
 *
 * <p>{@link io.tokenswap.micrometer.TokenSwapMetrics} observes token requests and the sessions of many users. No user,
 * no token and no fingerprint becomes a tag, so that the number of time series is bounded.
 */
@NullMarked
package io.tokenswap.micrometer;

import org.jspecify.annotations.NullMarked;
