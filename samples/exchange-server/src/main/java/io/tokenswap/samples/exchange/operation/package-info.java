/** Operation of the service: logs, metrics, secrets that change while the server runs, and TLS. */
@NullMarked
package io.tokenswap.samples.exchange.operation;

import org.jspecify.annotations.NullMarked;
