package io.tokenswap.samples.provider;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.servlet.context.AnnotationConfigServletWebServerApplicationContext;
import org.springframework.context.ApplicationContextException;

/**
 * Running authorization server on {@code 127.0.0.1}: {@code GET /authorize}, {@code POST /api/token} and
 * {@code GET /v1/me}, as Spotify has them. {@link #close()} stops it and frees the port.
 *
 * <pre>{@code
 * try (DemoProvider provider = DemoProvider.builder()
 *         .redirectUris("http://127.0.0.1:8080/callback")
 *         .autoApprove(true)
 *         .start()) {
 *     URI authorize = provider.authorizeUri();
 * }
 * }</pre>
 *
 * <p>A process can run any number of providers. Safe for use by any thread.
 */
public final class DemoProvider implements AutoCloseable {

    private final AnnotationConfigServletWebServerApplicationContext context;
    private final GrantStore grants;
    private final URI uri;
    private final Set<String> redirectUris;

    private DemoProvider(AnnotationConfigServletWebServerApplicationContext context) {
        this.context = context;
        this.grants = context.getBean(GrantStore.class);
        WebServer server = Objects.requireNonNull(context.getWebServer(), "started");
        this.uri = URI.create("http://127.0.0.1:" + server.getPort());
        this.redirectUris = context.getBean(Settings.class).redirectUris();
    }

    /** Returns a builder with the defaults of all options. */
    public static Builder builder() {
        return new Builder();
    }

    /** Returns the base URI, for example {@code http://127.0.0.1:9000}. */
    public URI uri() {
        return uri;
    }

    /** Returns the URI to which the browser is sent. */
    public URI authorizeUri() {
        return uri.resolve("/authorize");
    }

    /** Returns the URI at which codes and refresh tokens are redeemed. */
    public URI tokenUri() {
        return uri.resolve("/api/token");
    }

    /** Returns the registered redirect URIs. */
    Set<String> redirectUris() {
        return redirectUris;
    }

    /** Returns the URI of a resource that requires an access token with the scope {@code user-read-private}. */
    public URI meUri() {
        return uri.resolve("/v1/me");
    }

    /**
     * Ends one grant, as when the user removes the application in their account: its refresh token fails with
     * {@code invalid_grant} from now on, and its access tokens are refused at once.
     *
     * @return true if the refresh token was known
     */
    public boolean revoke(String refreshToken) {
        return grants.revoke(refreshToken);
    }

    /** Ends every grant, and forgets all consents of the user. */
    public void revokeAll() {
        grants.revokeAll();
        context.getBean(Consents.class).forgetAll();
    }

    /** Stops the server and frees its port; a second call does nothing. */
    @Override
    public void close() {
        context.close();
    }

    /** Builder of a {@link DemoProvider}. Not safe for use by several threads. */
    public static final class Builder {

        private int port;
        private String clientId = "demo-client";
        private String clientSecret = "demo-secret";
        private Set<String> redirectUris = Set.of("http://127.0.0.1:8080/callback");
        private Duration accessTokenLifetime = Duration.ofHours(1);
        private boolean autoApprove;
        private boolean rotateRefreshTokens = true;
        private boolean detectReuse;
        private Set<String> scopes = Scopes.all();
        private Clock clock = Clock.systemUTC();

        private Builder() {}

        /** Sets the port on 127.0.0.1; 0, the default, takes a free one. */
        public Builder port(int port) {
            if (port < 0 || port > 65_535) {
                throw new IllegalArgumentException("port must be 0 to 65535, was " + port);
            }
            this.port = port;
            return this;
        }

        /** Sets the client id, {@code demo-client} by default. */
        public Builder clientId(String clientId) {
            this.clientId = notBlank("clientId", clientId);
            return this;
        }

        /** Sets the client secret, {@code demo-secret} by default. */
        public Builder clientSecret(String clientSecret) {
            this.clientSecret = notBlank("clientSecret", clientSecret);
            return this;
        }

