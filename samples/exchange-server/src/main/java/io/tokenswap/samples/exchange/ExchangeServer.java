package io.tokenswap.samples.exchange;

import com.github.benmanes.caffeine.cache.Ticker;
import io.netty.channel.Channel;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.http.ClientAuthentication;
import io.tokenswap.http.ProviderEndpoint;
import io.tokenswap.internal.Timers;
import io.tokenswap.samples.exchange.config.Environment;
import io.tokenswap.samples.exchange.config.Values;
import io.tokenswap.samples.exchange.connection.ConnectionCounter;
import io.tokenswap.samples.exchange.connection.ConnectionGuard;
import io.tokenswap.samples.exchange.connection.ConnectionLimits;
import io.tokenswap.samples.exchange.limit.RateLimits;
import io.tokenswap.samples.exchange.operation.Metrics;
import io.tokenswap.samples.exchange.operation.ReloadableTls;
import io.tokenswap.samples.exchange.operation.WatchedFile;
import io.tokenswap.samples.exchange.redis.RedisMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.ChannelBindException;
import reactor.netty.DisposableServer;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.ConnectionProvider;

/** Running exchange server. A process may run several. Safe for use by any thread. */
public final class ExchangeServer implements AutoCloseable {

    private static final int LONGEST_LINE = 8 * 1024;
    private static final int LONGEST_HEAD = 16 * 1024;
    private static final Duration PROVIDER_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration PROVIDER_IDLE = Duration.ofSeconds(10);
    /** A busy connection must end some time, or a changed DNS entry would never be followed. */
    static final Duration PROVIDER_LIFE = Duration.ofMinutes(5);
    /** The time for requests in flight, from the close of the listener on. */
    private static final Duration GRACE = Duration.ofSeconds(20);
    /** The time for connections that wait to be accepted. */
    private static final Duration ACCEPTS = Duration.ofMillis(5);
    /** The time for which a connection without a request stays open after the listener has closed. */
    private static final Duration LINGER = Duration.ofSeconds(2);

    private static final Duration FILE_CHECKS = Duration.ofSeconds(5);

    private final DisposableServer server;
    private final ExchangeServerConfig config;
    private final ConnectionCounter connections;
    private final ProviderPlaces places;
    private final PublicUrl publicUrl;
    private final Routes routes;
    private final Readiness readiness;
    private final List<WatchedFile> files;
    private final List<Disposable> resources;
    private final @Nullable DisposableServer metricsServer;
    private final AtomicBoolean closing = new AtomicBoolean();
    private final Sinks.Empty<Void> closed = Sinks.empty();

    private ExchangeServer(
            DisposableServer server,
            ExchangeServerConfig config,
            ConnectionCounter connections,
            ProviderPlaces places,
            PublicUrl publicUrl,
            Routes routes,
            Readiness readiness,
            List<WatchedFile> files,
            List<Disposable> resources,
            @Nullable DisposableServer metricsServer) {
        this.server = server;
        this.config = config;
        this.connections = connections;
        this.places = places;
        this.publicUrl = publicUrl;
        this.routes = routes;
        this.readiness = readiness;
        this.files = files;
        this.resources = resources;
        this.metricsServer = metricsServer;
    }

    /**
     * Starts a server.
     *
     * <p>Cold: each subscription starts another server. It responds on event loops.
     *
     * @param config its settings
     * @return the running server, or a {@link ChannelBindException} if the port is not available
     */
    public static Mono<ExchangeServer> start(ExchangeServerConfig config) {
        return Mono.defer(() -> {
            ConnectionProvider connections = providerConnections(config, PROVIDER_LIFE);
            return start(
                            config,
                            secret -> provider(config, secret, connections),
                            InstantSource.system(),
                            Ticker.systemTicker(),
                            List.of(connections))
                    .doOnError(failed -> connections.dispose());
        });
    }

    /** @param life the longest life of a connection, however busy it is */
    static ConnectionProvider providerConnections(ExchangeServerConfig config, Duration life) {
        return ConnectionProvider.builder("provider")
                .maxConnections(config.providerConnections)
                .pendingAcquireMaxCount(config.providerConnections)
                .maxIdleTime(PROVIDER_IDLE)
                .maxLifeTime(life)
                .build();
    }

