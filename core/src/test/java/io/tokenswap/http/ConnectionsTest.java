package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelId;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.testing.RawServer;
import java.net.URI;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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
}
