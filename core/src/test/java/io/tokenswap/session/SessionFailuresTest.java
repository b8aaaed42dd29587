package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** What becomes of a session when a refresh fails, for a while or for good. */
class SessionFailuresTest extends SessionFixture {

    @Nested
    class ForAWhile {

        @Test
        @Tag("B79")
        void aLateResponseNeverOverwritesANewerToken() {
            TokenSession session = session();
            List<String> seen = record(session);
            Sinks.One<Token> response = heldResponse();
            session.refresh().subscribe();
            Token late = endpoint.grant();
            session.renew(endpoint.grant()).block(Duration.ZERO);
            response.tryEmitValue(late);
            assertThat(accessToken(session)).isEqualTo("access-3");
            assertThat(seen).containsExactly("access-1", "access-3");
        }

        @Test
        void aRequestOfUnknownOutcomeIsRepeatedWithin2sEvenWithoutSubscribers() {
            TokenSession session = builder()
                    .policy(RefreshPolicy.builder()
                            .backoff(Duration.ofSeconds(20), Duration.ofSeconds(60))
                            .build())
                    .build(endpoint.grant());
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.responseLost());
            session.token().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofSeconds(2));
            assertThat(endpoint.refreshed()).extracting(RefreshToken::secret).containsExactly("refresh-1", "refresh-1");
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void aRequestWhoseResponseWasLostAfterAnOutageIsRepeatedWithin2sToo() {
            TokenSession session = session();
            record(session);
            for (int i = 0; i < 7; i++) {
                endpoint.thenFail(ScriptedEndpoint.notSent());
            }
            endpoint.thenFail(ScriptedEndpoint.responseLost());
            clock.advance(TO_REFRESH);
            while (endpoint.refreshes() < 8) {
                clock.advance(Duration.ofSeconds(1));
            }
            clock.advance(Duration.ofSeconds(2));
            assertThat(endpoint.refreshes()).isEqualTo(9);
        }

        @Test
        void retryAfterIsObeyed() {
            TokenSession session = session();
            record(session);
            endpoint.thenFail(
                    ScriptedEndpoint.throttled(clock.instant().plus(TO_REFRESH).plusSeconds(100)));
            clock.advance(TO_REFRESH);
            clock.advance(Duration.ofSeconds(100));
            assertThat(endpoint.refreshes()).isOne();
            clock.advance(Duration.ofSeconds(10)); // a tenth more at least, as many clients are told the same time
            assertThat(endpoint.refreshes()).isEqualTo(2);
        }

        @Test
        @Tag("B102")
        void anOutageOfTwoHoursIsSurvivedWithAtMost150TriesAndRecoveredFromWithinAMinute() {
            TokenSession session = builder().random(() -> 0.999).build(endpoint.grant());
            List<String> seen = record(session);
            endpoint.always(token -> Mono.error(ScriptedEndpoint.responseLost()));
            clock.advance(TO_REFRESH.plusHours(2));
            assertThat(endpoint.refreshes()).isBetween(100, 150);
            endpoint.always(null);
            clock.advance(Duration.ofSeconds(60));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void aConfigurationErrorIsRetriedWithBackoffAndKeepsTheRefreshToken() {
            TokenSession session = session();
            record(session);
            endpoint.thenFail(new OAuthErrorException("invalid_client", null, 401));
            clock.advance(TO_REFRESH.plusSeconds(1));
            assertThat(endpoint.refreshed()).extracting(RefreshToken::secret).containsExactly("refresh-1", "refresh-1");
            assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
        }

        @Test
        void theShortestBackoffThereIsKeepsNoThreadBusy() {
            TokenSession session = builder()
                    .policy(RefreshPolicy.builder()
                            .backoff(Duration.ofNanos(1), Duration.ofNanos(1))
                            .build())
                    .build(endpoint.grant());
            endpoint.always(token -> Mono.error(ScriptedEndpoint.notSent()));
            record(session);
            clock.advance(TO_REFRESH.plusMillis(10));
            assertThat(endpoint.refreshes()).isBetween(2, 11);
        }
    }

    @Nested
    class ForGood {

