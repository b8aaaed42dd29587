package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.testing.LogLines;
import io.tokenswap.testing.RawServer;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.BaseSubscriber;

/** The log names each token request and its outcome, and holds no secret. */
@Tag("E46")
@Timeout(60)
class RequestLogTest extends WireFixture {

    @Test
    void aRefreshIsLoggedByTheFingerprintsOfItsTokens() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        try (LogLines log = LogLines.of(TokenEndpoint.class)) {
            Token token = Objects.requireNonNull(endpoint(server.uri())
                    .build()
                    .refresh(Samples.REFRESH_TOKEN)
                    .block());

            String refresh =
                    "Refresh with [" + Samples.REFRESH_TOKEN.fingerprint() + "] at " + server.uri() + "/refresh: ";
            assertThat(log.messages())
                    .containsExactly(
                            refresh + "sent",
                            refresh + "token [" + token.fingerprint() + "] expires at " + token.expiresAt());
            assertThat(log.messages()).noneMatch(line -> line.contains(Samples.CANARY));
            assertThat(log.levels()).containsExactly(Level.DEBUG);
        }
    }

    @Test
    void aFailedSwapIsLoggedWithItsReason() {
        RecordingServer server = started(RecordingServer.responding(400, "{\"error\":\"invalid_grant\"}"));
        try (LogLines log = LogLines.of(TokenEndpoint.class)) {
            endpoint(server.uri()).build().swap(Samples.CODE).onErrorComplete().block();

            assertThat(log.messages()).hasSize(2);
            assertThat(log.messages().get(1))
                    .startsWith("Swap at " + server.uri() + "/swap: ")
                    .contains("invalid_grant");
            assertThat(log.levels()).containsExactly(Level.DEBUG);
        }
    }

    @Test
    void aRequestThatWasNotSentIsLoggedAsSuch() {
        RawServer gone = RawServer.playing(connection -> {});
        gone.dispose();
        TokenEndpoint endpoint = endpoint(gone.uri()).build();
        try (LogLines log = LogLines.of(TokenEndpoint.class)) {
            endpoint.refresh(RefreshToken.of("canary")).onErrorComplete().block();

            assertThat(log.messages()).singleElement().asString().contains("could not be reached");
        }
    }

    @Test
    void aboveDebugNothingIsLogged() {
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        RecordingServer refusing = started(RecordingServer.responding(400, "{\"error\":\"invalid_grant\"}"));
        RawServer silent = RawServer.playing(RawServer.Connection::awaitClose);
        try (LogLines log = LogLines.of(TokenEndpoint.class).at(Level.INFO)) {
            assertThat(endpoint(server.uri())
                            .build()
                            .refresh(Samples.REFRESH_TOKEN)
                            .block())
                    .isNotNull();
            endpoint(refusing.uri())
                    .build()
                    .swap(Samples.CODE)
                    .onErrorComplete()
                    .block();
            endpoint(silent.uri()).build().swap(Samples.CODE).subscribe().dispose();

            assertThat(log.messages()).isEmpty();
        } finally {
            silent.dispose();
        }
    }

    @Test
    void aCancelledRequestIsLoggedAsSuch() {
        RawServer silent = RawServer.playing(RawServer.Connection::awaitClose);
        try (LogLines log = LogLines.of(TokenEndpoint.class)) {
            endpoint(silent.uri()).build().swap(Samples.CODE).subscribe().dispose();

            assertThat(log.messages()).last().isEqualTo("Swap at " + silent.uri() + "/swap: cancelled");
        } finally {
            silent.dispose();
        }
    }

    @Test
    void aRequestThatIsCancelledBeforeItIsSentIsNotLoggedAsSent() throws InterruptedException {
        RawServer silent = RawServer.playing(RawServer.Connection::awaitClose);
        BaseSubscriber<Token> call = new BaseSubscriber<>() {};
        CountDownLatch cancelled = new CountDownLatch(1);
        InstantSource clock = () -> { // read immediately before the first byte
            call.cancel();
            cancelled.countDown();
            return Instant.EPOCH;
        };
        try (LogLines log = LogLines.of(TokenEndpoint.class)) {
            endpoint(silent.uri()).clock(clock).build().swap(Samples.CODE).subscribe(call);
            cancelled.await();
            assertThat(silent.isClosedByClient()).isTrue();

            assertThat(log.messages()).containsExactly("Swap at " + silent.uri() + "/swap: cancelled");
        } finally {
            silent.dispose();
        }
    }
}
