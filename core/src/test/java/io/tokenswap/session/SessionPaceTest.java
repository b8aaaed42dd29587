package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenRejectedException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;

/** The pace of refreshes when the API or the server misbehaves. */
class SessionPaceTest extends SessionFixture {

    @Nested
    class AnApiThatRefusesEveryToken {

        private final TokenSession session = session();

        private Mono<String> call() {
            return session.withToken(token -> Mono.error(new TokenRejectedException("canary 401")));
        }

        @Test
        @Tag("E15")
        void causesAtMostTwelveRefreshesInFiveMinutesWhateverTheCallersDo() {
            for (int second = 0; second < 300; second++) {
                assertThatThrownBy(() -> call().block(Duration.ZERO))
                        .isInstanceOfAny(TokenRejectedException.class, TokenUnavailableException.class);
                clock.advance(Duration.ofSeconds(1));
            }
            assertThat(endpoint.refreshes()).isBetween(5, 12);
        }

        @Test
        @Tag("E15")
        void isReportedByAnEventAndForgottenAfterOneCallThatSucceeds() {
            List<SessionEvent> events = events(session);
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> call().block(Duration.ZERO)).hasMessage("canary 401");
            }
            assertThat(events)
                    .filteredOn(event -> event.name().equals("api_rejects_tokens"))
                    .hasSize(1);
            assertThat(session.state().status()).isEqualTo(SessionState.Status.RETRYING);
            assertThat(session.state().retryAt()).isEqualTo(clock.instant().plusSeconds(1));

            clock.advance(Duration.ofSeconds(1));
            String name = session.withToken(
                            token -> Mono.just(token.accessToken().secret()))
                    .block(Duration.ZERO);
            int refreshes = endpoint.refreshes();
            assertThat(name).isEqualTo("access-" + (refreshes + 1));
            session.invalidate(session.token().block(Duration.ZERO));
            assertThat(accessToken(session)).isEqualTo("access-" + (refreshes + 2));
        }
    }

    @Test
    @Tag("E14")
    void aTokenThatTheServerIssuesAgainAfterItWasRefusedIsNotHandedOut() {
        Token first = endpoint.grant();
        TokenSession session = builder().build(first);
        endpoint.then(presented -> Mono.just(first));
        session.invalidate(first);
        assertThatThrownBy(() -> accessToken(session)).isInstanceOf(TokenUnavailableException.class);
        clock.advance(Duration.ofSeconds(1));
        assertThat(accessToken(session)).isEqualTo("access-2");
    }

    @ParameterizedTest(name = "{0} s are asked for, the random number is {1}: the next attempt comes after {2} ms")
    @CsvSource({"5, 0.0, 7500", "5, 0.999, 9997", "60, 0.0, 66000", "60, 0.5, 69000", "3600, 0.0, 3960000"})
    @Tag("E22")
    void aTimeThatTheServerGivesIsNeverUndercutAndSpread(long asked, double random, long millis) {
        TokenSession session = builder().random(() -> random).build(endpoint.grant(Duration.ZERO));
        Instant start = clock.instant();
        endpoint.thenFail(ScriptedEndpoint.throttled(start.plusSeconds(asked)));
        assertThatThrownBy(() -> accessToken(session))
                .isInstanceOfSatisfying(
                        TokenUnavailableException.class,
                        error -> assertThat(error.retryAt()).isEqualTo(start.plusMillis(millis)));
    }

    @Test
    @Tag("E19")
    void aRefreshWithoutARefreshTokenFailsForItsCallerOnlyAndTheTokenServesUntilItEnds() {
        TokenSession session =
                builder().build(endpoint.grant().toBuilder().refreshToken(null).build());
        List<String> seen = record(session);
        assertThatThrownBy(() -> session.refresh().block(Duration.ZERO)).isInstanceOf(LoginRequiredException.class);
        assertThat(seen).containsExactly("access-1");
        assertThat(accessToken(session)).isEqualTo("access-1");
        clock.advance(Duration.ofHours(1));
        assertThat(seen).containsExactly("access-1", "LoginRequiredException");
    }
}
