package io.tokenswap.spring;

import io.tokenswap.session.TokenSessions;
import org.springframework.core.Ordered;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/** Names the user of each request for {@link TokenSessions#current()}, in the Reactor context. */
final class UserContextFilter implements WebFilter, Ordered {

    private final UserKeyResolver users;

    UserContextFilter(UserKeyResolver users) {
        this.users = users;
    }

    /** After the filters of Spring Security, which know the principal. */
    @Override
    public int getOrder() {
        return Ordered.LOWEST_PRECEDENCE - 1_000;
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        return chain.filter(exchange).contextWrite(TokenSessions.withUser(Mono.defer(() -> users.resolve(exchange))));
    }
}
