package io.tokenswap.samples.exchange;

import io.netty.util.NetUtil;
import io.tokenswap.KeyRing;
import io.tokenswap.samples.exchange.config.Environment;
import io.tokenswap.samples.exchange.config.Values;
import io.tokenswap.samples.exchange.connection.ConnectionLimits;
import io.tokenswap.samples.exchange.limit.TrustedProxies;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Settings of an exchange server. They are read from variables only, so the program and a test that embeds the server are
 * configured alike. The README lists the variables. Immutable; {@link #toString()} prints no secret.
 */
public final class ExchangeServerConfig {

    private static final Pattern SCOPES =
            Pattern.compile("[\\x21\\x23-\\x2B\\x2D-\\x5B\\x5D-\\x7E]+( +[\\x21\\x23-\\x2B\\x2D-\\x5B\\x5D-\\x7E]+)*");
    private static final Pattern REDIS_URL = Pattern.compile("rediss?(-sentinel|-cluster)?://[\\x21-\\x7E]+");
    private static final String SPOTIFY = "accounts.spotify.com";

    final int port;
    final InetAddress bindAddress;
    /** Null for the URL of the port that is bound. */
    final @Nullable PublicUrl publicUrl;

    final String clientId;
    final String clientSecret;
    /** The file that {@link #clientSecret} was read from, and is read from again when it changes. */
    final @Nullable Path clientSecretFile;

    final URI authorizeUri;
    final URI tokenUri;
    /** The issuer that the provider names in its responses to logins, or null where it names none. */
    final @Nullable String providerIssuer;

    final AllowedRedirectUris returnUris;
    /** Null where no client goes to the provider itself. */
    final @Nullable AllowedRedirectUris directRedirectUris;
    /** Empty for any. */
    final Set<String> scopes;

    final boolean requirePkce;
    /** Null for a ring that lives as long as the process. */
    final @Nullable KeyRing sealKeys;

    final @Nullable Path sealKeysFile;
    /** The instant from which refresh tokens that are not sealed are refused, or null if they always are. */
    final @Nullable Instant acceptRawRefreshTokensUntil;
    /** The life of a grant from the user's consent on, or null where it is not known. */
    final @Nullable Period grantLifetime;

    /** Null for a single instance. It may hold a password. */
    final @Nullable String redisUrl;
    /** True if the provider replaces refresh tokens, false if it does not, null to learn it. */
    final @Nullable Boolean providerRotates;

    /** The most requests to the provider that are in flight. */
    final int providerConnections;
    /** The most requests that wait for one of them. */
    final int providerWaiting;

    /** Null for no metrics. */
    final @Nullable Integer metricsPort;

    final InetAddress metricsAddress;
    final TrustedProxies trustedProxies;
    final AllowedOrigins allowedOrigins;
    /** Requests a second; 0 for no limit, here and in the next two. */
    final int limitTotal;

    final int limitPerToken;
    final int limitFailures;
    final ConnectionLimits connectionLimits;
    /** The time between the announcement of a drain and its beginning. */
    final Duration drainDelay;
    /** Null for plain http. */
    final @Nullable Path tlsCertificate;

    final @Nullable Path tlsPrivateKey;

    private ExchangeServerConfig(Map<String, String> variables) {
        Environment environment = new Environment(variables);
        Supplier<Integer> port = environment.optional("PORT", "8080", Values::port);
        Supplier<InetAddress> bindAddress =
                environment.optional("BIND_ADDRESS", "127.0.0.1", ExchangeServerConfig::ipAddress);
        Supplier<@Nullable PublicUrl> publicUrl = environment.nullable("PUBLIC_URL", PublicUrl::parse);
        Supplier<String> clientId = environment.required("CLIENT_ID", Values::credential, "SPOTIFY_CLIENT_ID");
        Supplier<String> clientSecret = environment.required("CLIENT_SECRET", Values::secret, "SPOTIFY_CLIENT_SECRET");
        Supplier<URI> authorizeUri =
                environment.optional("PROVIDER_AUTHORIZE_URL", "https://" + SPOTIFY + "/authorize", Uris::parse);
        Supplier<URI> tokenUri =
                environment.optional("PROVIDER_TOKEN_URL", "https://" + SPOTIFY + "/api/token", Uris::parse);
        Supplier<@Nullable String> providerIssuer =
                environment.nullable("PROVIDER_ISSUER", text -> Uris.parse(text).toString());
        Supplier<AllowedRedirectUris> returnUris =
                environment.optional("RETURN_URIS", AllowedRedirectUris.DEFAULT, AllowedRedirectUris::parse);
        Supplier<@Nullable AllowedRedirectUris> directRedirectUris =
                environment.nullable("DIRECT_REDIRECT_URIS", AllowedRedirectUris::parseDirect);
        Supplier<@Nullable Set<String>> scopes = environment.nullable("SCOPES", ExchangeServerConfig::scopes);
        Supplier<Boolean> requirePkce = environment.optional("REQUIRE_PKCE", "false", Values::bool);
        Supplier<@Nullable KeyRing> sealKeys =
                environment.nullable("SEAL_KEYS", ExchangeServerConfig::keyRing, "SEAL_KEY");
        Supplier<@Nullable Instant> rawUntil =
                environment.nullable("ACCEPT_RAW_REFRESH_TOKENS_UNTIL", ExchangeServerConfig::date);
        Supplier<@Nullable Period> grantLifetime = environment.nullable("GRANT_LIFETIME", ExchangeServerConfig::period);
        Supplier<@Nullable String> redisUrl = environment.nullable("REDIS_URL", ExchangeServerConfig::redisUrl);
        Supplier<@Nullable Boolean> providerRotates = environment.nullable("PROVIDER_ROTATES", Values::bool);
        Supplier<Integer> providerConnections =
                environment.optional("PROVIDER_CONNECTIONS", "256", text -> Values.count(text, 1));
        Supplier<Integer> providerWaiting =
                environment.optional("PROVIDER_WAITING", "1024", text -> Values.count(text, 1));
        // Not METRICS_PORT: Kubernetes sets that variable where a service is named metrics.
        Supplier<@Nullable Integer> metricsPort = environment.nullable("METRICS_HTTP_PORT", Values::port);
        Supplier<InetAddress> metricsAddress =
                environment.optional("METRICS_BIND_ADDRESS", "127.0.0.1", ExchangeServerConfig::ipAddress);
        Supplier<@Nullable TrustedProxies> trustedProxies =
                environment.nullable("TRUSTED_PROXIES", TrustedProxies::parse);
        Supplier<@Nullable AllowedOrigins> allowedOrigins =
                environment.nullable("ALLOWED_ORIGINS", AllowedOrigins::parse);
        Supplier<Integer> limitTotal = environment.optional("LIMIT_TOTAL", "2000", text -> Values.count(text, 0));
        Supplier<Integer> limitPerToken = environment.optional("LIMIT_PER_TOKEN", "2", text -> Values.count(text, 0));
        Supplier<Integer> limitFailures = environment.optional("LIMIT_FAILURES", "10", text -> Values.count(text, 0));
        Supplier<Integer> connections = environment.optional("MAX_CONNECTIONS", "10000", text -> Values.count(text, 1));
        Supplier<Integer> connectionsPerAddress =
                environment.optional("MAX_CONNECTIONS_PER_ADDRESS", "100", text -> Values.count(text, 1));
        Supplier<Duration> headTime = environment.optional("HEADER_TIMEOUT", "10s", Values::duration);
        Supplier<Duration> bodyTime = environment.optional("BODY_TIMEOUT", "10s", Values::duration);
        Supplier<Duration> responseTime = environment.optional("RESPONSE_TIMEOUT", "10s", Values::duration);
        Supplier<Duration> keepAlive = environment.optional("KEEP_ALIVE", "75s", Values::duration);
        Supplier<Duration> drainDelay = environment.optional("DRAIN_DELAY", "5s", Values::duration);
        Supplier<@Nullable Path> certificate = environment.nullable("TLS_CERTIFICATE", ExchangeServerConfig::file);
        Supplier<@Nullable Path> privateKey = environment.nullable("TLS_PRIVATE_KEY", ExchangeServerConfig::file);
        // The logging system reads it too.
        environment.optional("LOG_FORMAT", "plain", ExchangeServerConfig::logFormat);
        checkTls(environment);
        checkKeys(environment);
        checkPublicUrl(environment);
        List<String> problems = environment.check();
        if (!problems.isEmpty()) {
            throw new ConfigurationException(problems);
        }

        this.port = port.get();
        this.bindAddress = bindAddress.get();
        this.publicUrl = publicUrl.get();
        this.clientId = clientId.get();
        this.clientSecret = clientSecret.get();
        this.clientSecretFile = environment.file("CLIENT_SECRET");
        this.authorizeUri = authorizeUri.get();
        this.tokenUri = tokenUri.get();
        this.providerIssuer = providerIssuer.get();
        this.returnUris = returnUris.get();
        this.directRedirectUris = directRedirectUris.get();
        Set<String> allowedScopes = scopes.get();
        this.scopes = allowedScopes == null ? Set.of() : allowedScopes;
        this.requirePkce = requirePkce.get();
        this.sealKeys = sealKeys.get();
        this.sealKeysFile = environment.file("SEAL_KEYS");
        this.acceptRawRefreshTokensUntil = rawUntil.get();
        this.redisUrl = redisUrl.get();
        this.providerRotates = providerRotates.get();
        this.providerConnections = providerConnections.get();
        this.providerWaiting = providerWaiting.get();
        this.metricsPort = metricsPort.get();
        this.metricsAddress = metricsAddress.get();
        TrustedProxies proxies = trustedProxies.get();
        this.trustedProxies = proxies == null ? TrustedProxies.NONE : proxies;
        AllowedOrigins origins = allowedOrigins.get();
        this.allowedOrigins = origins == null ? AllowedOrigins.NONE : origins;
        this.limitTotal = limitTotal.get();
        this.limitPerToken = limitPerToken.get();
        this.limitFailures = limitFailures.get();
        this.connectionLimits = new ConnectionLimits(
                connections.get(),
                connectionsPerAddress.get(),
                headTime.get(),
                bodyTime.get(),
                responseTime.get(),
                keepAlive.get(),
                RequestBody.LONGEST);
        this.drainDelay = drainDelay.get();
        this.tlsCertificate = certificate.get();
        this.tlsPrivateKey = privateKey.get();
        Period lifetime = grantLifetime.get();
        this.grantLifetime =
                lifetime == null && this.tokenUri.getHost().equals(SPOTIFY) ? Period.ofMonths(6) : lifetime;
    }

    /**
     * Reads the settings from variables.
     *
     * @param variables {@link System#getenv()}, or a map that stands for it where the server is embedded
     * @return the settings
     * @throws ConfigurationException with all problems
     */
    public static ExchangeServerConfig from(Map<String, String> variables) {
        return new ExchangeServerConfig(variables);
    }

    /** A key of the process ends with it, and would sign out every user at the next restart. */
    private static void checkKeys(Environment environment) {
        boolean https = environment.text("PUBLIC_URL").startsWith("https:");
        if (https && !environment.has("SEAL_KEYS", "SEAL_KEY")) {
            environment.problem(
                    "SEAL_KEYS is not set, and PUBLIC_URL is https: make a key with openssl rand -base64 32");
        }
        if (environment.has("REDIS_URL") && !environment.has("SEAL_KEYS", "SEAL_KEY")) {
            environment.problem("SEAL_KEYS is not set, and REDIS_URL is: all instances need the same keys");
        }
    }

    /** A browser on another machine needs https, and the URL of this port has none. */
    private static void checkPublicUrl(Environment environment) {
        String address = environment.text("BIND_ADDRESS");
        if (environment.has("PUBLIC_URL") || address.isEmpty()) {
            return;
        }
        InetAddress bound = NetUtil.createInetAddressFromIpAddressString(address);
        if (bound != null && !bound.isLoopbackAddress() && !bound.isAnyLocalAddress()) {
            environment.problem("PUBLIC_URL is not set, and BIND_ADDRESS is an address that other machines reach:"
                    + " set PUBLIC_URL to the https URL that they use");
        }
    }

    private static void checkTls(Environment environment) {
        if (environment.has("TLS_CERTIFICATE") != environment.has("TLS_PRIVATE_KEY")) {
            environment.problem("TLS_CERTIFICATE and TLS_PRIVATE_KEY belong together: set both or neither");
        } else if (environment.has("TLS_CERTIFICATE") && !environment.has("PUBLIC_URL")) {
            environment.problem("PUBLIC_URL is not set, and TLS_CERTIFICATE is: which name is the certificate for?");
        }
    }

    private static String redisUrl(String text) {
        if (!REDIS_URL.matcher(text).matches()) {
            throw new IllegalArgumentException("is not a URL such as redis://host:6379, rediss://host:6379 (with TLS),"
                    + " redis-sentinel://host:26379#name or redis-cluster://host:6379,host:6379");
        }
        return text;
    }

    private static Path file(String text) {
        Path file = Path.of(text);
        if (!Files.isReadable(file)) {
            throw new IllegalArgumentException("names a file that does not exist or that this user cannot read");
        }
        return file;
    }

    private static String logFormat(String text) {
        if (!text.equals("plain") && !text.equals("json")) {
            throw new IllegalArgumentException("is neither plain nor json");
        }
        return text;
    }

    static KeyRing keyRing(String text) {
        List<String> keys = Arrays.stream(text.split("[,\\s]+"))
                .filter(key -> !key.isEmpty())
                .toList();
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("holds no key: make one with openssl rand -base64 32");
        }
        try {
            return KeyRing.of(keys.get(0), keys.subList(1, keys.size()).toArray(String[]::new));
        } catch (IllegalArgumentException problem) {
            throw new IllegalArgumentException("is refused. " + problem.getMessage());
        }
    }

    private static Set<String> scopes(String text) {
        if (text.contains(",")) {
            throw new IllegalArgumentException("holds a comma: separate scopes by spaces");
        }
        if (!SCOPES.matcher(text).matches()) {
            throw new IllegalArgumentException("holds a character that no scope has");
        }
        return new LinkedHashSet<>(Arrays.asList(text.split(" +")));
    }

    private static Instant date(String text) {
        try {
            return LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
        } catch (DateTimeParseException malformed) {
            throw new IllegalArgumentException("is not a date such as 2027-01-31");
        }
    }

    private static Period period(String text) {
        try {
            Period period = Period.parse(text);
            if (!period.isNegative() && !period.isZero()) {
                return period;
            }
        } catch (DateTimeParseException malformed) {
            throw new IllegalArgumentException("is not a period such as P6M or P180D");
        }
        throw new IllegalArgumentException("is not a period such as P6M or P180D");
    }

    private static InetAddress ipAddress(String text) {
        if (NetUtil.isValidIpV4Address(text) || NetUtil.isValidIpV6Address(text)) {
            try {
                return InetAddress.getByName(text);
            } catch (UnknownHostException noSuchInterface) {
                throw new IllegalArgumentException("names a network interface that this machine does not have");
            }
        }
        throw new IllegalArgumentException("is not an IP address: 127.0.0.1 for this machine, 0.0.0.0 for all");
    }

    /** Holds neither the client secret nor a key. */
    @Override
    public String toString() {
        return "ExchangeServerConfig[" + NetUtil.toAddressString(bindAddress) + ":" + port
                + ", publicUrl=" + (publicUrl == null ? "of the bound port" : publicUrl.base())
                + ", authorizeUri=" + authorizeUri
                + ", tokenUri=" + tokenUri
                + ", returnUris=" + String.join(" ", returnUris.entries()) + "]";
    }
}
