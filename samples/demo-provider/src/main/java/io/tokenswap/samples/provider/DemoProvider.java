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
 * A running authorization server on {@code 127.0.0.1}: {@code GET /authorize}, {@code POST /api/token} and
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
 * <p>Any number of them can run in one process. Thread-safe.
 */
public final class DemoProvider implements AutoCloseable {

    private final AnnotationConfigServletWebServerApplicationContext context;
    private final GrantStore grants;
    private final URI uri;

    private DemoProvider(AnnotationConfigServletWebServerApplicationContext context) {
        this.context = context;
        this.grants = context.getBean(GrantStore.class);
        WebServer server = Objects.requireNonNull(context.getWebServer(), "started");
        this.uri = URI.create("http://127.0.0.1:" + server.getPort());
    }

    /** Options with their defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** The base, for example {@code http://127.0.0.1:9000}. */
    public URI uri() {
        return uri;
    }

    /** Where the browser is sent to. */
    public URI authorizeUri() {
        return uri.resolve("/authorize");
    }

    /** Where codes and refresh tokens are redeemed. */
    public URI tokenUri() {
        return uri.resolve("/api/token");
    }

    /** A resource that wants an access token with the scope {@code user-read-private}. */
    public URI meUri() {
        return uri.resolve("/v1/me");
    }

    /**
     * Ends one grant, as when the user removes the application in their account: its refresh token answers
     * {@code invalid_grant} from now on, its access tokens are refused at once.
     *
     * @return whether the refresh token was known
     */
    public boolean revoke(String refreshToken) {
        return grants.revoke(refreshToken);
    }

    /** Ends every grant, and forgets what the user has consented to. */
    public void revokeAll() {
        grants.revokeAll();
        context.getBean(Consents.class).forgetAll();
    }

    /** Stops the server and frees its port; a second call does nothing. */
    @Override
    public void close() {
        context.close();
    }

    /** Collects the options of a {@link DemoProvider}. Not thread-safe. */
    public static final class Builder {

        private int port;
        private String clientId = "demo-client";
        private String clientSecret = "demo-secret";
        private Set<String> redirectUris = Set.of("http://127.0.0.1:8080/callback");
        private Duration accessTokenLifetime = Duration.ofHours(1);
        private boolean autoApprove;
        private boolean rotateRefreshTokens = true;
        private Set<String> scopes = Scopes.all();
        private Clock clock = Clock.systemUTC();

        private Builder() {}

        /** The port on 127.0.0.1; 0, the default, takes a free one. */
        public Builder port(int port) {
            if (port < 0 || port > 65_535) {
                throw new IllegalArgumentException("port must be 0 to 65535, was " + port);
            }
            this.port = port;
            return this;
        }

        /** Default {@code demo-client}. */
        public Builder clientId(String clientId) {
            this.clientId = notBlank("clientId", clientId);
            return this;
        }

        /** Default {@code demo-secret}. */
        public Builder clientSecret(String clientSecret) {
            this.clientSecret = notBlank("clientSecret", clientSecret);
            return this;
        }

        /**
         * The only places that the browser is sent back to, compared byte for byte; one without a port on
         * {@code 127.0.0.1} or {@code [::1]} allows any port. Default {@code http://127.0.0.1:8080/callback}.
         */
        public Builder redirectUris(String... redirectUris) {
            this.redirectUris = notEmpty("redirectUris", redirectUris);
            this.redirectUris.forEach(Builder::requireAbsolute);
            return this;
        }

        /** How long an access token is good for: whole seconds, at least one. Default one hour, as Spotify's. */
        public Builder accessTokenLifetime(Duration accessTokenLifetime) {
            if (accessTokenLifetime.toSeconds() < 1 || accessTokenLifetime.toNanosPart() != 0) {
                throw new IllegalArgumentException(
                        "accessTokenLifetime must be whole seconds and at least one, was " + accessTokenLifetime);
            }
            this.accessTokenLifetime = accessTokenLifetime;
            return this;
        }

        /**
         * Whether to sign the demo user in and consent without showing a page, even with {@code show_dialog=true}: a
         * client that only follows redirects gets its code. Default false.
         */
        public Builder autoApprove(boolean autoApprove) {
            this.autoApprove = autoApprove;
            return this;
        }

        /**
         * Whether each refresh replaces the refresh token and kills the old one; if not, the answer to a refresh has
         * none, and the first stays good. Default true.
         */
        public Builder rotateRefreshTokens(boolean rotateRefreshTokens) {
            this.rotateRefreshTokens = rotateRefreshTokens;
            return this;
        }

        /** The scopes that may be asked for; any other is {@code invalid_scope}. Default all of Spotify's. */
        public Builder scopes(String... scopes) {
            this.scopes = notEmpty("scopes", scopes);
            return this;
        }

        /** Decides when an access token has expired; everything else keeps to the system's clock. */
        public Builder clock(Clock clock) {
            this.clock = Objects.requireNonNull(clock, "clock");
            return this;
        }

        /**
         * Starts the server; when this returns, it answers.
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
