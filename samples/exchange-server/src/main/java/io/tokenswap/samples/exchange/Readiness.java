package io.tokenswap.samples.exchange;

import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Readiness for a load balancer. A drain is announced before it begins: from then on the server is not ready, and each
 * response closes its connection. An outage of the provider or of Redis does not count, because all instances would
 * become unready at once. Only the start waits for Redis.
 */
final class Readiness {

    private final BooleanSupplier started;
    private volatile boolean draining;

    /** @param started returns true once all that a request needs has been available */
    Readiness(BooleanSupplier started) {
        this.started = started;
    }

    void drain() {
        draining = true;
    }

    boolean isDraining() {
        return draining;
    }

    /** Returns the response of a running process. Nothing else is checked, because a restart would fix nothing. */
    static ServerResponse live() {
        return ServerResponse.json(200, Map.of("status", "up"));
    }

    ServerResponse ready() {
        if (!draining && started.getAsBoolean()) {
            return ServerResponse.json(200, Map.of("status", "up"));
        }
        return ServerResponse.json(503, Map.of("status", draining ? "draining" : "starting"))
                .with(ErrorResponse.retryAfter(ProviderFailure.DEFAULT_PAUSE));
    }
}
