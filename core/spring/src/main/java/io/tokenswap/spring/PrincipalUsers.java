package io.tokenswap.spring;

import java.security.Principal;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Users by the name of the authenticated principal. */
final class PrincipalUsers implements UserKeyResolver {

    private static final String ANONYMOUS = "org.springframework.security.authentication.AnonymousAuthenticationToken";

    @Override
    public Mono<String> resolve(ServerWebExchange exchange) {
        return exchange.getPrincipal()
                .filter(principal -> !isAnonymous(principal))
                .mapNotNull(Principal::getName)
                .filter(name -> !name.isBlank());
    }

    /**
     * Whether the principal stands for every visitor who has not logged in, as Spring Security's does: they all have one name,
     * and would share one token. By name, because most services do not have the class.
     */
    private static boolean isAnonymous(Principal principal) {
        for (Class<?> type = principal.getClass(); type != null; type = type.getSuperclass()) {
            if (type.getName().equals(ANONYMOUS)) {
                return true;
            }
        }
        return false;
    }
}
