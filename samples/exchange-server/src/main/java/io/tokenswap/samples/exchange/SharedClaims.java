package io.tokenswap.samples.exchange;

import reactor.core.publisher.Mono;

/**
 * Keeps several instances from sending the same code or refresh token to the provider. An instance merges its own
 * requests, and makes a claim here before it sends a request. Each request gets its place at the provider here, because
 * a claim must not wait for a place.
 */
interface SharedClaims {

    /**
     * Sends a refresh, unless another instance sends it.
     *
     * @param key the refresh token's name
     * @param request sends the request when it is subscribed to, which takes no longer than the deadline of the provider
     * @return the result of the request, or the result that another instance has got
     */
    Mono<Grant> refresh(GrantKey key, Mono<Grant> request);

    /**
     * Sends a swap, unless another instance has sent it.
     *
     * @param key the code's name
     * @param request sends the request when it is subscribed to
     * @return the result of the request, or {@code invalid_grant}
     */
    Mono<Grant> swap(GrantKey key, Mono<Grant> request);

    /** Returns true if this instance has found what it shares with the others, once since its start. */
    default boolean hasJoined() {
        return true;
    }

    /**
     * Returns the claims of a single instance, which are always granted.
     *
     * @param places bounds the requests to the provider
     */
    static SharedClaims ofOneInstance(ProviderPlaces places) {
        return new SharedClaims() {
            @Override
            public Mono<Grant> refresh(GrantKey key, Mono<Grant> request) {
                return places.send(request);
            }

            @Override
            public Mono<Grant> swap(GrantKey key, Mono<Grant> request) {
                return places.send(request);
            }
        };
    }
}
