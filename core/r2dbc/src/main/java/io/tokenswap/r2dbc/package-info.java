/**
 * Tokens in PostgreSQL, shared by several instances of a service. Start with {@link io.tokenswap.r2dbc.R2dbcTokenStore}.
 */
@NullMarked
package io.tokenswap.r2dbc;

import org.jspecify.annotations.NullMarked;
