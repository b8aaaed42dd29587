package io.tokenswap.samples.exchange;

import io.netty.util.NetUtil;
import io.tokenswap.KeyRing;
import io.tokenswap.samples.exchange.config.Environment;
import io.tokenswap.samples.exchange.config.Values;
import java.net.URI;
import java.nio.file.Path;
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
 * The settings of an exchange server. They are read from variables only, so that the program and a test that embeds it are
 * configured alike; the README lists them. Immutable; {@link #toString()} prints no secret.
 */
public final class ExchangeServerConfig {

    private static final Pattern SCOPES =
            Pattern.compile("[\\x21\\x23-\\x2B\\x2D-\\x5B\\x5D-\\x7E]+( +[\\x21\\x23-\\x2B\\x2D-\\x5B\\x5D-\\x7E]+)*");
    private static final String SPOTIFY = "accounts.spotify.com";

    final int port;
    final String bindAddress;
    /** Null for the URL of the port that is bound. */
    final @Nullable PublicUrl publicUrl;

    final String clientId;
    final String clientSecret;
    /** The file that {@link #clientSecret} was read from, and is read from again when it changes. */
    final @Nullable Path clientSecretFile;

    final URI authorizeUri;
    final URI tokenUri;
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

    /** The most requests to the provider that are in flight. */
    final int providerConnections;
    /** The most requests that wait for one of them. */
    final int providerWaiting;

    /** Null for no metrics. */
    final @Nullable Integer metricsPort;

    private ExchangeServerConfig(Map<String, String> variables) {
        Environment environment = new Environment(variables);
        Supplier<Integer> port = environment.optional("PORT", "8080", Values::port);
        Supplier<String> bindAddress =
                environment.optional("BIND_ADDRESS", "127.0.0.1", ExchangeServerConfig::ipAddress);
        Supplier<@Nullable PublicUrl> publicUrl = environment.nullable("PUBLIC_URL", PublicUrl::parse);
        Supplier<String> clientId = environment.required("CLIENT_ID", Values::credential, "SPOTIFY_CLIENT_ID");
        Supplier<String> clientSecret = environment.required("CLIENT_SECRET", Values::secret, "SPOTIFY_CLIENT_SECRET");
        Supplier<URI> authorizeUri =
                environment.optional("PROVIDER_AUTHORIZE_URL", "https://" + SPOTIFY + "/authorize", Uris::parse);
        Supplier<URI> tokenUri =
                environment.optional("PROVIDER_TOKEN_URL", "https://" + SPOTIFY + "/api/token", Uris::parse);
        Supplier<AllowedRedirectUris> returnUris =
                environment.optional("RETURN_URIS", AllowedRedirectUris.DEFAULT, AllowedRedirectUris::parse);
        Supplier<@Nullable AllowedRedirectUris> directRedirectUris =
                environment.nullable("DIRECT_REDIRECT_URIS", AllowedRedirectUris::parse);
        Supplier<@Nullable Set<String>> scopes = environment.nullable("SCOPES", ExchangeServerConfig::scopes);
        Supplier<Boolean> requirePkce = environment.optional("REQUIRE_PKCE", "false", Values::bool);
        Supplier<@Nullable KeyRing> sealKeys =
                environment.nullable("SEAL_KEYS", ExchangeServerConfig::keyRing, "SEAL_KEY");
        Supplier<@Nullable Instant> rawUntil =
                environment.nullable("ACCEPT_RAW_REFRESH_TOKENS_UNTIL", ExchangeServerConfig::date);
        Supplier<@Nullable Period> grantLifetime = environment.nullable("GRANT_LIFETIME", ExchangeServerConfig::period);
        Supplier<Integer> providerConnections =
                environment.optional("PROVIDER_CONNECTIONS", "256", text -> Values.count(text, 1));
        Supplier<Integer> providerWaiting =
                environment.optional("PROVIDER_WAITING", "1024", text -> Values.count(text, 1));
        // Of a port of its own: METRICS_PORT is what Kubernetes sets where a service is named metrics.
        Supplier<@Nullable Integer> metricsPort = environment.nullable("METRICS_HTTP_PORT", Values::port);
        checkKeys(environment, variables);
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
        this.returnUris = returnUris.get();
        this.directRedirectUris = directRedirectUris.get();
        Set<String> allowedScopes = scopes.get();
        this.scopes = allowedScopes == null ? Set.of() : allowedScopes;
        this.requirePkce = requirePkce.get();
        this.sealKeys = sealKeys.get();
        this.sealKeysFile = environment.file("SEAL_KEYS");
        this.acceptRawRefreshTokensUntil = rawUntil.get();
        this.providerConnections = providerConnections.get();
        this.providerWaiting = providerWaiting.get();
        this.metricsPort = metricsPort.get();
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
    private static void checkKeys(Environment environment, Map<String, String> variables) {
        boolean https = variables.getOrDefault("PUBLIC_URL", "").startsWith("https:");
        if (https && !environment.has("SEAL_KEYS", "SEAL_KEY")) {
            environment.problem(
                    "SEAL_KEYS is not set, and PUBLIC_URL is https: make a key with openssl rand -base64 32");
        }
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

    private static String ipAddress(String text) {
        if (!NetUtil.isValidIpV4Address(text) && !NetUtil.isValidIpV6Address(text)) {
            throw new IllegalArgumentException("is not an IP address: 127.0.0.1 for this machine, 0.0.0.0 for all");
        }
        return text;
    }

    /** Holds neither the client secret nor a key. */
    @Override
    public String toString() {
        return "ExchangeServerConfig[" + bindAddress + ":" + port
                + ", publicUrl=" + (publicUrl == null ? "of the bound port" : publicUrl.base())
                + ", authorizeUri=" + authorizeUri
                + ", tokenUri=" + tokenUri
                + ", returnUris=" + String.join(" ", returnUris.entries()) + "]";
    }
}
