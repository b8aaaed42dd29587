package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionEvent;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a server's refusal does to a session: what it sends after that, and what is left of the refresh token. */
class RefusedRefreshTest extends WireFixture {

    private final VirtualClock clock = new VirtualClock();
    private final TokenStore store = TokenStore.inMemory(clock);
    private final List<SessionEvent> events = new CopyOnWriteArrayList<>();

    /** A session with a token that is good for an hour. */
    private TokenSession session(RecordingServer server) {
        TokenSession session = TokenSession.builder(
                        endpoint(server.uri()).clock(clock).build())
                .clock(clock)
                .scheduler(clock.scheduler())
                .store(store, "user")
                .start(Token.builder("canary-access", clock.instant())
                        .refreshToken("canary-refresh")
                        .expiresAt(clock.instant().plusSeconds(3600))
                        .build())
                .block();
        session.events().subscribe(events::add);
        return session;
    }

    @Test
    @Tag("B39")
    void deadGrantIsOneRequestAndOneEventAndItsRefreshTokenIsErased() {
        RecordingServer server = started(RecordingServer.responding(
                400, "{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token revoked\"}"));
        TokenSession session = session(server);

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> session.refresh().block()).isInstanceOf(LoginRequiredException.class);
        }
        assertThat(session.token().block().refreshToken()).isNull();
        clock.advance(Duration.ofDays(1));
        assertThatThrownBy(() -> session.token().block()).isInstanceOf(LoginRequiredException.class);

        assertThat(server.requests()).hasSize(1);
        session.disposeLater().block();
        session.events().blockLast(); // the event comes after the caller's error
        assertThat(events).hasSize(2).first().isInstanceOf(SessionEvent.LoginRequired.class);
        assertThat(store.load(TokenStore.key("user")).block().record().token()).isNull();
    }

    @ParameterizedTest(name = "{0} {1} keeps the refresh token, and the next attempt sends it")
    @CsvSource(delimiter = '|', textBlock = """
            400 | {"error":"invalid_request"}
            400 | {"error":"invalid_scope"}
            400 | {"error":"unauthorized_client"}
            400 | {"error":"unsupported_grant_type"}
            401 | {"error":"invalid_client"}
            400 | <html>canary</html>
            400 | ''
            403 | ''
            404 | ''
            405 | ''
            410 | ''
            413 | ''
            415 | ''
            """)
    @Tag("B40")
    @Tag("B41")
    @Tag("B42")
    @Tag("B43")
    void refusalForAnyOtherReasonLeavesTheGrantAlone(int status, String body) {
        AtomicInteger requests = new AtomicInteger();
        RecordingServer server = started(RecordingServer.responding((request, response) -> {
            boolean first = requests.getAndIncrement() == 0;
            return RecordingServer.json(first ? status : 200, first ? body : Samples.TOKEN_RESPONSE)
                    .to(request, response);
        }));
        TokenSession session = session(server);

        assertThatThrownBy(() -> session.refresh().block())
                .isInstanceOfSatisfying(
                        TokenUnavailableException.class,
                        failure -> assertThat(failure.reason()).isEqualTo(TokenUnavailableException.Reason.REJECTED));
        assertThat(session.token().block().accessToken().secret()).isEqualTo("canary-access");
        assertThat(store.load(TokenStore.key("user"))
                        .block()
                        .record()
                        .token()
                        .refreshToken()
                        .secret())
                .isEqualTo("canary-refresh");
        clock.advance(Duration.ofSeconds(1));
        assertThat(session.refresh().block().accessToken().secret()).isEqualTo("canary-new");

        assertThat(server.requests())
                .hasSize(2)
                .allMatch(request -> request.body().contains("canary-refresh"));
        assertThat(events).noneMatch(SessionEvent.LoginRequired.class::isInstance);
    }
}
