package io.tokenswap.samples.exchange;

import io.netty.util.NetUtil;
import java.net.URI;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What an exchange server must know. It is read from variables only, so that the program and a test that embeds it are
 * configured alike; the README lists them. Immutable; {@link #toString()} prints no secret.
 */
public final class ExchangeServerConfig {

    final int port;
    final String bindAddress;
    /** Null for the URL of the port that is bound. */
    final @Nullable PublicUrl publicUrl;

    final String clientId;
    final String clientSecret;
    final URI authorizeUri;
    final URI tokenUri;
    final AllowedRedirectUris returnUris;
    /** Empty for any. */
    final Set<String> scopes;

    final boolean requirePkce;
    /** Null for a key that lives as long as the process. */
    final byte @Nullable [] sealKey;

    private ExchangeServerConfig(Map<String, String> variables) {
        Environment environment = new Environment(variables);
        Supplier<Integer> port = environment.optional("PORT", "8080", ExchangeServerConfig::port);
        Supplier<String> bindAddress =
                environment.optional("BIND_ADDRESS", "127.0.0.1", ExchangeServerConfig::ipAddress);
        // The stand-in is checked like any URL and then replaced by that of the port that was bound.
        Supplier<PublicUrl> publicUrl = environment.optional("PUBLIC_URL", "http://127.0.0.1", PublicUrl::parse);
        Supplier<String> clientId = environment.required("SPOTIFY_CLIENT_ID", ExchangeServerConfig::credential);
        Supplier<String> clientSecret = environment.required("SPOTIFY_CLIENT_SECRET", ExchangeServerConfig::credential);
        Supplier<URI> authorizeUri =
                environment.optional("PROVIDER_AUTHORIZE_URL", "https://accounts.spotify.com/authorize", Uris::parse);
        Supplier<URI> tokenUri =
                environment.optional("PROVIDER_TOKEN_URL", "https://accounts.spotify.com/api/token", Uris::parse);
        Supplier<AllowedRedirectUris> returnUris =
                environment.optional("RETURN_URIS", AllowedRedirectUris.DEFAULT, AllowedRedirectUris::parse);
        Supplier<Set<String>> scopes = environment.has("SCOPES")
                ? environment.required("SCOPES", text -> Set.copyOf(Arrays.asList(text.split(" +"))))
                : Set::of;
        Supplier<Boolean> requirePkce = environment.optional("REQUIRE_PKCE", "false", ExchangeServerConfig::bool);
        @Nullable Supplier<byte[]> sealKey =
                environment.has("SEAL_KEY") ? environment.required("SEAL_KEY", ExchangeServerConfig::key) : null;
        environment.check();

        this.port = port.get();
        this.bindAddress = bindAddress.get();
        this.publicUrl = environment.has("PUBLIC_URL") ? publicUrl.get() : null;
        this.clientId = clientId.get();
        this.clientSecret = clientSecret.get();
        this.authorizeUri = authorizeUri.get();
        this.tokenUri = tokenUri.get();
        this.returnUris = returnUris.get();
        this.scopes = scopes.get();
        this.requirePkce = requirePkce.get();
        this.sealKey = sealKey == null ? null : sealKey.get();
    }

    /**
     * The configuration that variables describe.
     *
     * @param variables {@link System#getenv()}, or what stands for it where the server is embedded
     * @return the configuration
     * @throws ConfigurationException with all that is missing or malformed
     */
    public static ExchangeServerConfig from(Map<String, String> variables) {
        return new ExchangeServerConfig(variables);
    }

    private static int port(String text) {
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > 65535) {
            throw new IllegalArgumentException("is not a port from 0 (any free one) to 65535");
        }
        return Integer.parseInt(text);
    }

    private static String ipAddress(String text) {
        if (!NetUtil.isValidIpV4Address(text) && !NetUtil.isValidIpV6Address(text)) {
            throw new IllegalArgumentException("is not an IP address: 127.0.0.1 for this machine, 0.0.0.0 for all");
        }
        return text;
    }

    private static String credential(String text) {
        if (!text.chars().allMatch(c -> c > 0x20 && c < 0x7F)) {
            throw new IllegalArgumentException("holds a space or a character that is not plain ASCII");
        }
        return text;
    }

    private static boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("is neither true nor false");
        };
    }

    private static byte[] key(String text) {
        String complaint = "is not the Base64 form of 32 bytes: make one with openssl rand -base64 32";
        try {
            byte[] key = Base64.getDecoder().decode(text);
            if (key.length == Seal.KEY_BYTES) {
                return key;
            }
        } catch (IllegalArgumentException malformed) {
            throw new IllegalArgumentException(complaint);
        }
        throw new IllegalArgumentException(complaint);
    }

    /** Holds neither the client secret nor the key. */
    @Override
    public String toString() {
        return "ExchangeServerConfig[" + bindAddress + ":" + port
                + ", publicUrl=" + (publicUrl == null ? "of the bound port" : publicUrl.base())
                + ", authorizeUri=" + authorizeUri
                + ", tokenUri=" + tokenUri
                + ", returnUris=" + returnUris.entries().stream().collect(Collectors.joining(" ")) + "]";
    }
}
