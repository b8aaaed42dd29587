package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.testing.RawServer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** A server, or a proxy in between, that says more than it was asked, on a connection that the next request would have taken. */
@Timeout(60)
class UnsolicitedResponseTest {

    private final CountDownLatch taken = new CountDownLatch(1);
    private final AtomicInteger connections = new AtomicInteger();
    private final ConnectionProvider one = ConnectionProvider.create("one", 1);
    private RawServer server = RawServer.playing(connection -> {});

    @AfterEach
    void dispose() {
        server.dispose();
        one.dispose();
    }

    private static String response(String accessToken) {
        String body = "{\"access_token\":\"" + accessToken + "\"}";
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                + body;
    }

    private Mono<String> refreshed() {
        return ProviderEndpoint.builder(server.uri(), ClientAuthentication.none("client"))
                .httpClient(HttpClient.create(one))
                .build()
                .refresh(Samples.REFRESH_TOKEN)
                .map(token -> token.accessToken().secret());
    }

    private String refresh() {
        return refreshed().block();
    }

    private void serve(RawServer.Script unasked) {
        server.dispose();
        server = RawServer.playing(connection -> {
            if (connections.incrementAndGet() == 1) {
                connection.request();
                unasked.play(connection);
            }
            while (true) {
                connection.request();
                connection.write(response("second"));
            }
        });
    }

    /**
     * The surplus response is there when the next request is sent, which takes the connection as soon as the first
     * response ends.
     */
    @Test
    void inTheSameBreathItIsNotTheNextOnes() throws Exception {
        serve(connection -> {
            taken.await(30, TimeUnit.SECONDS);
            connection.write(response("first") + response("unasked"));
        });
        CompletableFuture<String> first = refreshed().toFuture();
        assertThat(server.arrived().await(30, TimeUnit.SECONDS)).isTrue();
        CompletableFuture<String> second = refreshed().toFuture();
        taken.countDown();
        assertThat(first.get()).isEqualTo("first");
        assertThat(second.get()).isEqualTo("second");
    }

    @Test
    void onAConnectionThatWaitsItClosesIt() throws Exception {
        serve(connection -> {
            connection.write(response("first"));
            taken.await(30, TimeUnit.SECONDS);
            connection.write(response("unasked")).awaitClose();
        });
        assertThat(refresh()).isEqualTo("first");
        taken.countDown();
        assertThat(server.isClosedByClient()).isTrue();
        assertThat(refresh()).isEqualTo("second");
    }

    @Test
    void inPiecesItDoesNotGetIntoTheNextOnes() throws Exception {
        String unasked = response("unasked");
        serve(connection -> {
            connection.write(response("first"));
            taken.await(30, TimeUnit.SECONDS);
            connection.write(unasked.substring(0, unasked.length() - 10));
            connection.request();
            connection.write(unasked.substring(unasked.length() - 10) + response("second"));
        });
        assertThat(refresh()).isEqualTo("first");
        taken.countDown();
        assertThat(server.isClosedByClient()).isTrue();
        assertThat(refresh()).isEqualTo("second");
    }

    @Test
    void anInterimResponseIsNotTheResponse() {
        serve(connection -> connection.write("HTTP/1.1 100 Continue\r\n\r\n" + response("first")));
        assertThat(refresh()).isEqualTo("first");
        assertThat(refresh()).isEqualTo("second");
        assertThat(server.connections()).isEqualTo(1);
    }
}
