package io.tokenswap.spring;

import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import org.springframework.core.MethodParameter;
import org.springframework.web.reactive.BindingContext;
import org.springframework.web.reactive.result.method.HandlerMethodArgumentResolver;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Resolves a parameter of type {@link TokenSession} in a controller: the session of the user of the request. */
final class TokenSessionParameter implements HandlerMethodArgumentResolver {

    private final TokenSessions sessions;

    TokenSessionParameter(TokenSessions sessions) {
        this.sessions = sessions;
    }

    @Override
    public boolean supportsParameter(MethodParameter parameter) {
        return parameter.getParameterType().equals(TokenSession.class);
    }

    @Override
    public Mono<Object> resolveArgument(
            MethodParameter parameter, BindingContext bindingContext, ServerWebExchange exchange) {
        return sessions.current().cast(Object.class);
    }
}
