package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelId;
import io.netty.resolver.AbstractAddressResolver;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.testing.RawServer;
import java.lang.reflect.Constructor;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** Which request uses which connection. */
@Timeout(60)
class ConnectionsTest extends WireFixture {

    private static final Duration LONGEST_LIFE = Duration.ofMinutes(5);
    private static final Duration PAUSE = Duration.ofSeconds(6);

    /** A server that keeps its connections open, but loses every request but the first on each of them. */
    private RawServer losingSecondRequests() {
        return started(RawServer.playing(connection -> {
            connection.request();
            connection.write(ok(Samples.TOKEN_RESPONSE));
            connection.request();
            connection.reset();
        }));
    }

    private static TokenEndpoint through(HttpClient client, URI uri) {
        return ExchangeServerEndpoint.builder(uri).httpClient(client).build();
    }

    @Test
    @Tag("E31")
    void ofTheDefaultPoolASwapUsesANewOne() {
        RawServer server = losingSecondRequests();
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri()).build();

        for (int i = 0; i < 300; i++) {
            endpoint.swap(Samples.CODE).block();
        }

        assertThat(server.connections()).isEqualTo(300);
    }

    @Test
    @Tag("E31")
    void ofTheCallersPoolASwapUsesANewOne() {
        RawServer server = losingSecondRequests();
        ConnectionProvider two = started(ConnectionProvider.create("two", 2));
        TokenEndpoint endpoint = through(HttpClient.create(two), server.uri());

        endpoint.refresh(Samples.REFRESH_TOKEN).block();
        endpoint.swap(Samples.CODE).block();
        endpoint.swap(Samples.CODE).block();

        assertThat(server.connections()).isEqualTo(3);
    }

    @Test
    @Tag("E31")
    void ofHttp2ASwapUsesANewOne() {
        Set<ChannelId> connections = ConcurrentHashMap.newKeySet();
        TokenEndpoint endpoint = http2(connections);

        for (int i = 0; i < 100; i++) {
            endpoint.swap(Samples.CODE).block();
        }

        assertThat(connections).hasSize(100);
    }

    @Test
    @Tag("E31")
    void ofHttp2EachOfManySwapsAtOnceUsesANewOne() {
        Set<ChannelId> connections = ConcurrentHashMap.newKeySet();
        TokenEndpoint endpoint = http2(connections);

        Flux.range(0, 200).flatMap(i -> endpoint.swap(Samples.CODE), 64).blockLast();

        assertThat(connections).hasSize(200);
    }

    /** An endpoint that speaks HTTP/2 without TLS, to a server that notes the connection of each request. */
    private TokenEndpoint http2(Set<ChannelId> connections) {
        RecordingServer server = started(RecordingServer.http2((request, response) -> {
            response.withConnection(
                    stream -> connections.add(stream.channel().parent().id()));
            return RecordingServer.json(200, Samples.TOKEN_RESPONSE).to(request, response);
        }));
        ConnectionProvider provider = started(ConnectionProvider.create("http2", 16));
        return through(HttpClient.create(provider).protocol(HttpProtocol.H2C), server.uri());
    }

    @Test
    void refreshesShareThem() {
        RawServer server = started(RawServer.playing(connection -> {
            while (true) {
                connection.request();
                connection.write(ok(Samples.TOKEN_RESPONSE));
            }
        }));
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri()).build();

        for (int i = 0; i < 10; i++) {
            endpoint.refresh(Samples.REFRESH_TOKEN).block();
        }

        // A refresh may begin before the connection of the one that just ended is back in the pool.
        assertThat(server.connections()).isLessThan(5);
    }

    @Test
    @Tag("E36")
    void ofTheDefaultPoolNoneLivesLongerThanFiveMinutes() {
        assertThat(TokenClient.DEFAULT.configuration().connectionProvider().mutate())
                .extracting("maxLifeTime")
                .isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    @Tag("E36")
    void aChangedAddressOfTheServerIsFollowedAlthoughTheConnectionIsBusy() {
        RecordingServer before = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        RecordingServer after = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        ChangingName name = new ChangingName(before);
        SteppedClock clock = new SteppedClock();
        ConnectionProvider pool = started(likeTheDefault(clock));
        TokenEndpoint endpoint = ExchangeServerEndpoint.builder(URI.create("http://exchange.test"))
                .allowInsecureHttp()
                .httpClient(HttpClient.create(pool).resolver(name))
                .build();
        endpoint.refresh(Samples.REFRESH_TOKEN).block();
        name.leadsTo(after);

        // Each pause is shorter than the one after which an idle connection is closed.
        for (Duration age = Duration.ZERO; age.compareTo(LONGEST_LIFE) < 0; age = age.plus(PAUSE)) {
            assertThat(after.requests()).as("after " + age).isEmpty();
            clock.advance(PAUSE);
            endpoint.refresh(Samples.REFRESH_TOKEN).block();
        }

        assertThat(after.requests()).hasSize(1);
    }

    /**
     * Returns a pool of one connection with the settings of the default one, and another clock. Reactor Netty has a constructor
     * for that, which it uses in its own tests.
     */
    private static ConnectionProvider likeTheDefault(Clock clock) {
        try {
            Constructor<?> constructor = Class.forName("reactor.netty.resources.DefaultPooledConnectionProvider")
                    .getDeclaredConstructor(ConnectionProvider.Builder.class, Clock.class);
            constructor.setAccessible(true);
            ConnectionProvider.Builder settings =
                    TokenClient.DEFAULT.configuration().connectionProvider().mutate();
            return (ConnectionProvider) constructor.newInstance(settings.maxConnections(1), clock);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static final class SteppedClock extends Clock {

        private final AtomicLong millis = new AtomicLong();

        void advance(Duration time) {
            millis.addAndGet(time.toMillis());
        }

        @Override
        public long millis() {
            return millis.get();
        }

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(millis());
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    /** DNS with one name, which leads to one server after the other. */
    private static final class ChangingName extends AddressResolverGroup<InetSocketAddress> {

        private volatile RecordingServer server;

        ChangingName(RecordingServer server) {
            this.server = server;
        }

        void leadsTo(RecordingServer next) {
            server = next;
        }

        @Override
        protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
            return new AbstractAddressResolver<>(executor, InetSocketAddress.class) {
                @Override
                protected boolean doIsResolved(InetSocketAddress address) {
                    return !address.isUnresolved();
                }

                @Override
                protected void doResolve(InetSocketAddress unresolved, Promise<InetSocketAddress> result) {
                    result.setSuccess(address());
                }

                @Override
                protected void doResolveAll(InetSocketAddress unresolved, Promise<List<InetSocketAddress>> result) {
                    result.setSuccess(List.of(address()));
                }

                private InetSocketAddress address() {
                    URI uri = server.uri("");
                    return new InetSocketAddress(uri.getHost(), uri.getPort());
                }
            };
        }
    }
}