        @Test
        @Tag("B99")
        void aRevokedGrantIsOneRequestAndOneEventAndTheAccessTokenServesUntilItIsStale() {
            TokenSession session = session();
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            endpoint.always(token -> Mono.error(ScriptedEndpoint.invalidGrant()));
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(events).singleElement().isInstanceOf(SessionEvent.LoginRequired.class);
            assertThat(accessToken(session)).isEqualTo("access-1");
            assertThat(session.state().status()).isEqualTo(SessionState.Status.LOGIN_REQUIRED);
            clock.advance(Duration.ofDays(1));
            assertThatThrownBy(() -> accessToken(session))
                    .isInstanceOf(LoginRequiredException.class)
                    .hasRootCauseInstanceOf(OAuthErrorException.class);
            assertThat(record(session)).containsExactly("LoginRequiredException");
            assertThat(endpoint.refreshes()).isOne();
            assertThat(events).hasSize(1);
        }

        @Test
        @Tag("B100")
        void renewRevivesTheSessionForNewSubscribers() {
            TokenSession session = session();
            endpoint.thenFail(ScriptedEndpoint.invalidGrant());
            record(session);
            clock.advance(TO_REFRESH);
            session.renew(endpoint.grant()).block(Duration.ZERO);
            List<String> seen = record(session);
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-2", "access-3");
        }

        @Test
        @Tag("B100")
        void withAHookTheSameStreamContinuesAfterOneLogin() {
            Sinks.One<Token> signedIn = Sinks.one();
            AtomicInteger logins = new AtomicInteger();
            TokenSession session = builder()
                    .onLoginRequired(reason -> signedIn.asMono().doOnSubscribe(s -> logins.incrementAndGet()))
                    .build(endpoint.grant());
            List<String> one = record(session);
            List<String> two = record(session);
            endpoint.thenFail(ScriptedEndpoint.invalidGrant());
            clock.advance(HOUR);
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken().secret()));
            clock.advance(Duration.ofMinutes(3));
            signedIn.tryEmitValue(endpoint.grant());
            assertThat(logins).hasValue(1);
            assertThat(one).containsExactly("access-1", "access-2");
            assertThat(two).containsExactly("access-1", "access-2");
            assertThat(served).containsExactly("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void aLoginHookIsCancelledByDisposalAndByANewLogin() {
            AtomicInteger cancelled = new AtomicInteger();
            TokenSession session = builder()
                    .onLoginRequired(reason -> Mono.<Token>never().doOnCancel(cancelled::incrementAndGet))
                    .build(endpoint.grant());
            endpoint.thenFail(ScriptedEndpoint.invalidGrant()).thenFail(ScriptedEndpoint.invalidGrant());
            session.refresh().subscribe(token -> {}, error -> {});
            session.renew(endpoint.grant()).block(Duration.ZERO);
            assertThat(cancelled).hasValue(1);
            session.refresh().subscribe(token -> {}, error -> {});
            StepVerifier.create(session.disposeLater()).verifyComplete();
            assertThat(cancelled).hasValue(2);
        }

        @Test
        void aLoginHookThatThrowsIsALoginThatFailed() {
            TokenSession session = builder()
                    .onLoginRequired(reason -> {
                        throw new IllegalStateException("no browser");
                    })
                    .build(endpoint.grant());
            endpoint.thenFail(ScriptedEndpoint.invalidGrant());
            assertThatThrownBy(() -> session.refresh().block(Duration.ZERO))
                    .isInstanceOf(LoginRequiredException.class)
                    .hasRootCauseMessage("no browser");
            assertThat(accessToken(session)).isEqualTo("access-1");
            session.renew(endpoint.grant()).block(Duration.ZERO);
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void aBornStaleTokenWithoutARefreshTokenIsTheEnd() {
            TokenSession session = session();
            Token stale =
                    endpoint.grant(Duration.ZERO).toBuilder().refreshToken(null).build();
            session.renew(stale).block(Duration.ZERO);
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(LoginRequiredException.class);
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        @Tag("B24")
        void withoutARefreshTokenTheStreamEndsWhenTheTokenIsStale() {
            TokenSession session = builder()
                    .build(endpoint.grant().toBuilder().refreshToken(null).build());
            List<String> seen = record(session);
            clock.advance(TO_STALE.minusMillis(1));
            assertThat(seen).containsExactly("access-1");
            clock.advance(Duration.ofMillis(1));
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(endpoint.refreshes()).isZero();
        }
    }
}
