package io.tokenswap;

import reactor.core.publisher.Mono;

/**
 * Swaps an authorization code for a token, and a token for its successor. {@code ExchangeServerEndpoint}
 * asks an exchange server, {@code ProviderEndpoint} the provider itself; a test may script one.
 *
 * <p>Implementations are safe for use by any thread, never block, and send nothing before subscription and exactly one request
 * for each subscription. They neither retry nor share: {@link io.tokenswap.session.TokenSession} does.
 *
 * <p>Both methods fail with {@link OAuthErrorException} when the server answers with an OAuth error,
 * {@link RequestRejectedException} when it refuses otherwise, and {@link TokenUnavailableException} when it cannot be reached,
 * is out of order or talks nonsense.
 */
public interface TokenEndpoint {

    /**
     * Swaps a code for a token. A code works once: after a failure other than one that says that nothing was sent
     * ({@link TokenUnavailableException.Reason#NOT_SENT}), only a new login yields another.
     *
     * @param code what a validated answer of the provider yielded
     * @return the first token of the grant
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3">RFC 6749 section 4.1.3</a>
     */
    Mono<Token> swap(AuthorizationCode code);

    /**
     * Obtains the successor of a token with its refresh token. The successor is never poorer: what the server omits is
     * carried over.
     *
     * @param token a token that has a refresh token; one without fails with {@link IllegalArgumentException}
     * @return the successor
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-6">RFC 6749 section 6</a>
     */
    Mono<Token> refresh(Token token);
}
