package io.tokenswap.samples.quickstart;

import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import reactor.core.publisher.Mono;

/** Provider and exchange server on loopback addresses. The provider approves each login without a page. */
final class LocalServers implements AutoCloseable {

    private final DemoProvider provider;
    private final ExchangeServer exchange;

    private LocalServers(DemoProvider provider, ExchangeServer exchange) {
        this.provider = provider;
        this.exchange = exchange;
    }

    /** Starts both servers at free ports. The exchange server sends its codes to one redirect URI. */
    static LocalServers start(Duration tokenLifetime, String redirectUri) {
        DemoProvider provider = DemoProvider.builder()
                .redirectUris("http://127.0.0.1/callback") // any port
                .accessTokenLifetime(tokenLifetime)
                .autoApprove(true)
                .start();
        Map<String, String> variables = Map.of(
                "PORT",
                "0",
                "CLIENT_ID",
                "demo-client",
                "CLIENT_SECRET",
                "demo-secret",
                "PROVIDER_AUTHORIZE_URL",
                provider.authorizeUri().toString(),
                "PROVIDER_TOKEN_URL",
                provider.tokenUri().toString(),
                "RETURN_URIS",
                redirectUri);
        try {
            ExchangeServer exchange = Mono.defer(() -> ExchangeServer.start(ExchangeServerConfig.from(variables)))
                    .blockOptional()
                    .orElseThrow();
            return new LocalServers(provider, exchange);
        } catch (RuntimeException | Error e) {
            provider.close();
            throw e;
        }
    }

    URI exchangeUri() {
        return exchange.uri();
    }

    DemoProvider provider() {
        return provider;
    }

    @Override
    public void close() {
        exchange.close();
        provider.close();
    }
}
