package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tokenswap.KeyRing;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenSessions.UserEvent;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class TokenSessionsTest {

    private static final Duration IDLE = Duration.ofMinutes(30);

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
    private final ReferenceStore engine = new ReferenceStore(clock);
    private final TokenSessions sessions = builder().build();

    private TokenSessions.Builder builder() {
        return TokenSessions.builder(endpoint)
                .store(engine.connect())
                .session(session -> session.clock(clock).scheduler(clock.scheduler()));
    }

    private TokenSession signIn(String user) {
        return signIn(sessions, user);
    }

    private TokenSession signIn(TokenSessions sessions, String user) {
        return Objects.requireNonNull(sessions.signIn(user, endpoint.grant()).block());
    }

    private TokenSession get(String user) {
        return Objects.requireNonNull(sessions.get(user).block());
    }

    private static String secret(TokenSession session) {
        return Objects.requireNonNull(session.token().block()).accessToken().secret();
    }

    private int size() {
        return sessions.counts().values().stream().mapToInt(Integer::intValue).sum();
    }

    @Nested
    class Users {

        @Test
        void getTheirOwnTokens() {
            signIn("alice");
            signIn("bob");
            assertThat(secret(get("alice"))).isEqualTo("access-1");
            assertThat(secret(get("bob"))).isEqualTo("access-2");
            assertThat(get("alice")).isSameAs(get("alice")).isNotSameAs(get("bob"));
        }

        @Test
        void areLoadedFromTheStoreAfterARestart() {
            signIn("alice");
            sessions.disposeLater().block();
            TokenSession restored = builder().build().get("alice").block();
            assertThat(secret(Objects.requireNonNull(restored))).isEqualTo("access-1");
        }

        @ParameterizedTest
        @ValueSource(strings = {"stranger", "", " "})
        void withoutATokenMustSignIn(String user) {
            StepVerifier.create(sessions.get(user)).verifyError(LoginRequiredException.class);
            assertThat(size()).isZero();
        }

        @Test
        void withoutANameCannotSignIn() {
            StepVerifier.create(sessions.signIn(" ", endpoint.grant())).verifyError(IllegalArgumentException.class);
            StepVerifier.create(sessions.signOut("")).verifyComplete();
        }

        @Test
        void withoutANameAndThoseWhoComeTooLateAreNotLookedFor() {
            ReferenceStore.Connection connection = engine.connect();
            TokenSessions sessions = builder().store(connection).build();
            List<String> keys = new ArrayList<>();
            connection.faults((operation, key) -> {
                keys.add(key);
                return ReferenceStore.Fault.none();
            });
            StepVerifier.create(sessions.get(" ")).verifyError(LoginRequiredException.class);
            sessions.dispose();
            StepVerifier.create(sessions.get("alice")).verifyError(SessionClosedException.class);
            StepVerifier.create(sessions.signIn("alice", endpoint.grant())).verifyError(SessionClosedException.class);
            assertThat(keys).isEmpty();
        }

        @Test
        void areNamedByTheContext() {
            signIn("alice");
            Mono<String> call = sessions.current()
                    .flatMap(TokenSession::token)
                    .map(token -> token.accessToken().secret());
            StepVerifier.create(call.contextWrite(TokenSessions.withUser("alice")))
                    .expectNext("access-1")
                    .verifyComplete();
            StepVerifier.create(call.contextWrite(TokenSessions.withUser(Mono.just("alice"))))
                    .expectNext("access-1")
                    .verifyComplete();
            StepVerifier.create(call.contextWrite(TokenSessions.withUser("")))
                    .verifyError(LoginRequiredException.class);
            StepVerifier.create(call.contextWrite(TokenSessions.withUser(Mono.empty())))
                    .verifyError(LoginRequiredException.class);
            StepVerifier.create(call).verifyError(IllegalStateException.class);
        }

        @Test
        void whoSignInAgainKeepTheirSession() {
            TokenSession session = signIn("alice");
            assertThat(signIn("alice")).isSameAs(session);
            assertThat(secret(session)).isEqualTo("access-2");
        }

        @Test
        void whoSignOutAreGoneFromMemoryAndStore() {
            TokenSession session = signIn("alice");
            sessions.signOut("alice").block();
            assertThat(session.isDisposed()).isTrue();
            assertThat(size()).isZero();
            StepVerifier.create(sessions.get("alice")).verifyError(LoginRequiredException.class);
            StepVerifier.create(builder().build().get("alice")).verifyError(LoginRequiredException.class);
        }

        @Test
        void whoSignOutWithoutASessionInMemoryAreGoneFromTheStore() {
            signIn("alice");
            builder().build().signOut("alice").block();
            StepVerifier.create(builder().build().get("alice")).verifyError(LoginRequiredException.class);
        }

        @Test
        void whoseRecordIsDamagedCanSignOut() {
            Map<String, String> table = new HashMap<>();
            TokenStore damaged = TokenStore.forOneProcess(
                    KeyRing.random(),
                    key -> Mono.justOrEmpty(table.get(key)),
                    (key, record) -> Mono.fromRunnable(() -> table.put(key, record)),
                    key -> Mono.fromRunnable(() -> table.remove(key)));
            table.put(TokenStore.key("alice"), "damaged");
            TokenSessions sessions = builder().store(damaged).build();
            StepVerifier.create(sessions.get("alice")).verifyError(TokenUnavailableException.class);
            sessions.signOut("alice").block();
            StepVerifier.create(sessions.get("alice")).verifyError(LoginRequiredException.class);
        }

        @Test
        void whoseSessionWasDisposedWaitForItsRefreshAndGetTheNextToken() {
            TokenSession session = signIn("alice");
            Sinks.One<Token> response = Sinks.one();
            endpoint.then(presented -> response.asMono());
            session.refresh().subscribe(token -> {}, error -> {});
            session.dispose();
            List<TokenSession> found = new ArrayList<>();
            sessions.get("alice").subscribe(found::add);
            assertThat(found).isEmpty();
            response.tryEmitValue(endpoint.grant());
            assertThat(found).hasSize(1);
            assertThat(secret(found.get(0))).isEqualTo("access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void whoseSessionWasDisposedGetAnotherThoughItsLastTokenCannotBeSaved() {
            ReferenceStore.Connection connection = engine.connect();
            TokenSessions sessions = builder().store(connection).build();
            TokenSession session = signIn(sessions, "alice");
            connection.faults((operation, key) -> operation == ReferenceStore.Operation.PUT
                    ? ReferenceStore.Fault.fails()
                    : ReferenceStore.Fault.none());
            session.renew(endpoint.grant()).subscribe(saved -> {}, error -> {});
            session.dispose();
            List<TokenSession> found = new ArrayList<>();
            sessions.get("alice").subscribe(found::add);
            assertThat(found).isEmpty();
            clock.advance(DefaultTokenSession.STORE_PATIENCE);
            assertThat(found).singleElement().isNotSameAs(session);
            assertThat(secret(found.get(0))).isEqualTo("access-1");
        }

        @Test
        void whoseSessionWasDisposedGetAnother() {
            TokenSession session = signIn("alice");
            session.dispose();
            assertThat(secret(get("alice"))).isEqualTo("access-1");
        }
    }

    @Nested
    class Loads {

        @Test
        void areSharedAndSurviveTheCallerThatBeganThem() {
            signIn("alice");
            TokenSessions other = builder().build();
            engine.freeze();
            List<TokenSession> found = new ArrayList<>();
            Disposable first = other.get("alice").subscribe(found::add);
            other.get("alice").subscribe(found::add);
            other.get("alice").subscribe(found::add);
            first.dispose();
            engine.thaw();
            clock.advance(Duration.ofSeconds(1));
            assertThat(found).hasSize(2);
            assertThat(new HashSet<>(found)).hasSize(1);
        }

        private final ReferenceStore.Connection connection = engine.connect();
        private final TokenSessions other = builder().store(connection).build();
        private final List<TokenSession> found = new ArrayList<>();
        private final List<Throwable> errors = new ArrayList<>();
        private int loads;

        private void count() {
            connection.faults((operation, key) -> {
                loads += operation == ReferenceStore.Operation.LOAD ? 1 : 0;
                return ReferenceStore.Fault.none();
            });
        }

        @Test
        void readTheStoreOnceForAllCallersOfAUser() {
            signIn("alice");
            count();
            engine.freeze();
            for (int caller = 0; caller < 3; caller++) {
                other.get("alice").subscribe(found::add, errors::add);
            }
            assertThat(other.counts())
                    .allSatisfy((status, number) -> assertThat(number).isZero());
            engine.thaw();
            other.get("alice").subscribe(found::add, errors::add);
            assertThat(found).hasSize(4);
            assertThat(loads).isOne();
        }

        @Test
        void endWithAnOpenSessionThoughAllCallersHaveCancelled() {
            signIn("alice");
            count();
            engine.freeze();
            other.get("alice").subscribe().dispose();
            engine.thaw();
            assertThat(other.counts()).containsEntry(Status.VALID, 1);
            other.get("alice").block(Duration.ZERO);
            assertThat(loads).isOne();
        }

        @Test
        void thatFailAreTriedAgainByTheNextCaller() {
            signIn("alice");
            connection.fault(ReferenceStore.Fault.fails());
            StepVerifier.create(other.get("alice")).verifyError(TokenUnavailableException.class);
            connection.fault(ReferenceStore.Fault.none());
            assertThat(other.get("alice").block(Duration.ZERO)).isNotNull();
        }

        @Test
        void thatFindNothingAreTriedAgainByTheNextCaller() {
            StepVerifier.create(other.get("alice")).verifyError(LoginRequiredException.class);
            signIn("alice");
            assertThat(other.get("alice").block(Duration.ZERO)).isNotNull();
        }

        @Test
        void ofAStoreThatDoesNotRespondFailAfterAWhile() {
            signIn("alice");
            connection.fault(ReferenceStore.Fault.neverResponds());
            other.get("alice").subscribe(found::add, errors::add);
            clock.advance(RecordStore.LIMIT.minusMillis(1));
            assertThat(errors).isEmpty();
            clock.advance(Duration.ofMillis(1));
            assertThat(errors).singleElement().isInstanceOf(TokenUnavailableException.class);
            connection.fault(ReferenceStore.Fault.none());
            assertThat(other.get("alice").block(Duration.ZERO)).isNotNull();
        }

        @Test
        void letASignInWaitWhoseTokenIsTheNewerOne() {
            signIn("alice");
            engine.freeze();
            other.get("alice").subscribe(found::add, errors::add);
            other.signIn("alice", endpoint.grant()).subscribe(found::add, errors::add);
            assertThat(found).isEmpty();
            engine.thaw();
            assertThat(errors).isEmpty();
            assertThat(found).hasSize(2);
            assertThat(new HashSet<>(found)).hasSize(1);
            assertThat(secret(found.get(0))).isEqualTo("access-2");
        }

        @Test
        void thatFailDoNotHinderASignInThatWaitedForThem() {
            signIn("alice");
            connection.faults((operation, key) ->
                    loads++ == 0 ? ReferenceStore.Fault.late(Duration.ofMinutes(1)) : ReferenceStore.Fault.none());
            other.get("alice").subscribe(found::add, errors::add);
            other.signIn("alice", endpoint.grant()).subscribe(found::add, errors::add);
            assertThat(found).isEmpty();
            clock.advance(DefaultTokenSession.STORE_PATIENCE.plusSeconds(1));
            assertThat(errors).singleElement().isInstanceOf(TokenUnavailableException.class);
            assertThat(secret(found.get(0))).isEqualTo("access-2");
        }

        @Test
        void areNotNecessaryDuringASignIn() {
            engine.freeze();
            other.signIn("alice", endpoint.grant()).subscribe(found::add, errors::add);
            other.get("alice").subscribe(found::add, errors::add);
            assertThat(found).isEmpty();
            engine.thaw();
            assertThat(found).hasSize(2);
            assertThat(new HashSet<>(found)).hasSize(1);
        }

        @Test
        void letASignOutWaitAfterWhichTheUserIsGone() {
            signIn("alice");
            engine.freeze();
            List<String> ends = new ArrayList<>();
            other.get("alice").subscribe(found::add, errors::add);
            other.signOut("alice").subscribe(done -> {}, errors::add, () -> ends.add("signed out"));
            engine.thaw();
            assertThat(ends).containsExactly("signed out");
            assertThat(errors).isEmpty();
            assertThat(found).singleElement().matches(TokenSession::isDisposed);
            StepVerifier.create(other.get("alice")).verifyError(LoginRequiredException.class);
        }
    }

    @Nested
    class LoadsAtDisposal {

        @Test
        void failWithoutLeavingASessionOpen() {
            signIn("alice");
            TokenSessions other = builder().build();
            engine.freeze();
            List<Throwable> errors = new ArrayList<>();
            other.get("alice").subscribe(session -> {}, errors::add);
            other.dispose();
            engine.thaw();
            clock.advance(Duration.ofSeconds(1));
            assertThat(errors).singleElement().isInstanceOf(SessionClosedException.class);
            assertThat(other.counts()).containsEntry(Status.VALID, 0);
        }

        @Test
        void areWaitedFor() {
            signIn("alice");
            TokenSessions other = builder().build();
            engine.freeze();
            List<String> ends = new ArrayList<>();
            other.get("alice").subscribe(session -> {}, error -> ends.add("load"));
            other.disposeLater().subscribe(closed -> {}, error -> ends.add("error"), () -> ends.add("closed"));
            assertThat(ends).isEmpty();
            engine.thaw();
            assertThat(ends).containsExactlyInAnyOrder("load", "closed");
        }
    }

    @Nested
    class SignOuts {

        @Test
        void thatTheStoreRefusesFailAndAreSavedAsSoonAsItIsBack() {
            ReferenceStore.Connection connection = engine.connect();
            TokenSessions sessions = builder().store(connection).build();
            signIn(sessions, "alice");
            connection.fault(ReferenceStore.Fault.fails());
            List<Throwable> errors = new ArrayList<>();
            sessions.signOut("alice").subscribe(done -> {}, errors::add);
            clock.advance(DefaultTokenSession.STORE_PATIENCE.plusSeconds(1));
            assertThat(errors).singleElement().isInstanceOf(TokenUnavailableException.class);
            connection.reconnect();
            clock.advance(Duration.ofMinutes(2));
            StepVerifier.create(builder().build().get("alice")).verifyError(LoginRequiredException.class);
        }

        @Test
        void ofARefreshInFlightEndItToo() {
            TokenSession session = signIn("alice");
            Sinks.One<Token> response = Sinks.one();
            endpoint.then(presented -> response.asMono());
            List<Throwable> errors = new ArrayList<>();
            session.refresh().subscribe(token -> {}, errors::add);
            clock.advance(Duration.ofMillis(1));
            assertThat(endpoint.refreshes()).isOne();
            sessions.signOut("alice").block(Duration.ZERO);
            response.tryEmitValue(endpoint.grant());
            clock.advance(Duration.ofMinutes(2));
            assertThat(errors).singleElement().isInstanceOf(SessionClosedException.class);
            StepVerifier.create(sessions.get("alice")).verifyError(LoginRequiredException.class);
            StepVerifier.create(builder().build().get("alice")).verifyError(LoginRequiredException.class);
        }
    }

    @Nested
    class Idleness {

        @Test
        void closesASessionAndTheNextCallLoadsIt() {
            TokenSession session = signIn("alice");
            clock.advance(IDLE.minusSeconds(61));
            assertThat(get("alice")).isSameAs(session);
            clock.advance(IDLE.plusSeconds(61));
            assertThat(session.isDisposed()).isTrue();
            assertThat(size()).isZero();
            assertThat(secret(get("alice")))
                    .isEqualTo("access-1".replace("1", String.valueOf(1 + endpoint.refreshes())));
        }

        @Test
        void beginsAgainWithEachUse() {
            TokenSession session = signIn("alice");
            for (int use = 0; use < 3; use++) {
                clock.advance(IDLE.minusMinutes(10));
                assertThat(get("alice")).isSameAs(session);
            }
            assertThat(session.isDisposed()).isFalse();
        }

        @Test
        void leavesNoTimerBehind() {
            signIn("alice");
            clock.advance(IDLE.multipliedBy(2));
            assertThat(clock.timers()).isZero();
        }

        @Test
        void doesNotCloseASessionWithASubscriber() {
            TokenSession session = signIn("alice");
            Disposable states = session.states().subscribe();
            clock.advance(IDLE.multipliedBy(2));
            assertThat(session.isDisposed()).isFalse();
            states.dispose();
            clock.advance(IDLE);
            assertThat(session.isDisposed()).isTrue();
        }

        @Test
        @Tag("E18")
        void doesNotCloseASessionWithAnUnsavedToken() {
            ReferenceStore.Connection connection = engine.connect();
            TokenSessions sessions = builder().store(connection).build();
            TokenSession session = signIn(sessions, "alice");
            connection.fault(ReferenceStore.Fault.fails());
            session.renew(endpoint.grant()).subscribe(saved -> {}, error -> {});
            clock.advance(IDLE.multipliedBy(2));
            assertThat(session.isDisposed()).isFalse();
        }

        @Test
        void overTheMaximumSizeClosesThoseThatAreIdleForLongest() {
            TokenSessions sessions = builder().maximumSize(2).build();
            TokenSession oldest = signIn(sessions, "alice");
            clock.advance(Duration.ofSeconds(1));
            TokenSession older = signIn(sessions, "bob");
            clock.advance(Duration.ofSeconds(20));
            TokenSession youngest = signIn(sessions, "carol");
            assertThat(oldest.isDisposed()).isTrue();
            assertThat(older.isDisposed()).isFalse();
            assertThat(youngest.isDisposed()).isFalse();
        }

        @Test
        void overTheMaximumSizeDoesNotCloseASessionThatWasJustAskedFor() {
            TokenSessions sessions = builder().maximumSize(1).build();
            TokenSession session = signIn(sessions, "alice");
            clock.advance(Duration.ofSeconds(8));
            signIn(sessions, "bob");
            assertThat(session.isDisposed()).isFalse();
            clock.advance(Duration.ofSeconds(8));
            signIn(sessions, "carol");
            assertThat(session.isDisposed()).isTrue();
        }

        @Test
        void hasALimitThatIsLongerThanZero() {
            assertThatIllegalArgumentException().isThrownBy(() -> builder().idleTimeout(Duration.ZERO));
            assertThatIllegalArgumentException().isThrownBy(() -> builder().idleTimeout(Duration.ofMillis(-1)));
            assertThatIllegalArgumentException().isThrownBy(() -> builder().maximumSize(0));
        }
    }

    @Nested
    class Observers {

        @Test
        void seeTheEventsOfAllUsersWithTheirNames() {
            signIn("alice");
            StepVerifier.create(sessions.events().map(event -> event.user() + " " + name(event)))
                    .then(() -> get("alice").refresh().block())
                    .expectNext("alice Refreshed")
                    .then(() -> signIn("bob").refresh().block())
                    .expectNext("bob Refreshed")
                    .then(sessions::dispose)
                    .expectNextCount(2)
                    .verifyComplete();
        }

        private static String name(UserEvent event) {
            return event.event().getClass().getSimpleName();
        }

        @Test
        void seeSessionsThatWereOpenBeforeAndEachEventOnce() {
            signIn("alice");
            List<String> first = new ArrayList<>();
            List<String> second = new ArrayList<>();
            Disposable subscription = sessions.events().subscribe(event -> first.add(event.user() + " " + name(event)));
            sessions.events().subscribe(event -> second.add(event.user() + " " + name(event)));
            get("alice").refresh().subscribe();
            clock.advance(Duration.ofSeconds(1));
            subscription.dispose();
            assertThat(sessions.hasListeners()).isTrue();
            signIn("bob").refresh().subscribe();
            clock.advance(Duration.ofSeconds(1));
            assertThat(first).containsExactly("alice Refreshed");
            assertThat(second).containsExactly("alice Refreshed", "bob Refreshed");
        }

        @Test
        void whoThrowDoNotHinderTheOthersNorTheSessions() {
            signIn("alice");
            List<String> seen = new ArrayList<>();
            Hooks.onErrorDropped(error -> {});
            try {
                sessions.events().subscribe(new Thrower());
                sessions.events().subscribe(event -> seen.add(name(event)));
                get("alice").refresh().subscribe();
                clock.advance(Duration.ofSeconds(1));
            } finally {
                Hooks.resetOnErrorDropped();
            }
            assertThat(seen).containsExactly("Refreshed");
            assertThat(secret(get("alice"))).isEqualTo("access-2");
        }

        /** Breaks the rules of Reactive Streams. */
        private static final class Thrower implements CoreSubscriber<UserEvent> {

            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(UserEvent event) {
                throw new IllegalStateException("a fault of the application");
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onComplete() {}
        }

        @Test
        void whoCancelAreForgotten() {
            sessions.events().subscribe().dispose();
            assertThat(sessions.hasListeners()).isFalse();
        }

        @Test
        void whoAreSlowLoseTheOldestEvents() {
            TokenSession session = signIn("alice");
            Instant start = clock.instant();
            StepVerifier.create(sessions.events().map(event -> event.event().at()), 0)
                    .then(() -> {
                        for (int i = 0; i < 1_026; i++) {
                            session.refresh().subscribe();
                            clock.advance(Duration.ofMillis(1));
                        }
                    })
                    .thenRequest(1)
                    .expectNext(start.plusMillis(2))
                    .thenRequest(2_000)
                    .expectNextCount(1_023)
                    .thenCancel()
                    .verify();
        }

        @Test
        void whoComeAfterDisposalSeeTheEnd() {
            sessions.dispose();
            StepVerifier.create(sessions.events()).verifyComplete();
        }

        @Test
        void countGrantsThatEndSoon() {
            TokenSessions sessions = builder()
                    .policy(RefreshPolicy.builder()
                            .grantLifetime(Duration.ofDays(10))
                            .build())
                    .build();
            signIn(sessions, "alice");
            assertThat(sessions.grantsEndingWithin(Duration.ofDays(10).minusMillis(1)))
                    .isZero();
            assertThat(sessions.grantsEndingWithin(Duration.ofDays(10))).isOne();
        }

        @Test
        void countSessionsByStatus() {
            signIn("alice");
            signIn("bob");
            clock.advance(Duration.ofMinutes(20));
            assertThat(sessions.counts()).containsEntry(Status.VALID, 2).containsEntry(Status.LOGIN_REQUIRED, 0);
        }
    }

    @Nested
    class Disposal {

        @Test
        void closesAllSessionsAndRefusesMore() {
            TokenSession session = signIn("alice");
            sessions.disposeLater().block();
            assertThat(session.isDisposed()).isTrue();
            assertThat(sessions.isDisposed()).isTrue();
            StepVerifier.create(sessions.get("alice")).verifyError(SessionClosedException.class);
            StepVerifier.create(sessions.signIn("alice", endpoint.grant())).verifyError(SessionClosedException.class);
        }

        @Test
        void closesAllSessionsBeforeItWaitsForOneOfThem() {
            TokenSession alice = signIn("alice");
            TokenSession bob = signIn("bob");
            Sinks.One<Token> response = Sinks.one();
            endpoint.always(presented -> response.asMono());
            alice.refresh().subscribe(token -> {}, error -> {});
            bob.refresh().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofMillis(1));
            List<String> ends = new ArrayList<>();
            sessions.events().subscribe(event -> {}, error -> {}, () -> ends.add("events"));
            sessions.disposeLater().subscribe(closed -> {}, error -> {}, () -> ends.add("closed"));
            assertThat(alice.isDisposed()).isTrue();
            assertThat(bob.isDisposed()).isTrue();
            assertThat(ends).containsExactly("events");
            response.tryEmitValue(endpoint.grant());
            assertThat(ends).containsExactly("events", "closed");
            assertThat(size()).isZero();
        }

        @Test
        void withoutWaitingClosesAllSessionsToo() {
            TokenSession alice = signIn("alice");
            TokenSession bob = signIn("bob");
            sessions.dispose();
            assertThat(alice.isDisposed()).isTrue();
            assertThat(bob.isDisposed()).isTrue();
        }

        @Test
        void failsForAnUnsavedTokenAfterAllOthersAreSaved() {
            ReferenceStore.Connection connection = engine.connect();
            TokenSessions sessions = builder().store(connection).build();
            List<String> users = List.of("alice", "bob", "carol");
            users.forEach(user -> signIn(sessions, user));
            connection.faults(
                    (operation, key) -> operation == ReferenceStore.Operation.PUT && key.equals(TokenStore.key("bob"))
                            ? ReferenceStore.Fault.fails()
                            : ReferenceStore.Fault.late(Duration.ofSeconds(1)));
            users.forEach(user -> sessions.signIn(user, endpoint.grant()).subscribe(session -> {}, error -> {}));
            List<Throwable> errors = new ArrayList<>();
            sessions.disposeLater().subscribe(closed -> {}, errors::add, () -> errors.add(new AssertionError()));
            clock.advance(Duration.ofMinutes(1));
            assertThat(errors).singleElement().isInstanceOf(TokenUnavailableException.class);
            TokenSessions next = builder().build();
            assertThat(users.stream()
                            .map(user ->
                                    secret(Objects.requireNonNull(next.get(user).block(Duration.ZERO)))))
                    .containsExactly("access-4", "access-2", "access-6");
        }

        @Test
        void failsForAnUnsavedTokenAfterTheRefreshesInFlightHaveEnded() {
            ReferenceStore.Connection connection = engine.connect();
            TokenSessions sessions = builder().store(connection).build();
            TokenSession alice = signIn(sessions, "alice");
            signIn(sessions, "bob");
            Sinks.One<Token> response = Sinks.one();
            endpoint.then(presented -> response.asMono());
            alice.refresh().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofMillis(1));
            connection.faults((operation, key) ->
                    key.equals(TokenStore.key("bob")) ? ReferenceStore.Fault.fails() : ReferenceStore.Fault.none());
            sessions.signIn("bob", endpoint.grant()).subscribe(session -> {}, error -> {});
            List<Throwable> errors = new ArrayList<>();
            sessions.disposeLater().subscribe(closed -> {}, errors::add);
            clock.advance(DefaultTokenSession.STORE_PATIENCE.plusSeconds(1));
            assertThat(errors).isEmpty();
            response.tryEmitValue(endpoint.grant());
            assertThat(errors).singleElement().isInstanceOf(TokenUnavailableException.class);
        }

        @Test
        void ofTheSchedulerHindersNoSignIn() {
            Scheduler shutDown = new VirtualClock().scheduler();
            shutDown.dispose();
            TokenSessions sessions =
                    builder().session(session -> session.scheduler(shutDown)).build();
            assertThat(secret(signIn(sessions, "alice"))).isEqualTo("access-1");
        }
    }

    /** Users come back while their sessions close: each caller gets a session of its user, and there is one at a time. */
    @RepeatedTest(20)
    @Tag("race")
    void usersWhoComeBackWhileSessionsCloseGetOneSessionAtATime() {
        TokenSessions sessions = TokenSessions.builder(new ScriptedEndpoint(clock, Duration.ofHours(1)))
                .session(session -> session.clock(clock))
                .build();
        List<String> users = List.of("a", "b", "c");
        users.forEach(user -> signIn(sessions, user));
        Set<TokenSession> open = ConcurrentHashMap.newKeySet();
        Flux.range(0, 3_000)
                .flatMap(
                        i -> sessions.get(users.get(i % users.size()))
                                .subscribeOn(Schedulers.parallel())
                                .doOnNext(session -> {
                                    if (i % 7 == 0) {
                                        session.dispose();
                                    }
                                }),
                        16)
                .blockLast(Duration.ofSeconds(30));
        users.forEach(user -> open.add(Objects.requireNonNull(sessions.get(user).block())));
        assertThat(open).hasSize(users.size()).noneMatch(TokenSession::isDisposed);
        assertThat(sessions.counts().values().stream()
                        .mapToInt(Integer::intValue)
                        .sum())
                .isEqualTo(users.size());
    }
}