    static TokenEndpoint provider(ExchangeServerConfig config, String clientSecret, ConnectionProvider connections) {
        return ProviderEndpoint.builder(config.tokenUri, ClientAuthentication.basic(config.clientId, clientSecret))
                .httpClient(HttpClient.create(connections))
                .timeout(PROVIDER_TIMEOUT)
                .build();
    }

    static Mono<ExchangeServer> start(
            ExchangeServerConfig config,
            Function<String, TokenEndpoint> providers,
            InstantSource clock,
            Ticker ticker,
            List<? extends Disposable> resources) {
        return Mono.defer(() -> {
            Metrics metrics = config.metricsPort == null ? Metrics.none() : Metrics.ofPrometheus();
            Seals seals = new Seals(config.clientId, config.sealKeys, clock);
            ReplaceableEndpoint provider = new ReplaceableEndpoint(config.clientSecret, providers);
            ReloadableTls tls = config.tlsCertificate == null || config.tlsPrivateKey == null
                    ? null
                    : new ReloadableTls(config.tlsCertificate, config.tlsPrivateKey);
            List<WatchedFile> files = files(config, seals, provider, tls);
            ConnectionCounter connections = new ConnectionCounter(
                    FileLimit.connections(config),
                    config.connectionLimits.connectionsPerAddress(),
                    config.trustedProxies::contains);
            List<Disposable> owned = new ArrayList<>(resources);
            owned.add(metrics::close);
            ProviderPlaces places = new ProviderPlaces(config.providerConnections, config.providerWaiting);
            SharedClaims claims = claims(config, places, seals, clock, metrics, owned);
            Readiness readiness = new Readiness(claims::hasJoined);

            // The routes know the public URL and so the port: a request that comes before them waits.
            LateRoutes routes = new LateRoutes();
            return listen(config, connections, tls, routes)
                    .flatMap(bound -> {
                        PublicUrl publicUrl = config.publicUrl == null
                                ? PublicUrl.ofBound(config.bindAddress, bound.port())
                                : config.publicUrl;
                        ProviderRequests requests = new ProviderRequests(claims, ticker);
                        Routes ready = routes(
                                config, publicUrl, seals, provider, requests, places, readiness, metrics, clock,
                                ticker);
                        metrics.gauge("exchange.connections", "Open connections", connections::open);
                        metrics.gauge("exchange.requests.in.flight", "Requests in flight", ready::requestsInFlight);
                        routes.set(ready);
                        return metricsServer(config, metrics)
                                .map(Optional::of)
                                .defaultIfEmpty(Optional.empty())
                                .onErrorResume(failed -> {
                                    bound.disposeNow();
                                    return Mono.error(failed);
                                })
                                .map(metricsServer -> new ExchangeServer(
                                        bound,
                                        config,
                                        connections,
                                        places,
                                        publicUrl,
                                        ready,
                                        readiness,
                                        files,
                                        owned,
                                        metricsServer.orElse(null)));
                    })
                    .doOnNext(ExchangeServer::watchFiles)
                    .doOnError(failed -> owned.forEach(Disposable::dispose));
        });
    }

    private static SharedClaims claims(
            ExchangeServerConfig config,
            ProviderPlaces places,
            Seals seals,
            InstantSource clock,
            Metrics metrics,
            List<Disposable> owned) {
        if (config.redisUrl == null) {
            return SharedClaims.ofOneInstance(places);
        }
        RedisMemory memory;
        try {
            memory = RedisMemory.at(config.redisUrl);
        } catch (IllegalArgumentException malformed) {
            // Without the cause: it quotes the URL, which may hold a password.
            throw new ConfigurationException(List.of("REDIS_URL is not a URL of a Redis"));
        }
        RedisClaims claims =
                new RedisClaims(memory, places, seals, clock, config.providerRotates, RedisClaims.LONGEST_WAIT);
        metrics.gauge("exchange.redis.reachable", "1 while Redis responds", () -> memory.isReachable() ? 1 : 0);
        memory.start(claims::announce);
        owned.add(memory);
        return claims;
    }

