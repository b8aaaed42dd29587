/**
 * Tokens that survive a restart, in files of one machine.
 *
 * <p>{@link io.tokenswap.store.FileTokenStore} keeps the token of one user in a file, or those of many users in a
 * directory. It is safe between processes of one machine. Services of several machines share a store behind a network
 * instead.
 */
@NullMarked
package io.tokenswap.store;

import org.jspecify.annotations.NullMarked;
