package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import reactor.core.publisher.Mono;

/**
 * Endpoint that obtains tokens from the provider itself, for code that may hold the client secret, or for a public
 * client without one. Immutable and safe for use by any thread.
 *
 * <p>A desktop program cannot keep a secret and uses {@link ExchangeServerEndpoint} instead. Subscription, threads and
 * cancellation are as described there.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.2">RFC 6749 section 3.2</a>
 */
public final class ProviderEndpoint implements TokenEndpoint {

    private final Duration timeout;
    private final TokenClient.Sender swaps;
    private final TokenClient.Sender refreshes;
    private final ClientAuthentication authentication;
    private final TokenServer server;

    private ProviderEndpoint(Builder builder) {
        this.authentication = builder.authentication;
        this.server = builder.server("provider", "The token URI", builder.tokenUri, "");
        this.timeout = builder.timeout();
        TokenClient client = builder.client();
        this.swaps = client.swaps(server.uri());
        this.refreshes = client.refreshes(server.uri());
    }

    /**
     * Creates an endpoint for the token URI of a provider.
     *
     * @param tokenUri the token endpoint, for example {@code https://accounts.spotify.com/api/token}
     * @param authentication the client's authentication
     * @return the endpoint
     * @throws IllegalArgumentException if tokens must not be sent to the URI
     */
    public static ProviderEndpoint create(URI tokenUri, ClientAuthentication authentication) {
        return builder(tokenUri, authentication).build();
    }

    /**
     * Returns a builder of an endpoint.
     *
     * @param tokenUri the token endpoint
     * @param authentication the client's authentication
     * @return a new builder
     */
    public static Builder builder(URI tokenUri, ClientAuthentication authentication) {
        return new Builder(tokenUri, authentication);
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return swaps.send(headers -> authentication.apply(headers, TokenRequest.swap(server, Encoding.FORM, code)));
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return refreshes.send(
                headers -> authentication.apply(headers, TokenRequest.refresh(server, Encoding.FORM, refreshToken)));
    }

    @Override
    public Duration timeout() {
        return timeout;
    }

    @Override
    public String host() {
        return server.uri().getHost();
    }

    @Override
    public String toString() {
        return "ProviderEndpoint[" + EndpointUri.display(server.uri()) + ", " + authentication + "]";
    }

    /** Builder of a {@link ProviderEndpoint}. Not safe for use by several threads. */
    public static final class Builder extends EndpointBuilder<Builder> {

        private final URI tokenUri;
        private final ClientAuthentication authentication;

        private Builder(URI tokenUri, ClientAuthentication authentication) {
            this.tokenUri = Objects.requireNonNull(tokenUri, "tokenUri");
            this.authentication = Objects.requireNonNull(authentication, "authentication");
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Completes the endpoint. Nothing is sent before one of its results is subscribed to.
         *
         * @return a new endpoint
         * @throws IllegalArgumentException if tokens must not be sent to the URI
         */
        public ProviderEndpoint build() {
            return new ProviderEndpoint(this);
        }
    }
}