    private static Routes routes(
            ExchangeServerConfig config,
            PublicUrl publicUrl,
            Seals seals,
            TokenEndpoint provider,
            ProviderRequests requests,
            ProviderPlaces places,
            Readiness readiness,
            Metrics metrics,
            InstantSource clock,
            Ticker ticker) {
        RateLimits limits = new RateLimits(config.limitTotal, config.limitPerToken, config.limitFailures, ticker);
        ProviderBreaker breaker = new ProviderBreaker(clock, ticker);
        metrics.gauge("exchange.provider.in.flight", "Requests to the provider in flight", places::inFlight);
        metrics.gauge("exchange.provider.waiting", "Requests that wait for a place", places::waiting);
        metrics.gauge(
                "exchange.provider.resting",
                "1 while the provider failed too often and gets no requests",
                () -> breaker.isOpen() ? 1 : 0);
        TokenRoute token =
                new TokenRoute(config, provider, requests, breaker, limits, metrics, seals, publicUrl, clock);
        return new Routes(
                config,
                publicUrl,
                new AuthorizeRoute(config, publicUrl, seals, clock),
                new CallbackRoute(config.providerIssuer, publicUrl, seals, clock),
                token,
                readiness,
                limits,
                metrics);
    }

    private static Mono<? extends DisposableServer> listen(
            ExchangeServerConfig config,
            ConnectionCounter connections,
            @Nullable ReloadableTls tls,
            LateRoutes routes) {
        ConnectionLimits limits = config.connectionLimits;
        return HttpServer.create()
                .host(config.bindAddress.getHostAddress())
                .port(config.port)
                .protocol(HttpProtocol.HTTP11)
                .httpRequestDecoder(
                        decoder -> decoder.maxInitialLineLength(LONGEST_LINE).maxHeaderSize(LONGEST_HEAD))
                .doOnChannelInit((observer, channel, remote) -> {
                    ConnectionGuard.on(channel.pipeline(), limits, connections);
                    if (tls != null) {
                        channel.pipeline().addFirst("exchange.tls", tls.newHandler(channel.alloc()));
                    }
                })
                .handle(routes)
                .bind();
    }

    /** The routes as soon as there are any. */
    private static final class LateRoutes implements BiFunction<HttpServerRequest, HttpServerResponse, Mono<Void>> {

        private final Sinks.One<Routes> announced = Sinks.one();
        private volatile @Nullable Routes routes;

        void set(Routes ready) {
            routes = ready;
            announced.emitValue(ready, Sinks.EmitFailureHandler.FAIL_FAST);
        }

        @Override
        public Mono<Void> apply(HttpServerRequest request, HttpServerResponse response) {
            Routes ready = routes;
            return ready == null
                    ? announced.asMono().flatMap(late -> late.handle(request, response))
                    : ready.handle(request, response);
        }
    }

    private static Mono<? extends DisposableServer> metricsServer(ExchangeServerConfig config, Metrics metrics) {
        return config.metricsPort == null
                ? Mono.empty()
                : HttpServer.create()
                        .host(config.metricsAddress.getHostAddress())
                        .port(config.metricsPort)
                        .route(paths -> paths.get(
                                "/metrics",
                                (request, response) -> response.header("Content-Type", Metrics.CONTENT_TYPE)
                                        .sendString(Mono.fromSupplier(metrics::scrape))))
                        .bind();
    }

    private static List<WatchedFile> files(
            ExchangeServerConfig config, Seals seals, ReplaceableEndpoint provider, @Nullable ReloadableTls tls) {
        List<WatchedFile> files = new ArrayList<>();
        Path secret = config.clientSecretFile;
        if (secret != null) {
            files.add(watch(
                    "CLIENT_SECRET_FILE",
                    List.of(secret),
                    name -> provider.replaceSecret(Values.secret(Environment.contents(secret)))));
        }
        Path keys = config.sealKeysFile;
        if (keys != null) {
            files.add(watch(
                    "SEAL_KEYS_FILE",
                    List.of(keys),
                    name -> seals.replaceKeys(ExchangeServerConfig.keyRing(Environment.contents(keys)))));
        }
        if (tls != null && config.tlsCertificate != null && config.tlsPrivateKey != null) {
            files.add(watch(
                    "TLS_CERTIFICATE or TLS_PRIVATE_KEY",
                    List.of(config.tlsCertificate, config.tlsPrivateKey),
                    name -> tls.reload()));
        }
        return files;
    }

