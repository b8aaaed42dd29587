package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Endpoint that obtains tokens through an exchange server. That server holds the client secret, so the application need
 * not. Immutable and safe for use by any thread.
 *
 * <pre>{@code
 * ExchangeServerEndpoint exchange = ExchangeServerEndpoint.create("https://auth.example.com");
 * AuthorizationRequest login = exchange.authorizationRequest().scopes("user-read-private").build(redirectUri);
 * // send the browser to login.uri(), hand what comes back to login.validate(..), and with the code:
 * Mono<Token> token = exchange.swap(code);
 * }</pre>
 *
 * <p>Each subscription sends one request: no retry, no redirect, at most 64 KiB of response, 15 seconds in all. A swap
 * uses a new connection. The result arrives on an event loop of the
 * {@link reactor.netty.http.client.HttpClient HttpClient}, and a timeout there or on a timer thread of this library;
 * code of the application that occupies Reactor's schedulers delays neither. Do not block these threads. Cancelling
 * closes the connection; what has been sent by then may still be processed. No message or log holds a secret.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.2">RFC 6749 section 3.2</a>
 */
public final class ExchangeServerEndpoint implements TokenEndpoint {

    private final Duration timeout;
    private final TokenClient.Sender swaps;
    private final TokenClient.Sender refreshes;
    private final Dialect dialect;
    private final URI authorizeUri;
    private final TokenServer swap;
    private final TokenServer refresh;

    private ExchangeServerEndpoint(Builder builder) {
        this.dialect = builder.dialect;
        this.authorizeUri = builder.check("The authorize URI", builder.or(builder.authorizeUri, builder.base));
        // Rejects a URI at which no login can start now, and not at the first login.
        Objects.requireNonNull(AuthorizationRequest.builder(authorizeUri));
        this.swap = builder.server("The swap URI", builder.or(builder.swapUri, dialect.swapUri(builder.base)));
        this.refresh =
                builder.server("The refresh URI", builder.or(builder.refreshUri, dialect.refreshUri(builder.base)));
        this.timeout = builder.timeout();
        TokenClient client = builder.client();
        this.swaps = client.swaps(swap.uri());
        this.refreshes = client.refreshes(refresh.uri());
    }

    /**
     * Creates an endpoint for an exchange server that speaks the {@linkplain Dialect#JSON JSON} dialect.
     *
     * @param baseUri the authorize page, {@code https} unless it is on loopback; {@code /swap} and {@code /refresh} are
     *     below it
     * @return the endpoint
     * @throws IllegalArgumentException if tokens must not be sent to the URI
     */
    public static ExchangeServerEndpoint create(String baseUri) {
        return create(EndpointUri.parse(baseUri));
    }

    /**
     * Creates an endpoint for an exchange server that speaks the {@linkplain Dialect#JSON JSON} dialect.
     *
     * @param baseUri the authorize page, {@code https} unless it is on loopback; {@code /swap} and {@code /refresh} are
     *     below it
     * @return the endpoint
     * @throws IllegalArgumentException if tokens must not be sent to the URI
     */
    public static ExchangeServerEndpoint create(URI baseUri) {
        return builder(baseUri).build();
    }

    /**
     * Returns a builder of an endpoint.
     *
     * @param baseUri the URI of the exchange server
     * @return a new builder
     * @throws IllegalArgumentException if the text is not a URI
     */
    public static Builder builder(String baseUri) {
        return builder(EndpointUri.parse(baseUri));
    }

    /**
     * Returns a builder of an endpoint.
     *
     * @param baseUri the URI of the exchange server
     * @return a new builder
     */
    public static Builder builder(URI baseUri) {
        return new Builder(baseUri);
    }

    /**
     * Starts a login at the authorize page of this server.
     *
     * @return a new builder at each call
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1">RFC 6749 section 4.1.1</a>
     */
    public AuthorizationRequest.Builder authorizationRequest() {
        return AuthorizationRequest.builder(authorizeUri);
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return swaps.send(headers -> dialect.swap(swap, code));
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return refreshes.send(headers -> dialect.refresh(refresh, refreshToken));
    }

    @Override
    public Duration timeout() {
        return timeout;
    }

    @Override
    public String host() {
        return refresh.uri().getHost();
    }

    @Override
    public String toString() {
        return "ExchangeServerEndpoint[" + dialect + ", swap=" + EndpointUri.display(swap.uri()) + ", refresh="
                + EndpointUri.display(refresh.uri()) + "]";
    }

    /** Builder of an {@link ExchangeServerEndpoint}. Not safe for use by several threads. */
    public static final class Builder extends EndpointBuilder<Builder> {

        private final URI base;
        private Dialect dialect = Dialect.JSON;
        private @Nullable URI authorizeUri;
        private @Nullable URI swapUri;
        private @Nullable URI refreshUri;

        private Builder(URI base) {
            this.base = Objects.requireNonNull(base, "base");
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the form of the requests that the server expects.
         *
         * @param dialect the dialect, {@link Dialect#JSON} by default
         * @return this builder
         */
        public Builder dialect(Dialect dialect) {
            this.dialect = Objects.requireNonNull(dialect, "dialect");
            return this;
        }

        /**
         * Sets the URI to which the browser is sent.
         *
         * @param authorizeUri the authorize page, the base URI by default
         * @return this builder
         */
        public Builder authorizeUri(URI authorizeUri) {
            this.authorizeUri = Objects.requireNonNull(authorizeUri, "authorizeUri");
            return this;
        }

        /**
         * Sets the URI to which codes are sent.
         *
         * @param swapUri the URI, by default the one that the dialect puts below the base URI
         * @return this builder
         */
        public Builder swapUri(URI swapUri) {
            this.swapUri = Objects.requireNonNull(swapUri, "swapUri");
            return this;
        }

        /**
         * Sets the URI to which refresh tokens are sent.
         *
         * @param refreshUri the URI, by default the one that the dialect puts below the base URI
         * @return this builder
         */
        public Builder refreshUri(URI refreshUri) {
            this.refreshUri = Objects.requireNonNull(refreshUri, "refreshUri");
            return this;
        }

        /**
         * Completes the endpoint. Nothing is sent before one of its results is subscribed to.
         *
         * @return a new endpoint
         * @throws IllegalArgumentException if tokens must not be sent to one of the URIs
         */
        public ExchangeServerEndpoint build() {
            check("The base URI", base);
            return new ExchangeServerEndpoint(this);
        }

        private URI or(@Nullable URI chosen, URI otherwise) {
            return chosen == null ? otherwise : chosen;
        }

        private TokenServer server(String name, URI uri) {
            String hint = dialect == Dialect.JSON
                    ? " It may speak another dialect: try SINGLE_URI or FORM."
                    : " It may speak another dialect than " + dialect + ".";
            return server("exchange server", name, uri, hint);
        }
    }
}
