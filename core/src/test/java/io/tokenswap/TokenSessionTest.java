package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** The session under virtual time: an hour's token, due 5 min before expiry, stale 10 s before it, no jitter unless said. */
class TokenSessionTest {

    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration TO_REFRESH = Duration.ofMinutes(55);
    private static final Duration TO_STALE = HOUR.minusSeconds(10);

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, HOUR);

    private TokenSessionBuilder builder() {
        return TokenSession.builder(endpoint)
                .clock(clock)
                .scheduler(clock.scheduler())
                .random(() -> 0);
    }

    private TokenSession session() {
        return builder().build(endpoint.grant());
    }

    private static String accessToken(TokenSession session) {
        return session.token().map(Token::accessToken).block(Duration.ZERO);
    }

    private static List<String> record(TokenSession session) {
        List<String> seen = new ArrayList<>();
        session.tokens()
                .map(Token::accessToken)
                .subscribe(seen::add, error -> seen.add(error.getClass().getSimpleName()), () -> seen.add("complete"));
        return seen;
    }

    private static List<SessionEvent> events(TokenSession session) {
        List<SessionEvent> seen = new ArrayList<>();
        session.events().subscribe(seen::add);
        return seen;
    }

    /** An answer that comes when the test says so. */
    private Sinks.One<Token> heldAnswer() {
        Sinks.One<Token> answer = Sinks.one();
        endpoint.then(token -> answer.asMono());
        return answer;
    }

    @Nested
    class Callers {

        @Test
        void getTheCurrentTokenAtOnceWithoutARequest() {
            TokenSession session = session();
            assertThat(accessToken(session)).isEqualTo("access-1");
            assertThat(session.state()).isEqualTo(TokenSession.State.FRESH);
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        void b73_manyCallersAtExpiryCauseOneRefreshAndGetTheSameToken() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            List<String> served = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                session.token().subscribe(token -> served.add(token.accessToken()));
            }
            assertThat(endpoint.refreshes()).isOne();
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).hasSize(10_000).containsOnly("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void b74_cancellingTheFirstCallerLeavesTheOthersServed() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            Disposable first = session.token().subscribe();
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken()));
            first.dispose();
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
        }

        @Test
        void b75_whenAllCancelTheRefreshStillFinishesAndIsStored() {
            TokenStore store = TokenStore.inMemory();
            TokenSession session =
                    builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            session.token().subscribe().dispose();
            answer.tryEmitValue(endpoint.grant());
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-2");
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void b76_theTimeoutOfOneCallerHitsOnlyThatCaller() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            AtomicInteger timeouts = new AtomicInteger();
            session.token()
                    .timeout(Duration.ofSeconds(1), clock.scheduler())
                    .subscribe(token -> {}, error -> timeouts.incrementAndGet());
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken()));
            clock.advance(Duration.ofSeconds(2));
            answer.tryEmitValue(endpoint.grant());
            assertThat(timeouts).hasValue(1);
            assertThat(served).containsExactly("access-2");
        }

        @Test
        void b77_aFailureIsNotRememberedBeyondItsBackoff() {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(TokenUnavailableException.class);
            clock.advance(Duration.ofSeconds(1));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void duringAPauseFailAtOnceWithTheInstantOfTheNextAttemptAndDoNotHammer() {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            for (int i = 0; i < 100; i++) {
                StepVerifier.create(session.token()).verifyErrorSatisfies(error -> {
                    assertThat(error)
                            .isInstanceOf(TokenUnavailableException.class)
                            .hasRootCauseMessage("refused");
                    assertThat(((TokenUnavailableException) error).retryAt())
                            .isEqualTo(clock.instant().plusSeconds(1));
                });
            }
            assertThat(endpoint.refreshes()).isOne();
            assertThat(session.state()).isEqualTo(TokenSession.State.DEGRADED);
        }

        @Test
        void b80_getTheValidTokenAtOnceWhileAnEarlyRefreshRuns() {
            TokenSession session = session();
            clock.advance(TO_REFRESH);
            Sinks.One<Token> answer = heldAnswer();
            assertThat(session.state()).isEqualTo(TokenSession.State.DUE);
            assertThat(accessToken(session)).isEqualTo("access-1");
            assertThat(session.state()).isEqualTo(TokenSession.State.REFRESHING);
            assertThat(accessToken(session)).isEqualTo("access-1");
            answer.tryEmitValue(endpoint.grant());
            assertThat(accessToken(session)).isEqualTo("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        @DisplayName("No caller receives a token past staleAt: exactly at it and one millisecond before")
        void neverReceiveAStaleToken() {
            TokenSession session = session();
            clock.advance(TO_STALE.minusMillis(1));
            endpoint.always(token -> Mono.never());
            assertThat(accessToken(session)).isEqualTo("access-1");
            clock.advance(Duration.ofMillis(1));
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken()));
            assertThat(served).isEmpty();
        }

        @Test
        void doNotLeakTheirContextIntoTheRefresh() {
            TokenSession session = session();
            clock.advance(HOUR);
            List<Context> contexts = new ArrayList<>();
            endpoint.then(token -> Mono.deferContextual(context -> {
                contexts.add(Context.of(context));
                return Mono.just(endpoint.grant());
            }));
            session.token().contextWrite(Context.of("user", "alice")).block(Duration.ZERO);
            assertThat(contexts)
                    .singleElement()
                    .satisfies(context -> assertThat(context.hasKey("user")).isFalse());
        }

        @Test
        void whoThrowHarmOnlyThemselves() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            session.token()
                    .subscribe(
                            token -> {
                                throw new IllegalStateException("a caller's own trouble");
                            },
                            error -> {});
            session.token().subscribe(new Thrower<>());
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken()));
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
        }

        @Test
        void anEndpointThatNeverAnswersDoesNotHoldThemForEver() {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.then(token -> Mono.never());
            List<Throwable> errors = new ArrayList<>();
            session.token().subscribe(token -> {}, errors::add);
            clock.advance(Duration.ofMinutes(1));
            assertThat(errors).singleElement().isInstanceOf(TokenUnavailableException.class);
            clock.advance(Duration.ofSeconds(2));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void anEndpointThatThrowsOrIsEmptyIsATransientFailure(boolean empty) {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.then(token -> {
                if (empty) {
                    return Mono.empty();
                }
                throw new IllegalStateException("bug");
            });
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(TokenUnavailableException.class);
            clock.advance(Duration.ofSeconds(2));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }
    }

    @Nested
    class Invalidation {

        @Test
        void b101_manyReportsAboutTheCurrentTokenCauseOneRefreshAndOnesAboutAnOlderNone() {
            TokenSession session = session();
            Token first = session.token().block(Duration.ZERO);
            Sinks.One<Token> answer = heldAnswer();
            for (int i = 0; i < 1_000; i++) {
                session.invalidate(first);
            }
            answer.tryEmitValue(endpoint.grant());
            assertThat(endpoint.refreshes()).isOne();
            assertThat(accessToken(session)).isEqualTo("access-2");
            session.invalidate(first);
            assertThat(endpoint.refreshes()).isOne();
            assertThat(session.state()).isEqualTo(TokenSession.State.FRESH);
        }

        @Test
        void anInvalidatedTokenIsHandedOutToNobody() {
            TokenSession session = session();
            Token first = session.token().block(Duration.ZERO);
            Sinks.One<Token> answer = heldAnswer();
            session.invalidate(first);
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken()));
            assertThat(served).isEmpty();
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
        }

        @Test
        void repairsATokenOfUnknownLifetimeWhichIsNeverScheduled() {
            TokenSession session = builder().build(endpoint.grant(null));
            List<String> seen = record(session);
            clock.advance(Duration.ofDays(4_000));
            assertThat(endpoint.refreshes()).isZero();
            session.invalidate(session.token().block(Duration.ZERO));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void withTokenRepeatsARefusedCallOnceWithTheNextToken() {
            TokenSession session = session();
            List<String> used = new ArrayList<>();
            Mono<String> call = session.withToken(
                    token -> {
                        used.add(token.accessToken());
                        return Mono.error(new IllegalStateException("401"));
                    },
                    error -> error instanceof IllegalStateException);
            StepVerifier.create(call).verifyErrorMessage("401");
            assertThat(used).containsExactly("access-1", "access-2");
            assertThat(endpoint.refreshes()).isOne();
        }
    }

    @Nested
    class Stream {

        @Test
        void b84_refreshesAheadOfExpiryByTheMarginAndTheJitter() {
            TokenSession session = builder().random(() -> 0.5).build(endpoint.grant());
            List<String> seen = record(session);
            clock.advance(TO_REFRESH.minusSeconds(15).minusMillis(1));
            assertThat(seen).containsExactly("access-1");
            clock.advance(Duration.ofMillis(1));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void b85_anExpiredTokenIsRefreshedFirstAndNeverEmitted() {
            Token old = endpoint.grant();
            clock.advance(HOUR);
            TokenSession session = builder().build(old);
            assertThat(endpoint.refreshes()).isZero();
            List<String> seen = record(session);
            clock.advance(Duration.ZERO);
            assertThat(seen).containsExactly("access-2");
        }

        @Test
        void b86_aLateSubscriberGetsTheCurrentTokenAtOnce() {
            TokenSession session = session();
            record(session);
            clock.advance(TO_REFRESH);
            assertThat(record(session)).containsExactly("access-2");
        }

        @ParameterizedTest
        @ValueSource(longs = {0, 1, 2, 5})
        void b87_shortLivesLeaveAtLeastASecondBetweenRefreshes(long seconds) {
            ScriptedEndpoint shortLived = new ScriptedEndpoint(clock, Duration.ofSeconds(seconds));
            List<Instant> times = new ArrayList<>();
            shortLived.always(token -> {
                times.add(clock.instant());
                return Mono.just(shortLived.grant());
            });
            TokenSession session = TokenSession.builder(shortLived)
                    .clock(clock)
                    .scheduler(clock.scheduler())
                    .random(() -> 0)
                    .build(shortLived.grant());
            record(session);
            clock.advance(Duration.ofMinutes(10));
            assertThat(times).hasSizeGreaterThan(5);
            for (int i = 1; i < times.size(); i++) {
                assertThat(Duration.between(times.get(i - 1), times.get(i)))
                        .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
            }
        }

        @Test
        void b88_aLifetimeOfTenYearsIsSleptInSlices() {
            ScriptedEndpoint longLived = new ScriptedEndpoint(clock, Duration.ofDays(3_650));
            TokenSession session = TokenSession.builder(longLived)
                    .clock(clock)
                    .scheduler(clock.scheduler())
                    .random(() -> 0)
                    .build(longLived.grant());
            record(session);
            clock.jump(Duration.ofDays(3_649).plusHours(23).plusMinutes(56));
            clock.advance(Duration.ofSeconds(30));
            assertThat(longLived.refreshes()).isOne();
        }

        @Test
        void b89_aClockSetForwardIsNoticedWithin30s() {
            TokenSession session = session();
            List<String> seen = record(session);
            clock.jump(HOUR);
            clock.advance(Duration.ofSeconds(30));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void b90_aClockSetBackDoesNotPostponeTheRefresh() {
            TokenSession session = session();
            List<String> seen = record(session);
            clock.advance(Duration.ofMinutes(20));
            clock.jump(HOUR.negated());
            clock.advance(Duration.ofMinutes(35));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void b91_afterEightHoursOfSuspendTheTokenIsFreshWithin30sAndTheStaleOneIsNeverHandedOut() {
            TokenSession session = session();
            List<String> seen = record(session);
            clock.jump(Duration.ofHours(8));
            Sinks.One<Token> answer = heldAnswer();
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken()));
            List<String> late = record(session);
            clock.advance(Duration.ofSeconds(30));
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
            assertThat(late).containsExactly("access-2");
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void b94_aSubscriberThatDoesNotRequestGetsTheLatestTokenOnlyAndNoStaleOne() {
            TokenSession session = session();
            List<String> others = record(session);
            List<String> seen = new ArrayList<>();
            BaseSubscriber<Token> slow = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {}

                @Override
                protected void hookOnNext(Token token) {
                    seen.add(token.accessToken());
                }
            };
            session.tokens().subscribe(slow);
            clock.advance(TO_REFRESH.multipliedBy(5));
            assertThat(others).hasSize(6);
            assertThat(seen).isEmpty();
            slow.request(1);
            assertThat(seen).containsExactly("access-6");
            endpoint.always(token -> Mono.error(ScriptedEndpoint.notSent()));
            clock.advance(HOUR);
            slow.request(5);
            assertThat(seen).containsExactly("access-6");
        }

        @Test
        void b95_aSubscriberThatThrowsHarmsOnlyItself() {
            TokenSession session = session();
            session.tokens().subscribe(new Thrower<>());
            session.tokens()
                    .subscribe(
                            token -> {
                                throw new IllegalStateException("a subscriber's own trouble");
                            },
                            error -> {});
            List<String> seen = record(session);
            clock.advance(TO_REFRESH.multipliedBy(2));
            assertThat(seen).containsExactly("access-1", "access-2", "access-3");
        }

        @Test
        void b96_withoutSubscribersThereIsNoTimerAtAll() {
            TokenSession session = session();
            Disposable one = session.tokens().subscribe();
            Disposable two = session.tokens().subscribe();
            clock.advance(TO_REFRESH);
            assertThat(endpoint.refreshes()).isOne();
            one.dispose();
            two.dispose();
            clock.advance(Duration.ofDays(1));
            assertThat(endpoint.refreshes()).isOne();
            assertThat(accessToken(session)).isEqualTo("access-3");
        }

        @Test
        void keepAliveRefreshesWithoutSubscribers() {
            builder().keepAlive().build(endpoint.grant());
            clock.advance(TO_REFRESH.multipliedBy(3));
            assertThat(endpoint.refreshes()).isEqualTo(3);
        }

        @Test
        void b81_aReentrantCallInsideOnNextDoesNotDeadlock() {
            TokenSession session = session();
            List<String> seen = new ArrayList<>();
            session.tokens().take(3).subscribe(token -> {
                seen.add(token.accessToken());
                session.invalidate(token);
                session.token().subscribe();
            });
            assertThat(seen).containsExactly("access-1", "access-2", "access-3");
        }

        @Test
        void b98_aSchedulerThatWasShutDownIsATypedErrorAndNotSilence() {
            TokenSession session = session();
            clock.scheduler().dispose();
            assertThat(record(session)).containsExactly("access-1", "TokenUnavailableException");
        }
    }

    @Nested
    class Failures {

        @Test
        void b79_aLateAnswerNeverOverwritesANewerToken() {
            TokenSession session = session();
            List<String> seen = record(session);
            Sinks.One<Token> answer = heldAnswer();
            session.refresh().subscribe();
            Token late = endpoint.grant();
            session.renew(endpoint.grant()).block(Duration.ZERO);
            answer.tryEmitValue(late);
            assertThat(accessToken(session)).isEqualTo("access-3");
            assertThat(seen).containsExactly("access-1", "access-3");
        }

        @Test
        void anAnswerOfUnknownOutcomeIsAskedForAgainWithin2sEvenWithoutSubscribers() {
            TokenSession session = builder()
                    .policy(RefreshPolicy.builder()
                            .minBackoff(Duration.ofSeconds(20))
                            .build())
                    .build(endpoint.grant());
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.unknown());
            session.token().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofSeconds(2));
            assertThat(endpoint.refreshed()).extracting(Token::refreshToken).containsExactly("refresh-1", "refresh-1");
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void aLostAnswerAfterAnOutageIsAskedForAgainWithin2sToo() {
            TokenSession session = session();
            record(session);
            for (int i = 0; i < 7; i++) {
                endpoint.thenFail(ScriptedEndpoint.notSent());
            }
            endpoint.thenFail(ScriptedEndpoint.unknown());
            clock.advance(TO_REFRESH);
            while (endpoint.refreshes() < 8) {
                clock.advance(Duration.ofSeconds(1));
            }
            clock.advance(Duration.ofSeconds(2));
            assertThat(endpoint.refreshes()).isEqualTo(9);
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
        void aBornStaleTokenWithoutARefreshTokenIsTheEnd() {
            TokenSession session = session();
            Token stale =
                    endpoint.grant(Duration.ZERO).toBuilder().refreshToken(null).build();
            session.renew(stale).block(Duration.ZERO);
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(LoginRequiredException.class);
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        void retryAfterIsObeyed() {
            TokenSession session = session();
            record(session);
            endpoint.thenFail(
                    ScriptedEndpoint.throttled(clock.instant().plus(TO_REFRESH).plusSeconds(100)));
            clock.advance(TO_REFRESH);
            clock.advance(Duration.ofSeconds(99));
            assertThat(endpoint.refreshes()).isOne();
            clock.advance(Duration.ofSeconds(1));
            assertThat(endpoint.refreshes()).isEqualTo(2);
        }

        @Test
        void b102_anOutageOfTwoHoursIsSurvivedWithAtMost150TriesAndRecoveredFromWithinAMinute() {
            TokenSession session = builder().random(() -> 0.999).build(endpoint.grant());
            List<String> seen = record(session);
            endpoint.always(token -> Mono.error(ScriptedEndpoint.unknown()));
            clock.advance(TO_REFRESH.plusHours(2));
            assertThat(endpoint.refreshes()).isBetween(100, 150);
            endpoint.always(null);
            clock.advance(Duration.ofSeconds(60));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void b99_aRevokedGrantIsOneRequestAndOneEventAndTheAccessTokenServesUntilItIsStale() {
            TokenSession session = session();
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            endpoint.always(token -> Mono.error(ScriptedEndpoint.invalidGrant()));
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(events).singleElement().isInstanceOf(SessionEvent.LoginRequired.class);
            assertThat(accessToken(session)).isEqualTo("access-1");
            assertThat(session.state()).isEqualTo(TokenSession.State.LOGIN_REQUIRED);
            clock.advance(Duration.ofDays(1));
            assertThatThrownBy(() -> accessToken(session))
                    .isInstanceOf(LoginRequiredException.class)
                    .hasRootCauseInstanceOf(OAuthErrorException.class);
            assertThat(record(session)).containsExactly("LoginRequiredException");
            assertThat(endpoint.refreshes()).isOne();
            assertThat(events).hasSize(1);
        }

        @Test
        void b100_renewRevivesTheSessionForNewSubscribers() {
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
        void b100_withAHookTheSameStreamGoesOnAfterOneLogin() {
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
            session.token().subscribe(token -> served.add(token.accessToken()));
            clock.advance(Duration.ofMinutes(3));
            signedIn.tryEmitValue(endpoint.grant());
            assertThat(logins).hasValue(1);
            assertThat(one).containsExactly("access-1", "access-2");
            assertThat(two).containsExactly("access-1", "access-2");
            assertThat(served).containsExactly("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void b24_withoutARefreshTokenTheStreamEndsWhenTheTokenIsStale() {
            TokenSession session = builder()
                    .build(endpoint.grant().toBuilder().refreshToken(null).build());
            List<String> seen = record(session);
            clock.advance(TO_STALE.minusMillis(1));
            assertThat(seen).containsExactly("access-1");
            clock.advance(Duration.ofMillis(1));
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        void aConfigurationErrorIsRetriedPatientlyAndKeepsTheRefreshToken() {
            TokenSession session = session();
            record(session);
            endpoint.thenFail(new OAuthErrorException("invalid_client", null, 401));
            clock.advance(TO_REFRESH.plusSeconds(1));
            assertThat(endpoint.refreshed()).extracting(Token::refreshToken).containsExactly("refresh-1", "refresh-1");
            assertThat(session.state()).isEqualTo(TokenSession.State.FRESH);
        }
    }

    @Nested
    class Grants {

        @Test
        void b104_warnsOnceThirtyAndOnceSevenDaysBeforeTheGrantEnds() {
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(endpoint.grant());
            record(session);
            List<SessionEvent> events = events(session);
            clock.advance(Duration.ofDays(180));
            assertThat(events)
                    .filteredOn(SessionEvent.GrantExpiring.class::isInstance)
                    .hasSize(2)
                    .extracting(event ->
                            Duration.between(event.at(), ((SessionEvent.GrantExpiring) event).grantExpiresAt()))
                    .satisfies(before -> {
                        assertThat(before.get(0)).isBetween(Duration.ofDays(30).minus(HOUR), Duration.ofDays(30));
                        assertThat(before.get(1)).isBetween(Duration.ofDays(7).minus(HOUR), Duration.ofDays(7));
                    });
        }

        @Test
        void b105_halfAYearOfRefreshesMissesNoneAndDoublesNoneAndEndsOnceAndCleanly() {
            Instant end = clock.instant().plus(Duration.ofDays(180));
            endpoint.always(token -> clock.instant().isBefore(end)
                    ? Mono.just(endpoint.grant())
                    : Mono.error(ScriptedEndpoint.invalidGrant()));
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(endpoint.grant());
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            clock.advance(Duration.ofDays(181));
            int expected = (int) (Duration.ofDays(180).toMinutes() / TO_REFRESH.toMinutes()) + 1;
            assertThat(endpoint.refreshes()).isEqualTo(expected);
            assertThat(seen).hasSize(expected + 1).doesNotHaveDuplicates().endsWith("LoginRequiredException");
            assertThat(events)
                    .filteredOn(SessionEvent.LoginRequired.class::isInstance)
                    .hasSize(1);
        }
    }

    @Nested
    class Disposal {

        @Test
        void b97_cancelsTimersCompletesBothFluxesFailsWaitersAndStoresWhatIsInFlight() {
            TokenStore store = TokenStore.inMemory();
            TokenSession session =
                    builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            Sinks.One<Token> answer = heldAnswer();
            session.invalidate(session.token().block(Duration.ZERO));
            List<Throwable> errors = new ArrayList<>();
            session.token().subscribe(token -> {}, errors::add);
            List<String> waited = new ArrayList<>();
            session.disposeLater().subscribe(nothing -> {}, error -> {}, () -> waited.add("closed"));
            session.dispose();
            assertThat(seen).containsExactly("access-1", "complete");
            assertThat(events).last().isInstanceOf(SessionEvent.Closed.class);
            assertThat(errors).singleElement().isInstanceOf(SessionClosedException.class);
            assertThat(waited).isEmpty();
            answer.tryEmitValue(endpoint.grant());
            assertThat(waited).containsExactly("closed");
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-2");
            clock.advance(Duration.ofDays(1));
            assertThat(endpoint.refreshes()).isOne();
            assertThat(session.isDisposed()).isTrue();
            assertThat(record(session)).containsExactly("complete");
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(SessionClosedException.class);
            StepVerifier.create(session.events()).verifyComplete();
        }
    }

    @Nested
    class Stored {

        private final TokenStore store = TokenStore.inMemory();

        private TokenSession start() {
            return builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
        }

        @Test
        void b27_aRotatedTokenIsSavedBeforeAnyoneSeesIt() {
            TokenSession session = start();
            List<String> savedWhenSeen = new ArrayList<>();
            session.tokens()
                    .subscribe(token -> savedWhenSeen.add(
                            store.load("user").block(Duration.ZERO).accessToken() + " " + token.accessToken()));
            clock.advance(TO_REFRESH);
            assertThat(savedWhenSeen).containsExactly("access-1 access-1", "access-2 access-2");
        }

        @Test
        void b72_aTokenThatAnotherProcessHasRefreshedIsTakenOverWithoutARequest() {
            TokenSession session = start();
            Token theirs = endpoint.grant(Duration.ofHours(2));
            clock.advance(HOUR);
            store.save("user", null, theirs).block(Duration.ZERO);
            assertThat(accessToken(session)).isEqualTo("access-2");
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        void b82_twoSessionsOfOneKeyRefreshOnce() {
            TokenSession one = start();
            TokenSession two = builder().store(store, "user").restore().block(Duration.ZERO);
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            List<String> served = new ArrayList<>();
            one.token().subscribe(token -> served.add(token.accessToken()));
            two.token().subscribe(token -> served.add(token.accessToken()));
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2", "access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void b71_anAnswerLostByAServerWithoutGraceIsTwoRequestsAndThenALogin() {
            TokenSession session = start();
            List<String> seen = record(session);
            endpoint.thenFail(ScriptedEndpoint.unknown()).thenFail(ScriptedEndpoint.invalidGrant());
            clock.advance(TO_REFRESH.plusSeconds(2));
            assertThat(endpoint.refreshes()).isEqualTo(2);
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(store.load("user").blockOptional(Duration.ZERO)).isEmpty();
        }

        @Test
        void b70_anAnswerLostByAServerWithGraceIsFetchedAgain() {
            TokenSession session = start();
            List<String> seen = record(session);
            endpoint.thenFail(ScriptedEndpoint.unknown());
            clock.advance(TO_REFRESH.plusSeconds(2));
            assertThat(seen).containsExactly("access-1", "access-2");
        }

        @Test
        void b103_aFailingStoreDoesNotStopTheTokensAndIsSavedToLater() {
            FailingStore failing = new FailingStore(store);
            TokenSession session =
                    builder().store(failing, "user").start(endpoint.grant()).block(Duration.ZERO);
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            failing.failing = true;
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "access-2");
            assertThat(events).hasAtLeastOneElementOfType(SessionEvent.StoreFailed.class);
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-1");
            failing.failing = false;
            clock.advance(Duration.ofMinutes(1));
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-2");
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "access-2", "access-3");
        }

        @Test
        void aStoreThatHangsWhileSavingCostsNeitherTheTokenNorASecondRequest() {
            FailingStore hanging = new FailingStore(store);
            TokenSession session =
                    builder().store(hanging, "user").start(endpoint.grant()).block(Duration.ZERO);
            List<String> seen = record(session);
            hanging.hanging = true;
            clock.advance(TO_REFRESH.plusMinutes(3));
            assertThat(seen).containsExactly("access-1", "access-2");
            assertThat(endpoint.refreshes()).isOne();
            hanging.hanging = false;
            clock.advance(Duration.ofMinutes(2));
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-2");
        }

        @Test
        void aStoreThatComesBackDuringARefreshEndsUpWithTheNewestToken() {
            FailingStore failing = new FailingStore(store);
            TokenSession session =
                    builder().store(failing, "user").start(endpoint.grant()).block(Duration.ZERO);
            failing.failing = true;
            session.refresh().block(Duration.ZERO);
            Sinks.One<Token> answer = heldAnswer();
            session.refresh().subscribe();
            failing.failing = false;
            clock.advance(Duration.ofSeconds(30)); // the store is tried again meanwhile
            answer.tryEmitValue(endpoint.grant());
            clock.advance(Duration.ofMinutes(2));
            assertThat(accessToken(session)).isEqualTo("access-3");
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-3");
        }

        @Test
        void theStoreIsNotTriedForEverAfterDisposal() {
            FailingStore failing = new FailingStore(store);
            TokenSession session =
                    builder().store(failing, "user").start(endpoint.grant()).block(Duration.ZERO);
            failing.failing = true;
            session.refresh().block(Duration.ZERO);
            session.dispose();
            clock.advance(Duration.ofMinutes(5));
            failing.saves.set(0);
            clock.advance(Duration.ofDays(1));
            assertThat(failing.saves).hasValue(0);
        }

        @Test
        void anOutageOfTheStoreOverManyRefreshesIsSavedToByOneWriter() {
            FailingStore failing = new FailingStore(store);
            TokenSession session =
                    builder().store(failing, "user").start(endpoint.grant()).block(Duration.ZERO);
            record(session);
            failing.failing = true;
            clock.advance(Duration.ofDays(1));
            failing.saves.set(0);
            clock.advance(Duration.ofMinutes(10));
            assertThat(failing.saves).hasValueLessThan(25);
            failing.failing = false;
            clock.advance(Duration.ofMinutes(2));
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo(accessToken(session));
        }

        @Test
        void aTokenThatWasRemovedFromTheStoreMeansThatTheUserWasSignedOut() {
            TokenSession session = start();
            store.clear("user").block(Duration.ZERO);
            clock.advance(HOUR);
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(LoginRequiredException.class);
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        void aNewLoginDuringARefreshWinsInTheStoreToo() {
            TokenSession session = start();
            Sinks.One<Token> answer = heldAnswer();
            session.refresh().subscribe();
            Token late = endpoint.grant();
            session.renew(endpoint.grant()).block(Duration.ZERO);
            answer.tryEmitValue(late);
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-3");
            assertThat(accessToken(session)).isEqualTo("access-3");
        }

        @Test
        void aNewLoginWinsOverATokenThatCouldNotBeSaved() {
            FailingStore failing = new FailingStore(store);
            TokenSession session =
                    builder().store(failing, "user").start(endpoint.grant()).block(Duration.ZERO);
            failing.failing = true;
            session.refresh().block(Duration.ZERO);
            failing.failing = false;
            session.renew(endpoint.grant()).block(Duration.ZERO);
            clock.advance(Duration.ofMinutes(5));
            assertThat(store.load("user").block(Duration.ZERO).accessToken()).isEqualTo("access-3");
        }

        @Test
        void aSignOutDuringARefreshWins() {
            TokenSession session = start();
            clock.advance(HOUR);
            Sinks.One<Token> answer = heldAnswer();
            List<Throwable> errors = new ArrayList<>();
            session.token().subscribe(token -> {}, errors::add);
            store.clear("user").block(Duration.ZERO);
            answer.tryEmitValue(endpoint.grant());
            assertThat(errors).singleElement().isInstanceOf(LoginRequiredException.class);
            assertThat(store.load("user").blockOptional(Duration.ZERO)).isEmpty();
        }

        @Test
        void restoresNothingFromAnEmptyStore() {
            StepVerifier.create(builder().store(store, "nobody").restore()).verifyComplete();
        }
    }

    /** Breaks the rules of Reactive Streams: throws out of onNext. */
    private static final class Thrower<T> implements CoreSubscriber<T> {

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(T value) {
            throw new IllegalStateException("thrown out of onNext");
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onComplete() {}
    }

    /** A store whose disk is full for a while. */
    private static final class FailingStore implements TokenStore {

        private final TokenStore store;
        private final AtomicInteger saves = new AtomicInteger();
        private volatile boolean failing;
        private volatile boolean hanging;

        FailingStore(TokenStore store) {
            this.store = store;
        }

        @Override
        public Mono<Token> load(String key) {
            return store.load(key);
        }

        @Override
        public Mono<Boolean> save(String key, Token consumed, Token next) {
            if (hanging) {
                return Mono.never();
            }
            return Mono.defer(() -> saves.incrementAndGet() > 0 && failing
                    ? Mono.error(new IllegalStateException("No space left on device"))
                    : store.save(key, consumed, next));
        }

        @Override
        public Mono<Void> clear(String key) {
            return store.clear(key);
        }

        @Override
        public Mono<Boolean> clear(String key, Token dead) {
            return store.clear(key, dead);
        }

        @Override
        public <T> Mono<T> exclusive(String key, Mono<T> section) {
            return store.exclusive(key, section);
        }
    }
}
