package io.tokenswap.samples.exchange;

import com.github.benmanes.caffeine.cache.Ticker;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.http.ClientAuthentication;
import io.tokenswap.http.ProviderEndpoint;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.ChannelBindException;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * A running exchange server: the program that {@link #main} starts, or one of several that a process embeds by
 * {@link #start(ExchangeServerConfig)}. Safe for use by any thread.
 */
public final class ExchangeServer implements AutoCloseable {

    private static final int LONGEST_LINE = 8 * 1024;
    private static final int LONGEST_HEADERS = 16 * 1024;
    private static final Duration PROVIDER = Duration.ofSeconds(10);
    private static final Duration IDLE = Duration.ofSeconds(60);
    private static final Duration GRACE = Duration.ofSeconds(20);

    private final DisposableServer server;
    private final Routes routes;
    private final PublicUrl publicUrl;

    private ExchangeServer(DisposableServer server, Routes routes, PublicUrl publicUrl) {
        this.server = server;
        this.routes = routes;
        this.publicUrl = publicUrl;
    }

    /**
     * Runs an exchange server that is configured by environment variables, until the process is told to end.
     *
     * @param args none are read: a secret on a command line is visible to everybody
     */
    public static void main(String[] args) {
        ExchangeServerConfig config;
        try {
            config = ExchangeServerConfig.from(System.getenv());
        } catch (ConfigurationException e) {
            e.problems().forEach(System.err::println);
            System.exit(2);
            return;
        }
        try {
            ExchangeServer server = start(config).blockOptional().orElseThrow();
            Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop"));
            System.out.println("Exchange server at " + server.uri());
            System.out.println("Redirect URI to register at the provider: " + server.publicUrl.callback());
            server.onClose().block();
        } catch (ChannelBindException e) {
            System.err.println("PORT " + config.port + " cannot be had on BIND_ADDRESS " + config.bindAddress
                    + ": end what listens there or choose another");
            System.exit(1);
        }
    }

    /**
     * A server that listens.
     *
     * <p>Cold: each subscription starts another one. It answers on event loops and has no thread of its own.
     *
     * @param config what it must know
     * @return the running server, or a {@link ChannelBindException} when the port cannot be had
     */
    public static Mono<ExchangeServer> start(ExchangeServerConfig config) {
        return start(
                config,
                ProviderEndpoint.builder(
                                config.tokenUri, ClientAuthentication.basic(config.clientId, config.clientSecret))
                        .timeout(PROVIDER)
                        .build(),
                InstantSource.system(),
                Ticker.systemTicker());
    }

    static Mono<ExchangeServer> start(
            ExchangeServerConfig config, TokenEndpoint provider, InstantSource clock, Ticker ticker) {
        return Mono.defer(() -> {
            // The routes know the public URL and so the port: a request that beats them waits.
            Sinks.One<Routes> routes = Sinks.one();
            Seals seals = new Seals(config.clientId, config.sealKeys, clock);
            return HttpServer.create()
                    .host(config.bindAddress)
                    .port(config.port)
                    .channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE))
                    .idleTimeout(IDLE)
                    .httpRequestDecoder(decoder ->
                            decoder.maxInitialLineLength(LONGEST_LINE).maxHeaderSize(LONGEST_HEADERS))
                    .handle((request, response) -> routes.asMono().flatMap(ready -> ready.handle(request, response)))
                    .bind()
                    .map(bound -> {
                        PublicUrl publicUrl =
                                config.publicUrl == null ? PublicUrl.ofPort(bound.port()) : config.publicUrl;
                        Routes ready = new Routes(config, publicUrl, provider, seals, clock, ticker);
                        routes.emitValue(ready, Sinks.EmitFailureHandler.FAIL_FAST);
                        return new ExchangeServer(bound, ready, publicUrl);
                    });
        });
    }

    /**
     * Where the world reaches it.
     *
     * @return {@code PUBLIC_URL}, or the URL of the port that was bound
     */
    public URI uri() {
        return publicUrl.base();
    }

    int requestsInFlight() {
        return routes.requestsInFlight();
    }

    int boundPort() {
        return server.port();
    }

    /**
     * When it has stopped.
     *
     * @return completes then
     */
    public Mono<Void> onClose() {
        return server.onDispose();
    }

    /** Stops listening at once, and waits up to 20 seconds for the answers that are on their way. Blocks: not for event loops. */
    @Override
    public void close() {
        server.disposeNow(GRACE);
    }
}
