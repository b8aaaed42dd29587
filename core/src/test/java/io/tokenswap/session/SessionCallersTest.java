package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** What those get who ask for a token, report one as refused, or demand another. */
class SessionCallersTest extends SessionFixture {

    @Nested
    class Callers {

        @Test
        void getTheCurrentTokenAtOnceWithoutARequest() {
            TokenSession session = session();
            assertThat(accessToken(session)).isEqualTo("access-1");
            assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
            assertThat(endpoint.refreshes()).isZero();
        }

        @Test
        @Tag("B73")
        void manyCallersAtExpiryCauseOneRefreshAndGetTheSameToken() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            List<String> served = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                session.token()
                        .subscribe(token -> served.add(token.accessToken().secret()));
            }
            assertThat(endpoint.refreshes()).isOne();
            response.tryEmitValue(endpoint.grant());
            assertThat(served).hasSize(10_000).containsOnly("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        @Tag("B74")
        void cancellingTheFirstCallerLeavesTheOthersServed() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            Disposable first = session.token().subscribe();
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken().secret()));
            first.dispose();
            response.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
        }

        @Test
        @Tag("B75")
        void whenAllCancelTheRefreshStillFinishesAndIsStored() {
            TokenStore store = TokenStore.inMemory();
            TokenSession session =
                    builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            session.token().subscribe().dispose();
            response.tryEmitValue(endpoint.grant());
            assertThat(stored(store, "user").accessToken().secret()).isEqualTo("access-2");
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        @Tag("B76")
        void theTimeoutOfOneCallerHitsOnlyThatCaller() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            AtomicInteger timeouts = new AtomicInteger();
            session.token()
                    .timeout(Duration.ofSeconds(1), clock.scheduler())
                    .subscribe(token -> {}, error -> timeouts.incrementAndGet());
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken().secret()));
            clock.advance(Duration.ofSeconds(2));
            response.tryEmitValue(endpoint.grant());
            assertThat(timeouts).hasValue(1);
            assertThat(served).containsExactly("access-2");
        }

        @Test
        @Tag("B77")
        void aFailureIsNotRememberedBeyondItsBackoff() {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(TokenUnavailableException.class);
            clock.advance(Duration.ofSeconds(1));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        @Tag("B78")
        void aCallerThatArrivesAtTheHandOverGetsTheNewToken() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            List<List<String>> arrived = new ArrayList<>();
            session.events().subscribe(event -> arrived.add(ask(session.token())));
            session.token().subscribe(token -> arrived.add(ask(session.token())));
            session.tokens().subscribe(token -> arrived.add(ask(session.token())));
            response.tryEmitValue(endpoint.grant());
            assertThat(arrived).hasSize(3).containsOnly(List.of("access-2"));
            assertThat(endpoint.refreshes()).isOne();
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
            assertThat(session.state().status()).isEqualTo(SessionState.Status.RETRYING);
        }

        @Test
        void duringAPauseAreNotLockedOutByAClockThatIsSetBack() {
            Token first = endpoint.grant();
            TokenSession session = builder().build(first);
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(TokenUnavailableException.class);
            session.invalidate(first);
            clock.jump(HOUR.negated());
            clock.advance(Duration.ofSeconds(1));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        @Tag("B80")
        void getTheValidTokenAtOnceWhileAnEarlyRefreshRuns() {
            TokenSession session = session();
            clock.advance(TO_REFRESH);
            Sinks.One<Token> response = heldResponse();
            assertThat(session.state().status()).isEqualTo(SessionState.Status.REFRESH_DUE);
            assertThat(accessToken(session)).isEqualTo("access-1");
            assertThat(session.state().status()).isEqualTo(SessionState.Status.REFRESHING);
            assertThat(accessToken(session)).isEqualTo("access-1");
            response.tryEmitValue(endpoint.grant());
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
            session.token().subscribe(token -> served.add(token.accessToken().secret()));
            assertThat(served).isEmpty();
        }

        @Test
        void neverReceiveATokenThatWentStaleWhileOthersWereServed() {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            List<String> served = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Mono<Token> asked = i % 2 == 0 ? session.token() : session.refresh();
                asked.subscribe(token -> {
                    served.add(token.accessToken().secret());
                    if (served.size() == 1) { // the caller that is served first takes long
                        clock.jump(HOUR);
                    }
                });
            }
            response.tryEmitValue(endpoint.grant());
            assertThat(served).hasSize(10).startsWith("access-2");
            assertThat(served.subList(1, 10)).containsOnly("access-3");
        }

        @Test
        void doNotLeakTheirContextIntoTheRefresh() {
            TokenSession session = session();
            List<Context> contexts = new ArrayList<>();
            endpoint.always(token -> Mono.deferContextual(context -> {
                contexts.add(Context.of(context));
                return Mono.just(endpoint.grant());
            }));
            Context alice = Context.of("user", "alice");
            clock.advance(HOUR);
            session.token().contextWrite(alice).block(Duration.ZERO);
            session.refresh().contextWrite(alice).block(Duration.ZERO);
            clock.advance(HOUR);
            session.tokens().contextWrite(alice).subscribe();
            clock.advance(HOUR);
            assertThat(contexts).hasSizeGreaterThanOrEqualTo(4).noneMatch(context -> context.hasKey("user"));
        }

        @ParameterizedTest
        @ValueSource(classes = {IllegalStateException.class, NoClassDefFoundError.class, StackOverflowError.class})
        void whoThrowHarmOnlyThemselves(Class<? extends Throwable> type) throws ReflectiveOperationException {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            session.token().subscribe(new Thrower<>(type.getConstructor().newInstance()));
            session.token()
                    .subscribe(
                            token -> {
                                throw new IllegalStateException("a caller's own trouble");
                            },
                            error -> {});
            List<String> served = ask(session.token());
            response.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
        }

        /** Cancels the callers whose place in the queue is a multiple of each step, before and after the response. */
        @ParameterizedTest
        @ValueSource(ints = {1, 2, 3, 7})
        void whoCancelAtAnyPointDoNotHarmTheOthers(int step) {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            List<Disposable> callers = new ArrayList<>();
            List<Integer> served = new ArrayList<>();
            IntStream.range(0, 100)
                    .forEach(i -> callers.add(session.token().subscribe(token -> {
                        served.add(i);
                        int next = i + 1; // cancelled while the others are being served
                        if (next < callers.size() && next % step == 0) {
                            callers.get(next).dispose();
                        }
                    })));
            for (int i = 0; i < 50; i += step) {
                callers.get(i).dispose();
            }
            response.tryEmitValue(endpoint.grant());
            for (int i = 50; i < 100; i += step) {
                callers.get(i).dispose();
            }
            assertThat(served).doesNotHaveDuplicates();
            for (int i = 0; i < 100; i++) {
                if (i % step != 0) {
                    assertThat(served).contains(i);
                }
            }
            assertThat(endpoint.refreshes()).isOne();
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void anEndpointThatNeverRespondsDoesNotHoldThemForEver() {
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

        @Test
        void areNotHeldForEverByAnErrorThatReactorTakesForFatal() {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.then(token -> {
                throw new NoClassDefFoundError("a class that the endpoint needs");
            });
            assertThatThrownBy(() -> accessToken(session))
                    .isInstanceOf(TokenUnavailableException.class)
                    .hasRootCauseInstanceOf(NoClassDefFoundError.class);
            clock.advance(Duration.ofSeconds(2));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @ParameterizedTest
        @ValueSource(doubles = {Double.NaN, -1, 1, Double.MAX_VALUE})
        void areServedWhateverTheRandomSourceSays(double random) {
            TokenSession session = builder()
                    .random(() -> {
                        if (random > 1) {
                            throw new IllegalStateException("no entropy");
                        }
                        return random;
                    })
                    .build(endpoint.grant());
            clock.advance(HOUR);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(TokenUnavailableException.class);
            clock.advance(Duration.ofSeconds(1));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }

        @Test
        void areServedThoughTheClockFailsAsTheResponseComes() {
            AtomicInteger failures = new AtomicInteger();
            TokenSession session = builder()
                    .clock(() -> {
                        if (failures.getAndDecrement() > 0) {
                            throw new IllegalStateException("no time");
                        }
                        return clock.instant();
                    })
                    .build(endpoint.grant());
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            List<String> served = ask(session.token());
            failures.set(2);
            response.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
        }
    }

    @Nested
    class Invalidation {

        @Test
        @Tag("B101")
        void manyReportsAboutTheCurrentTokenCauseOneRefreshAndOnesAboutAnOlderNone() {
            TokenSession session = session();
            Token first = session.token().block(Duration.ZERO);
            Sinks.One<Token> response = heldResponse();
            for (int i = 0; i < 1_000; i++) {
                session.invalidate(first);
            }
            response.tryEmitValue(endpoint.grant());
            assertThat(endpoint.refreshes()).isOne();
            assertThat(accessToken(session)).isEqualTo("access-2");
            session.invalidate(first);
            assertThat(endpoint.refreshes()).isOne();
            assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
        }

        @Test
        void anInvalidatedTokenIsHandedOutToNoCaller() {
            TokenSession session = session();
            Token first = session.token().block(Duration.ZERO);
            Sinks.One<Token> response = heldResponse();
            session.invalidate(first);
            List<String> served = new ArrayList<>();
            session.token().subscribe(token -> served.add(token.accessToken().secret()));
            assertThat(served).isEmpty();
            response.tryEmitValue(endpoint.grant());
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
        void duringARefreshSparesTheRefreshAndStopsTheOldToken() {
            TokenSession session = session();
            clock.advance(TO_REFRESH);
            Sinks.One<Token> response = heldResponse();
            Token first = session.token().block(Duration.ZERO);
            session.invalidate(first);
            List<String> served = ask(session.token());
            assertThat(served).isEmpty();
            response.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void withTokenRepeatsARefusedCallOnceWithTheNextToken() {
            TokenSession session = session();
            List<String> used = new ArrayList<>();
            Mono<String> call = session.withToken(
                    token -> {
                        used.add(token.accessToken().secret());
                        return Mono.error(new IllegalStateException("401"));
                    },
                    error -> error instanceof IllegalStateException);
            StepVerifier.create(call).verifyErrorMessage("401");
            assertThat(used).containsExactly("access-1", "access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void withTokenTakesACallThatThrowsForOneThatFails() {
            TokenSession session = session();
            List<String> used = new ArrayList<>();
            Mono<String> call = session.withToken(
                    token -> {
                        used.add(token.accessToken().secret());
                        if (used.size() == 1) {
                            throw new IllegalStateException("401");
                        }
                        return Mono.just("done");
                    },
                    error -> error instanceof IllegalStateException);
            StepVerifier.create(call).expectNext("done").verifyComplete();
            assertThat(used).containsExactly("access-1", "access-2");
        }
    }

    @Nested
    class Reentrance {

        @Test
        @Tag("B81")
        void aReentrantCallInsideOnNextDoesNotDeadlock() {
            TokenSession session = session();
            List<String> seen = new ArrayList<>();
            session.tokens().take(3).subscribe(token -> {
                seen.add(token.accessToken().secret());
                session.invalidate(token);
                session.token().subscribe();
            });
            assertThat(seen).containsExactly("access-1", "access-2", "access-3");
        }

        @Test
        @Tag("B81")
        void aSubscriberThatBlocksForTheNextTokenInsideOnNextGetsIt() throws Exception {
            TokenSession session = session();
            Sinks.One<Token> first = heldResponse();
            Sinks.One<Token> second = heldResponse();
            session.invalidate(session.token().block(Duration.ZERO));
            Future<String> next = session.tokens()
                    .map(token -> {
                        session.invalidate(token);
                        // Requested before the response can arrive: the thread that delivers it must not need this one.
                        Mono<Token> asked = Mono.fromFuture(session.token().toFuture());
                        Schedulers.boundedElastic().schedule(() -> second.tryEmitValue(endpoint.grant()));
                        return asked.map(given -> given.accessToken().secret()).block(Duration.ofSeconds(20));
                    })
                    .next()
                    .toFuture();
            Schedulers.boundedElastic().schedule(() -> first.tryEmitValue(endpoint.grant()));
            assertThat(next.get(30, TimeUnit.SECONDS)).isEqualTo("access-3");
        }
    }
}