    private static WatchedFile watch(String name, List<Path> files, Consumer<String> onChange) {
        try {
            return new WatchedFile(name, files, onChange);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private void watchFiles() {
        if (!files.isEmpty()) {
            resources.add(Flux.interval(FILE_CHECKS, Timers.scheduler())
                    .onBackpressureDrop()
                    .subscribe(tick -> checkFiles()));
        }
    }

    /** Takes over the files that have changed. Blocks. */
    void checkFiles() {
        files.forEach(WatchedFile::check);
    }

    /**
     * Returns the URL at which clients reach this server.
     *
     * @return {@code PUBLIC_URL}, or the URL of the port that was bound
     */
    public URI uri() {
        return publicUrl.base();
    }

    URI callback() {
        return publicUrl.callback();
    }

    int requestsInFlight() {
        return routes.requestsInFlight();
    }

    int connections() {
        return connections.open();
    }

    int providerRequests() {
        return places.inFlight() + places.waiting();
    }

    int boundPort() {
        return server.port();
    }

    int metricsPort() {
        return metricsServer == null ? -1 : metricsServer.port();
    }

    /**
     * Waits until the server has stopped and all its connections are closed.
     *
     * @return completes then
     */
    public Mono<Void> onClose() {
        return closed.asMono();
    }

    Mono<Void> onListenerClose() {
        return server.onDispose();
    }

    /**
     * Announces the end and closes after {@code DRAIN_DELAY}. Until then load balancers see that the server is not
     * ready, and each response closes its connection, so that no client sends a request to a connection that is about
     * to close.
     *
     * <p>A proxy without checks learns of the end when it finds the listener closed. Idle connections therefore stay open
     * for {@link #LINGER} more: a request that is on its way is served.
     *
     * @return completes when all is closed
     */
    Mono<Void> drain() {
        return drain(LINGER);
    }

    Mono<Void> drain(Duration linger) {
        return Mono.defer(() -> {
            readiness.drain();
            return Mono.delay(config.drainDelay, Timers.scheduler()).then(Mono.fromRunnable(() -> close(true, linger)));
        });
    }

    /**
     * Stops listening at once and waits up to 20 seconds for the responses and the requests to the provider that are in
     * flight. A connection that was accepted and whose request has not arrived is served for 2 seconds more. Closing
     * again waits for the first call. Blocks: not for event loops.
     */
    @Override
    public void close() {
        close(false, LINGER);
    }

    void close(boolean keepUsed, Duration linger) {
        close(keepUsed, linger, GRACE);
    }

    /**
     * @param keepUsed false closes connections that have carried a request at once when they are idle
     * @param linger the time for which the other connections stay open without a request
     * @param grace the time for all that is in flight
     */
    void close(boolean keepUsed, Duration linger, Duration grace) {
        if (!closing.compareAndSet(false, true)) {
            closed.asMono().block();
            return;
        }
        readiness.drain();
        long end = System.nanoTime() + grace.toNanos();
        try {
            closeListener();
            if (!keepUsed) {
                connections.end(ConnectionCounter.Ending.USED);
            }
            if (!connections.awaitNone(linger)) {
                connections.end(ConnectionCounter.Ending.ALL);
                connections.awaitNone(left(end));
            }
            // A request belongs to the server and not to its caller, who may have hung up.
            places.idle().timeout(left(end), Mono.empty(), Timers.scheduler()).block();
        } catch (InterruptedException noTimeToWait) {
            Thread.currentThread().interrupt();
        } finally {
            connections.closeAll();
            if (metricsServer != null) {
                metricsServer.disposeNow();
            }
            resources.forEach(Disposable::dispose);
            closed.tryEmitEmpty();
        }
    }

    /**
     * Closes the listener after a turn of its event loop: the kernel resets the connections that are established and not
     * accepted yet. Connections do not end with their listener.
     */
    @SuppressWarnings("FutureReturnValueIgnored") // the end of the channel is awaited instead
    private void closeListener() throws InterruptedException {
        Channel listener = server.channel();
        try {
            listener.eventLoop().schedule(() -> listener.close(), ACCEPTS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException ended) {
            return; // the application has ended the event loops, and their channels with them
        }
        listener.closeFuture().await();
    }

    private static Duration left(long end) {
        return Duration.ofNanos(Math.max(1, end - System.nanoTime()));
    }
}