        /**
         * Sets the redirect URIs, {@code http://127.0.0.1:8080/callback} by default. They are compared byte for byte. A
         * URI on {@code 127.0.0.1} or {@code [::1]} without a port allows any port.
         */
        public Builder redirectUris(String... redirectUris) {
            this.redirectUris = notEmpty("redirectUris", redirectUris);
            this.redirectUris.forEach(Builder::requireAbsolute);
            return this;
        }

        /** Sets the lifetime of access tokens: whole seconds, at least one. One hour by default, as at Spotify. */
        public Builder accessTokenLifetime(Duration accessTokenLifetime) {
            if (accessTokenLifetime.toSeconds() < 1 || accessTokenLifetime.toNanosPart() != 0) {
                throw new IllegalArgumentException(
                        "accessTokenLifetime must be whole seconds and at least one, was " + accessTokenLifetime);
            }
            this.accessTokenLifetime = accessTokenLifetime;
            return this;
        }

        /**
         * Sets automatic approval, off by default: the demo user is signed in and consents without a page, even with
         * {@code show_dialog=true}. A client that only follows redirects then gets its code.
         */
        public Builder autoApprove(boolean autoApprove) {
            this.autoApprove = autoApprove;
            return this;
        }

        /**
         * Sets the rotation of refresh tokens, on by default: each refresh replaces the refresh token and ends the old
         * one. Without rotation the response to a refresh has no refresh token, and the first one stays valid.
         */
        public Builder rotateRefreshTokens(boolean rotateRefreshTokens) {
            this.rotateRefreshTokens = rotateRefreshTokens;
            return this;
        }

        /**
         * Sets the detection of reuse, off by default: a refresh token that was replaced ends its whole grant when it is
         * presented again. It may have been stolen, and the provider cannot know which of the two holders is the thief.
         *
         * @see <a href="https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2">RFC 9700 section 4.14.2</a>
         */
        public Builder detectReuse(boolean detectReuse) {
            this.detectReuse = detectReuse;
            return this;
        }

        /**
         * Sets the scopes that may be requested, all of Spotify's by default. Any other scope is {@code invalid_scope}.
         */
        public Builder scopes(String... scopes) {
            this.scopes = notEmpty("scopes", scopes);
            return this;
        }

        /** Sets the clock by which access tokens expire. All other times are those of the system's clock. */
        public Builder clock(Clock clock) {
            this.clock = Objects.requireNonNull(clock, "clock");
            return this;
        }

        /**
         * Starts the server, and returns when it accepts requests.
         *
         * @throws PortInUseException if another program has the port
         */
        public DemoProvider start() {
            Settings settings = new Settings(
                    port,
                    clientId,
                    clientSecret,
                    redirectUris,
                    accessTokenLifetime,
                    autoApprove,
                    rotateRefreshTokens,
                    detectReuse,
                    scopes,
                    clock);
            AnnotationConfigServletWebServerApplicationContext context =
                    new AnnotationConfigServletWebServerApplicationContext();
            context.registerBean(Settings.class, () -> settings);
            context.register(ServerConfiguration.class, SecurityConfiguration.class, GrantConfiguration.class);
            try {
                context.refresh();
            } catch (ApplicationContextException failed) {
                if (failed.getCause() instanceof PortInUseException taken) {
                    throw taken;
                }
                throw failed;
            }
            return new DemoProvider(context);
        }

        private static String notBlank(String name, String value) {
            if (value.isBlank()) {
                throw new IllegalArgumentException(name + " must not be blank");
            }
            return value;
        }

        private static void requireAbsolute(String redirectUri) {
            URI uri = URI.create(redirectUri);
            if (!uri.isAbsolute() || uri.getRawAuthority() == null || uri.getRawFragment() != null) {
                throw new IllegalArgumentException(
                        "a redirect URI must be absolute and without a fragment, was " + redirectUri);
            }
        }

        private static Set<String> notEmpty(String name, String... values) {
            if (values.length == 0) {
                throw new IllegalArgumentException(name + " must not be empty");
            }
            return new TreeSet<>(List.of(values));
        }
    }
}
