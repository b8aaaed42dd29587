package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoop;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.testing.BusyThreads;
import io.tokenswap.testing.RawServer;
import java.net.URI;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** The timeout of a request, where its timer, its connection and its response come in every order. */
@Timeout(60)
class RequestTimeoutOverTheWireTest extends WireFixture {

    private final ManualTimers timers = new ManualTimers();
    private final AtomicReference<EventLoop> eventLoop = new AtomicReference<>();
    private final CountDownLatch written = new CountDownLatch(1);
    private volatile boolean frozen;

    /** A server that writes its response when the client's event loop does not run any more. */
    private RawServer respondingToAFrozenClient(String response) {
        return started(RawServer.playing(connection -> {
            connection.request();
            freeze();
            connection.write(response);
            written.countDown();
            connection.awaitClose();
        }));
    }

    private CompletableFuture<Token> refreshed(RawServer server) {
        return ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection()
                        .doOnRequest((request, connection) ->
                                eventLoop.set(connection.channel().eventLoop())))
                .timers(timers)
                .build()
                .refresh(Samples.REFRESH_TOKEN)
                .toFuture();
    }

    private void freeze() throws InterruptedException {
        frozen = true;
        CountDownLatch standsStill = new CountDownLatch(1);
        eventLoop.get().execute(() -> {
            standsStill.countDown();
            while (frozen) {
                // As long as this runs, the event loop reads no socket.
            }
        });
        assertThat(standsStill.await(30, TimeUnit.SECONDS)).isTrue();
    }

    private void thaw() {
        frozen = false;
    }

    private static Throwable failureOf(CompletableFuture<Token> request) throws Exception {
        try {
            throw new AssertionError("A token: " + request.get(30, TimeUnit.SECONDS));
        } catch (ExecutionException failed) {
            return failed.getCause();
        }
    }

    @Test
    @Tag("E20")
    void aResponseThatLiesInTheSocketBeatsATimerThatFiresLate() throws Exception {
        RawServer server = respondingToAFrozenClient(ok(Samples.TOKEN_RESPONSE));
        CompletableFuture<Token> request = refreshed(server);
        assertThat(written.await(30, TimeUnit.SECONDS)).isTrue();

        timers.expire(0);
        thaw();

        assertThat(request.get(30, TimeUnit.SECONDS).accessToken().secret()).isEqualTo("canary-new");
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    @Tag("E20")
    void aLongResponseThatLiesInTheSocketBeatsATimerThatFiresLate() throws Exception {
        String padded = Samples.TOKEN_RESPONSE.replaceFirst(" ", " ".repeat(60_000));
        RawServer server = respondingToAFrozenClient(ok(padded));
        CompletableFuture<Token> request = refreshed(server);
        assertThat(written.await(30, TimeUnit.SECONDS)).isTrue();

        timers.expire(0);
        thaw();

        assertThat(request.get(30, TimeUnit.SECONDS).accessToken().secret()).isEqualTo("canary-new");
    }

    @Test
    @Tag("E20")
    void halfAResponseInTheSocketIsLost() throws Exception {
        RawServer server = respondingToAFrozenClient(ok(Samples.TOKEN_RESPONSE).substring(0, 120));
        CompletableFuture<Token> request = refreshed(server);
        assertThat(written.await(30, TimeUnit.SECONDS)).isTrue();

        timers.expire(0);
        thaw();

        assertThat(failureOf(request))
                .isInstanceOfSatisfying(
                        TokenUnavailableException.class,
                        failure -> assertThat(failure.reason()).isEqualTo(Reason.RESPONSE_LOST));
        assertThat(server.isClosedByClient()).isTrue();
    }

    @Test
    void anEventLoopThatDoesNotRunIsNotWaitedFor() throws Exception {
        RawServer server = respondingToAFrozenClient(ok(Samples.TOKEN_RESPONSE));
        CompletableFuture<Token> request = refreshed(server);
        assertThat(written.await(30, TimeUnit.SECONDS)).isTrue();

        timers.expire(0);
        assertThat(timers.delays()).containsExactly(Duration.ofSeconds(15), Duration.ofSeconds(1));
        timers.run(1);

        assertThat(failureOf(request)).isInstanceOf(TokenUnavailableException.class);
        thaw();
    }

    @Test
    void nothingIsSentOnAConnectionThatComesAfterTheTimeout() throws Exception {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));
        HttpClient late =
                HttpClient.newConnection().doOnRequest((request, connection) -> timers.advance(Duration.ofSeconds(15)));

        CompletableFuture<Token> request = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(late)
                .timers(timers)
                .build()
                .swap(Samples.CODE)
                .toFuture();

        assertThat(failureOf(request))
                .isInstanceOfSatisfying(
                        TokenUnavailableException.class,
                        failure -> assertThat(failure.reason()).isEqualTo(Reason.NOT_SENT));
        assertThat(server.isClosedByClient()).isTrue();
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void theWaitForAConnectionCounts() throws Exception {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));
        ConnectionProvider one = ConnectionProvider.create("one", 1);
        ExchangeServerEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.create(one))
                .timers(timers)
                .build();
        started(endpoint.refresh(Samples.REFRESH_TOKEN).subscribe());
        assertThat(server.arrived().await(30, TimeUnit.SECONDS)).isTrue();

        CompletableFuture<Token> waiting =
                endpoint.refresh(Samples.REFRESH_TOKEN).toFuture();
        timers.expire(0);
        for (int timer = 1; timer < timers.delays().size(); timer++) {
            timers.run(timer);
        }

        assertThat(failureOf(waiting))
                .isInstanceOfSatisfying(
                        TokenUnavailableException.class,
                        failure -> assertThat(failure.reason()).isEqualTo(Reason.NOT_SENT));
        assertThat(server.requests()).hasSize(1);
        one.dispose();
    }

    @Test
    void theEndpointNamesItsTimeout() {
        assertThat(ExchangeServerEndpoint.create("https://exchange.test").timeout())
                .isEqualTo(Duration.ofSeconds(15));
        assertThat(ExchangeServerEndpoint.builder("https://exchange.test")
                        .timeout(Duration.ofSeconds(20))
                        .build()
                        .timeout())
                .isEqualTo(Duration.ofSeconds(20));
        assertThat(ProviderEndpoint.builder(URI.create("https://provider.test"), ClientAuthentication.none("client"))
                        .timeout(Duration.ofSeconds(20))
                        .build()
                        .timeout())
                .isEqualTo(Duration.ofSeconds(20));
    }

    @Test
    @Tag("E30")
    void theTimeoutHoldsWhileTheApplicationOccupiesTheSharedSchedulers() {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.awaitClose();
        }));
        BusyThreads busy = started(new BusyThreads());
        busy.occupy(Schedulers.single(), 1);
        busy.occupy(Schedulers.parallel(), Schedulers.DEFAULT_POOL_SIZE);

        assertThatThrownBy(() -> endpoint(server.uri())
                        .timeout(Duration.ofMillis(50))
                        .build()
                        .swap(Samples.CODE)
                        .block())
                .isInstanceOf(TokenUnavailableException.class)
                .hasCauseInstanceOf(TimeoutException.class);
    }

    @Test
    void theLongestDurationIsATimeoutToo() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        ExchangeServerEndpoint endpoint =
                endpoint(server.uri()).timeout(ChronoUnit.FOREVER.getDuration()).build();

        assertThat(endpoint.swap(Samples.CODE).block()).isNotNull();
        assertThat(endpoint.timeout()).isGreaterThan(Duration.ofDays(36_000));
    }

    /** Here nothing but the timer can notice that the time has passed. */
    @Test
    @Tag("E30")
    void theTimeoutOfARequestThatGetsNoConnectionHoldsToo() {
        BusyThreads busy = started(new BusyThreads());
        busy.occupy(Schedulers.single(), 1);
        busy.occupy(Schedulers.parallel(), Schedulers.DEFAULT_POOL_SIZE);

        assertThatThrownBy(() -> ExchangeServerEndpoint.builder(URI.create("http://127.0.0.1:1"))
                        .httpClient(HttpClient.newConnection().mapConnect(connection -> Mono.never()))
                        .timeout(Duration.ofMillis(50))
                        .build()
                        .swap(Samples.CODE)
                        .block(Duration.ofSeconds(30)))
                .isInstanceOf(TokenUnavailableException.class)
                .hasCauseInstanceOf(TimeoutException.class);
    }
}
