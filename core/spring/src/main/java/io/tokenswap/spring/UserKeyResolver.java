package io.tokenswap.spring;

import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Names the user of a request in {@link io.tokenswap.session.TokenSessions}. A bean of this type replaces the cookie or principal
 * that {@code tokenswap.user} selects. Implementations are safe for use by any thread and do not block.
 */
@FunctionalInterface
public interface UserKeyResolver {

    /**
     * Names the user of a request.
     *
     * <p>The result is subscribed to for each use of the user's session, and again at the redirect that ends a sign-in:
     * the token of the login belongs to the user that it names then.
     *
     * @param exchange the request
     * @return the name of the user; empty if the request belongs to no user
     */
    Mono<String> resolve(ServerWebExchange exchange);
}
