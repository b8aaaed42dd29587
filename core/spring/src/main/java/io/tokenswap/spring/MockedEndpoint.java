package io.tokenswap.spring;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Endpoint that a test of an application has replaced by a mock. A mock has no timeout and no name of its host, without which the
 * sessions could not start, and returns null for what the test has not described.
 *
 * @param mock the mock
 */
record MockedEndpoint(TokenEndpoint mock) implements TokenEndpoint {

    private static final Duration TIMEOUT = Duration.ofSeconds(15);

    /** Returns true for an endpoint without a timeout, which no real one is. */
    static boolean isMock(TokenEndpoint endpoint) {
        @Nullable Duration timeout = endpoint.timeout();
        return timeout == null || timeout.isZero();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return mock.swap(code);
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return mock.refresh(refreshToken);
    }

    @Override
    public Duration timeout() {
        return TIMEOUT;
    }

    @Override
    public String host() {
        return Objects.requireNonNullElse(mock.host(), "");
    }
}
