package io.tokenswap.samples.desktop;

import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** An exchange server in this process, before a demo provider in this process or the real Spotify. */
final class EmbeddedSystem implements AutoCloseable {

    private static final String CLIENT_ID = "SPOTIFY_CLIENT_ID";
    private static final String CLIENT_SECRET = "SPOTIFY_CLIENT_SECRET";

    private final ExchangeServer exchange;
    private final @Nullable DemoProvider provider;
    private final URI meUri;

    private EmbeddedSystem(ExchangeServer exchange, @Nullable DemoProvider provider, URI meUri) {
        this.exchange = exchange;
        this.provider = provider;
        this.meUri = meUri;
    }

    /** Returns true if the real Spotify is meant. One variable is enough: the exchange server then names the missing one. */
    static boolean hasSpotifyClient(Map<String, String> environment) {
        return Stream.of(CLIENT_ID, CLIENT_SECRET)
                .anyMatch(name -> !environment.getOrDefault(name, "").isBlank());
    }

    /** Starts an exchange server at the port that was registered at Spotify. */
    static EmbeddedSystem withSpotify(Map<String, String> environment, List<URI> returnUris) {
        Map<String, String> variables = new HashMap<>(environment);
        variables.putIfAbsent("PORT", "8080");
        variables.put("RETURN_URIS", allowList(returnUris));
        return new EmbeddedSystem(start(variables), null, URI.create("https://api.spotify.com/v1/me"));
    }

    /** Starts a provider and an exchange server at free ports. */
    static EmbeddedSystem withDemoProvider(List<URI> returnUris, Duration tokenLifetime, boolean autoApprove) {
        String allowList = allowList(returnUris);
        DemoProvider provider = DemoProvider.builder()
                .redirectUris("http://127.0.0.1/callback") // without a port: any, as the exchange server's is free
                .accessTokenLifetime(tokenLifetime)
                .autoApprove(autoApprove)
                .start();
        try {
            ExchangeServer exchange = start(Map.of(
                    "PORT",
                    "0",
                    CLIENT_ID,
                    "demo-client",
                    CLIENT_SECRET,
                    "demo-secret",
                    "PROVIDER_AUTHORIZE_URL",
                    provider.authorizeUri().toString(),
                    "PROVIDER_TOKEN_URL",
                    provider.tokenUri().toString(),
                    "RETURN_URIS",
                    allowList));
            return new EmbeddedSystem(exchange, provider, provider.meUri());
        } catch (RuntimeException | Error e) {
            provider.close();
            throw e;
        }
    }

    private static ExchangeServer start(Map<String, String> variables) {
        return Mono.defer(() -> ExchangeServer.start(ExchangeServerConfig.from(variables)))
                .blockOptional()
                .orElseThrow();
    }

    /** Returns the receiver's addresses. An address without a port stands for a receiver that takes any free port. */
    private static String allowList(List<URI> returnUris) {
        return returnUris.stream().map(EmbeddedSystem::allowed).collect(Collectors.joining(","));
    }

    private static String allowed(URI returnUri) {
        if (returnUri.getPort() != 0) {
            return returnUri.toString();
        }
        if ("localhost".equals(returnUri.getHost())) {
            throw new IllegalArgumentException(
                    "An exchange server allows any port of a loopback address, not of localhost:"
                            + " use --listen http://127.0.0.1:0" + returnUri.getRawPath());
        }
        return "http://" + returnUri.getHost() + returnUri.getRawPath();
    }

    /** Returns the URI of the exchange server. */
    URI exchangeUri() {
        return exchange.uri();
    }

    /** Returns the URI of an API that accepts the tokens. */
    URI meUri() {
        return meUri;
    }

    /** Returns the demo provider, or null for the real Spotify. */
    @Nullable DemoProvider provider() {
        return provider;
    }

    @Override
    public void close() {
        exchange.close();
        if (provider != null) {
            provider.close();
        }
    }
}
