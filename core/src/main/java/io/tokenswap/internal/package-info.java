/**
 * Strict readers and writers of forms, queries and JSON, shared by the modules of this project. Not an API:
 * applications must not use this package.
 *
 * <p>Two readers of the same text must not see different parameters. These readers therefore refuse everything that
 * lenient readers repair: broken UTF-8, duplicate keys, control characters, half surrogate pairs and text after the
 * end.
 */
@NullMarked
package io.tokenswap.internal;

import org.jspecify.annotations.NullMarked;
