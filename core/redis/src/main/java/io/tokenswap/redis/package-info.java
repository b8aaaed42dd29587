/**
 * Tokens in Redis, shared by several instances of a service.
 *
 * <p>{@link io.tokenswap.redis.RedisTokenStore} implements {@link io.tokenswap.session.TokenStore} with one script for
 * each operation.
 */
@NullMarked
package io.tokenswap.redis;

import org.jspecify.annotations.NullMarked;
