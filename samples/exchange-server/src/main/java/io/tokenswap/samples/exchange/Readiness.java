package io.tokenswap.samples.exchange;

import java.util.Map;

/**
 * Readiness for a load balancer. A drain is announced before it begins: from then on the server is not ready, and each
 * response closes its connection. An outage of the provider does not count, because all instances would become unready at
 * once.
 */
final class Readiness {

    private volatile boolean draining;

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
        return draining
                ? ServerResponse.json(503, Map.of("status", "draining"))
                        .with(ErrorResponse.retryAfter(ProviderFailure.DEFAULT_PAUSE))
                : ServerResponse.json(200, Map.of("status", "up"));
    }
}
