package io.tokenswap.samples.webflux;

import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A provider, an exchange server and this service, all real, on free ports of this machine. One at a time: Spring, when it stops,
 * stops the event loops that all of Reactor Netty shares.
 */
final class World implements AutoCloseable {

    /** On the class path for the provider's sake; this service runs on Netty. */
    static final String NO_TOMCAT = "--spring.autoconfigure.exclude="
            + "org.springframework.boot.tomcat.autoconfigure.reactive.TomcatReactiveWebServerAutoConfiguration";

    final DemoProvider provider;
    final ExchangeServer exchange;
    private final ConfigurableApplicationContext service;

    private World(DemoProvider provider, ExchangeServer exchange, ConfigurableApplicationContext service) {
        this.provider = provider;
        this.exchange = exchange;
        this.service = service;
    }

    /** With a provider that approves every login. */
    static World start(String... settings) {
        return start(provider -> provider.autoApprove(true), settings);
    }

    static World start(UnaryOperator<DemoProvider.Builder> options, String... settings) {
        DemoProvider provider = options.apply(DemoProvider.builder().redirectUris("http://127.0.0.1/callback"))
                .start();
        ExchangeServer exchange = ExchangeServer.start(ExchangeServerConfig.from(Map.of(
                        "PORT", "0",
                        "SPOTIFY_CLIENT_ID", "demo-client",
                        "SPOTIFY_CLIENT_SECRET", "demo-secret",
                        "PROVIDER_AUTHORIZE_URL", provider.authorizeUri().toString(),
                        "PROVIDER_TOKEN_URL", provider.tokenUri().toString(),
                        "RETURN_URIS", "http://127.0.0.1/auth")))
                .blockOptional()
                .orElseThrow();
        List<String> arguments =
                new ArrayList<>(List.of("--tokenswap.exchange.uri=" + exchange.uri(), "--api=" + provider.uri()));
        arguments.addAll(List.of(settings));
        return new World(provider, exchange, run(arguments.toArray(String[]::new)));
    }

    /** The service alone. */
    static ConfigurableApplicationContext run(String... settings) {
        return SpringApplication.run(
                WebfluxService.class,
                Stream.concat(Stream.of("--server.port=0", NO_TOMCAT), Stream.of(settings))
                        .toArray(String[]::new));
    }

    URI service(String path) {
        return URI.create("http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port"))
                .resolve(path);
    }

    void stopService() {
        service.close();
    }

    @Override
    public void close() {
        service.close();
        exchange.close();
        provider.close();
    }
}
