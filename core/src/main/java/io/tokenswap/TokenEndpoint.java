package io.tokenswap;

import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Server that issues tokens: swaps an authorization code for a token, and a refresh token for the next token.
 * {@code ExchangeServerEndpoint} sends its requests to an exchange server, {@code ProviderEndpoint} to the provider
 * itself. A test may script an endpoint.
 *
 * <p>Implementations are safe for use by any thread and never block. A subscription sends exactly one request, and
 * nothing is sent before it. Endpoints neither retry nor share requests: {@link io.tokenswap.session.TokenSession} does
 * both.
 *
 * <p>Both methods fail with {@link OAuthErrorException} when the server responds with an OAuth error, with
 * {@link RequestRejectedException} when it rejects the request in another way, and with
 * {@link TokenUnavailableException} when the server cannot be reached, is overloaded, or sends an invalid response.
 */
public interface TokenEndpoint {

    /**
     * Swaps an authorization code for a token. A code works once. Only a failure with
     * {@link TokenUnavailableException.Reason#NOT_SENT} allows another attempt with the same code.
     *
     * @param code the code of a validated authorization response
     * @return the first token of the grant
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3">RFC 6749 section 4.1.3</a>
     */
    Mono<Token> swap(AuthorizationCode code);

    /**
     * Obtains the next token. Where the response omits a refresh token, the next token has the one that was presented.
     * The endpoint does not know the scopes and the time of consent of the grant:
     * {@link io.tokenswap.session.TokenSession} carries them over.
     *
     * @param refreshToken the refresh token to present
     * @return the next token
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-6">RFC 6749 section 6</a>
     */
    Mono<Token> refresh(RefreshToken refreshToken);

    /**
     * Returns the longest time that one request takes, counted from the subscription and including the wait for a
     * connection. After this time the endpoint sends no first byte any more. A session ends an attempt that has taken
     * longer.
     *
     * @return the deadline of a request, 15 seconds by default
     */
    default Duration timeout() {
        return Duration.ofSeconds(15);
    }

    /**
     * Names the host that refreshes are sent to, for metrics and traces.
     *
     * @return the name or address of the host, without a port; empty by default, for an endpoint that is no server
     */
    default String host() {
        return "";
    }
}
