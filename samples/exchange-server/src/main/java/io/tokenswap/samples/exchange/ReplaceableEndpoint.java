package io.tokenswap.samples.exchange;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** The provider, with a client secret that may change while requests run. */
final class ReplaceableEndpoint implements TokenEndpoint {

    private final Function<String, TokenEndpoint> endpoints;
    private volatile TokenEndpoint current;

    /** @param endpoints makes the endpoint for a client secret */
    ReplaceableEndpoint(String clientSecret, Function<String, TokenEndpoint> endpoints) {
        this.endpoints = endpoints;
        this.current = endpoints.apply(clientSecret);
    }

    void replaceSecret(String clientSecret) {
        current = endpoints.apply(clientSecret);
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.defer(() -> current.swap(code));
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return Mono.defer(() -> current.refresh(refreshToken));
    }
}
