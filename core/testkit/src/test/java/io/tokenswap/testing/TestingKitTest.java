package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.RefreshToken;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionState;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

/** Tests as an application writes them, with public types of the library and of the kit only. */
class TestingKitTest {

    private static final Duration HOUR = Duration.ofHours(1);

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, HOUR);
    private final TokenSession session = clock.session(endpoint).build(endpoint.grant());

    @Test
    void timePassesWhenTheTestSaysSo() {
        StepVerifier.create(session.tokens().map(token -> token.accessToken().secret()))
                .expectNext("access-1")
                .then(() -> clock.advance(HOUR))
                .expectNext("access-2")
                .thenCancel()
                .verify();
        assertThat(clock.timers()).isZero();
    }

    @Test
    void aServerRotatesRefreshTokensAndAcceptsAUsedOneWithinItsGrace() {
        endpoint.rotate(Duration.ofSeconds(5)).thenLoseTheResponse();
        StepVerifier.create(session.refresh()).verifyError(TokenUnavailableException.class);
        clock.advance(Duration.ofSeconds(2));
        assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
        assertThat(endpoint.refreshed()).extracting(RefreshToken::secret).isEqualTo(List.of("refresh-1", "refresh-1"));
    }

    @Test
    void aServerHangsThoughItHasRotated() {
        endpoint.rotate(Duration.ZERO).thenHang();
        StepVerifier.create(session.refresh())
                .then(() -> clock.advance(Duration.ofMinutes(1)))
                .verifyError(TokenUnavailableException.class);
        clock.advance(Duration.ofSeconds(2));
        assertThat(session.state().status()).isEqualTo(SessionState.Status.LOGIN_REQUIRED);
    }

    @Test
    void aServerKeepsTheRefreshToken() {
        endpoint.keepRefreshToken();
        session.refresh().block();
        session.refresh().block();
        assertThat(endpoint.refreshed()).extracting(RefreshToken::secret).containsExactly("refresh-1", "refresh-1");
    }

    @Test
    void aServerLimitsRequests() {
        endpoint.thenThrottle(Duration.ofSeconds(100));
        StepVerifier.create(session.refresh())
                .verifyErrorSatisfies(error -> assertThat(((TokenUnavailableException) error).retryAt())
                        .isBetween(
                                clock.instant().plusSeconds(100),
                                clock.instant().plusSeconds(120)));
    }

    @Test
    void aServerEndsTheGrant() {
        endpoint.revoke();
        StepVerifier.create(session.refresh()).verifyError(LoginRequiredException.class);
    }

    @Test
    void aComputerSleepsForANight() {
        session.tokens().subscribe();
        clock.jump(Duration.ofHours(8));
        clock.advance(Duration.ofSeconds(30));
        StepVerifier.create(session.token().map(token -> token.accessToken().secret()))
                .expectNext("access-2")
                .verifyComplete();
    }
}
