package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.session.TokenStore.Version;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** Sessions of {@link TokenSessions} that are closed because they are idle, and users who come back at that moment. */
class EvictionTest {

    private static final Duration IDLE = Duration.ofMinutes(30);

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(8));
    private final ReferenceStore engine = new ReferenceStore(clock);
    private final ReferenceStore.Connection store = engine.connect();

    /** Runs when a session of the registry reads the wall clock. */
    private Runnable atClock = () -> {};

    private final TokenSessions sessions = builder().build();

    private TokenSessions.Builder builder() {
        return TokenSessions.builder(endpoint)
                .store(store)
                .session(session -> session.clock(this::now).scheduler(new PromptScheduler(clock.scheduler())));
    }

    private Instant now() {
        atClock.run();
        return clock.instant();
    }

    private TokenSession signIn(String user) {
        return signIn(sessions, user);
    }

    private TokenSession signIn(TokenSessions sessions, String user) {
        return Objects.requireNonNull(sessions.signIn(user, endpoint.grant()).block(Duration.ZERO));
    }

    /** Runs a step once, between the decision to close a user's session and its end. */
    private void whileTheSessionCloses(String user, Runnable step) {
        atClock = () -> {
            if (sessions.use(user) == null) {
                atClock = () -> {};
                step.run();
            }
        };
    }

    /** Begins the work of a session at once, so that a refresh is in flight when the method that began it returns. */
    private record PromptScheduler(Scheduler timers) implements Scheduler {

        @Override
        public Disposable schedule(Runnable task) {
            task.run();
            return Disposables.disposed();
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            return timers.schedule(task, delay, unit);
        }

        @Override
        public long now(TimeUnit unit) {
            return timers.now(unit);
        }

        @Override
        public Worker createWorker() {
            return timers.createWorker();
        }
    }

    private static String secret(TokenSession session) {
        return Objects.requireNonNull(session.token().block(Duration.ZERO))
                .accessToken()
                .secret();
    }

    private static int size(TokenSessions sessions) {
        return sessions.counts().values().stream().mapToInt(Integer::intValue).sum();
    }

    @Nested
    class AUserWhoComesBack {

        private final TokenSession before = signIn("alice");
        private final Sinks.One<Token> response = Sinks.one();
        private final List<TokenSession> found = new ArrayList<>();
        private final List<Throwable> errors = new ArrayList<>();

        /** Lets the session begin a refresh after the sweep has found that it has nothing to do. */
        private void refreshWhileTheSessionCloses(Runnable step) {
            endpoint.then(presented -> response.asMono());
            whileTheSessionCloses("alice", () -> {
                before.refresh().subscribe(token -> {}, error -> {});
                step.run();
            });
            clock.advance(IDLE.plusSeconds(61));
            assertThat(before.isDisposed()).isTrue();
            assertThat(endpoint.refreshes()).isOne();
            assertThat(found).isEmpty();
        }

        @Test
        void whileTheSessionIsClosingWaitsForItsRefreshAndGetsTheNextToken() {
            refreshWhileTheSessionCloses(() -> {
                sessions.get("alice").subscribe(found::add, errors::add);
                sessions.get("alice").subscribe(found::add, errors::add);
            });
            sessions.get("alice").subscribe(found::add, errors::add);
            assertThat(found).isEmpty();
            response.tryEmitValue(endpoint.grant());
            assertThat(errors).isEmpty();
            assertThat(found).hasSize(3).doesNotContain(before);
            assertThat(Set.copyOf(found)).hasSize(1);
            assertThat(secret(found.get(0))).isEqualTo("access-2");
            assertThat(endpoint.refreshes()).isOne();
            assertThat(size(sessions)).isOne();
        }

        @Test
        void bySigningInWhileTheSessionIsClosingWaitsForItAndHasTheTokenOfTheSignIn() {
            refreshWhileTheSessionCloses(
                    () -> sessions.signIn("alice", endpoint.grant()).subscribe(found::add, errors::add));
            response.tryEmitValue(endpoint.grant());
            assertThat(errors).isEmpty();
            assertThat(found).singleElement().isNotSameAs(before);
            assertThat(secret(found.get(0))).isEqualTo("access-2");
            assertThat(sessions.get("alice").block(Duration.ZERO)).isSameAs(found.get(0));
            assertThat(size(sessions)).isOne();
        }

        @Test
        void whileASignOutOfTheClosedSessionIsStillUnsavedIsSignedOut() {
            store.faults((operation, key) -> operation == ReferenceStore.Operation.PUT
                    ? ReferenceStore.Fault.late(Duration.ofSeconds(3))
                    : ReferenceStore.Fault.none());
            whileTheSessionCloses("alice", () -> {
                before.signOut().subscribe(done -> {}, errors::add);
                sessions.get("alice").subscribe(found::add, errors::add);
            });
            clock.advance(IDLE.plusSeconds(61));
            clock.advance(Duration.ofSeconds(5));
            assertThat(found).isEmpty();
            assertThat(errors).singleElement().isInstanceOf(LoginRequiredException.class);
        }

        @Test
        void afterTheCloseHasFailedGetsASession() {
            store.faults((operation, key) -> operation == ReferenceStore.Operation.PUT
                    ? ReferenceStore.Fault.fails()
                    : ReferenceStore.Fault.none());
            refreshWhileTheSessionCloses(() -> sessions.get("alice").subscribe(found::add, errors::add));
            response.tryEmitValue(endpoint.grant());
            assertThat(found).isEmpty();
            clock.advance(DefaultTokenSession.STORE_PATIENCE);
            assertThat(errors).isEmpty();
            assertThat(found).singleElement().isNotSameAs(before);
        }

        @Test
        void atTheEndOfAllSessionsIsToldSo() {
            refreshWhileTheSessionCloses(() -> sessions.get("alice").subscribe(found::add, errors::add));
            List<String> closed = new ArrayList<>();
            sessions.disposeLater().subscribe(done -> {}, errors::add, () -> closed.add("closed"));
            assertThat(closed).isEmpty();
            response.tryEmitValue(endpoint.grant());
            assertThat(closed).containsExactly("closed");
            assertThat(found).isEmpty();
            assertThat(errors).hasSize(1);
        }
    }

    @Test
    void aSignInThatMeetsTheEndOfTheSessionIsNotLost() {
        TokenSession before = signIn("alice");
        atClock = () -> {
            atClock = () -> {};
            before.dispose();
        };
        TokenSession after = signIn("alice");
        assertThat(before.isDisposed()).isTrue();
        assertThat(after).isNotSameAs(before);
        assertThat(secret(after)).isEqualTo("access-2");
        assertThat(secret(Objects.requireNonNull(builder().build().get("alice").block(Duration.ZERO))))
                .isEqualTo("access-2");
    }

    /** The sweep closes one session after another, and users come back while it does. */
    @Nested
    class AUse {

        private final TokenSessions few = builder().maximumSize(1).build();
        private final TokenSession alice = signIn(few, "alice");
        private final List<TokenSession> found = new ArrayList<>();

        private TokenSession usedDuringTheSweep() {
            clock.advance(Duration.ofSeconds(1));
            TokenSession bob = signIn(few, "bob");
            clock.advance(Duration.ofSeconds(20));
            atClock = () -> {
                if (few.use("carol") != null && few.use("alice") == null) {
                    atClock = () -> {};
                    few.get("bob").subscribe(found::add);
                }
            };
            signIn(few, "carol");
            assertThat(alice.isDisposed()).isTrue();
            assertThat(found).containsExactly(bob);
            return bob;
        }

        @Test
        void afterTheSweepHasNotedTheLastOneKeepsTheSessionOpen() {
            TokenSession bob = usedDuringTheSweep();
            assertThat(bob.isDisposed()).isFalse();
            assertThat(few.get("bob").block(Duration.ZERO)).isSameAs(bob);
        }

        @Test
        void thatKeptTheSessionOpenDoesNotKeepItForEver() {
            TokenSession bob = usedDuringTheSweep();
            clock.advance(IDLE.plusSeconds(61));
            assertThat(bob.isDisposed()).isTrue();
            assertThat(size(few)).isZero();
        }
    }

    @Nested
    class OverTheMaximumSize {

        private List<String> open(TokenSessions sessions, List<String> users) {
            return users.stream().filter(user -> sessions.use(user) != null).toList();
        }

        @Test
        void thoseThatHaveBeenIdleForLongestGoFirstAndAFewMoreThanNecessary() {
            TokenSessions sessions = builder().maximumSize(32).build();
            List<String> users =
                    IntStream.range(0, 33).mapToObj(i -> "user-" + i).collect(Collectors.toList());
            for (String user : users.subList(0, 32)) {
                signIn(sessions, user);
                clock.advance(Duration.ofSeconds(2));
            }
            sessions.get("user-0").block(Duration.ZERO);
            clock.advance(Duration.ofSeconds(11));
            // No sweep has seen the use yet: it counts as one of now.
            signIn(sessions, "user-32");
            users.removeAll(List.of("user-1", "user-2", "user-3"));
            assertThat(size(sessions)).isEqualTo(30);
            assertThat(open(sessions, users)).isEqualTo(users);
        }

        @Test
        void nothingIsClosedUpToTheMaximum() {
            TokenSessions sessions = builder().maximumSize(2).build();
            signIn(sessions, "alice");
            clock.advance(Duration.ofSeconds(20));
            signIn(sessions, "bob");
            clock.advance(Duration.ofMinutes(2));
            assertThat(open(sessions, List.of("alice", "bob"))).hasSize(2);
        }

        @Test
        void aBusySessionStaysAndAnotherGoesInItsPlace() {
            TokenSessions sessions = builder().maximumSize(2).build();
            TokenSession busy = signIn(sessions, "alice");
            busy.states().subscribe();
            clock.advance(Duration.ofSeconds(1));
            TokenSession other = signIn(sessions, "bob");
            clock.advance(Duration.ofSeconds(20));
            signIn(sessions, "carol");
            assertThat(busy.isDisposed()).isFalse();
            assertThat(other.isDisposed()).isTrue();
        }
    }

    @Nested
    class ASessionStays {

        private final TokenSessions sessions =
                builder().idleTimeout(Duration.ofSeconds(2)).build();

        @Test
        void whileARefreshIsInFlight() {
            TokenSession session = signIn(sessions, "alice");
            Sinks.One<Token> response = Sinks.one();
            endpoint.then(presented -> response.asMono());
            session.refresh().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofSeconds(8));
            assertThat(endpoint.refreshes()).isOne();
            assertThat(session.isDisposed()).isFalse();
            response.tryEmitValue(endpoint.grant());
            clock.advance(Duration.ofSeconds(8));
            assertThat(session.isDisposed()).isTrue();
        }

        @Test
        @Tag("E18")
        void whileATokenIsNotSavedYet() {
            TokenSession session = signIn(sessions, "alice");
            store.fault(ReferenceStore.Fault.fails());
            session.renew(endpoint.grant()).subscribe(saved -> {}, error -> {});
            clock.advance(Duration.ofMinutes(1));
            assertThat(session.isDisposed()).isFalse();
            store.reconnect();
            clock.advance(Duration.ofMinutes(2));
            assertThat(session.isDisposed()).isTrue();
            assertThat(secret(Objects.requireNonNull(sessions.get("alice").block(Duration.ZERO))))
                    .isEqualTo("access-2");
        }

        @Test
        void whileTheResponseToARefreshIsLostAndTheRefreshMustBeTriedAgain() {
            TokenSession session = signIn(sessions, "alice");
            endpoint.thenFail(ScriptedEndpoint.responseLost());
            session.refresh().subscribe(token -> {}, error -> {});
            while (endpoint.refreshes() < 2) {
                assertThat(session.isDisposed()).isFalse();
                clock.advance(Duration.ofSeconds(1));
            }
            clock.advance(Duration.ofSeconds(8));
            assertThat(session.isDisposed()).isTrue();
        }

        @Test
        void whileARefreshWaitsForTheLeaseOfAnotherNode() {
            TokenSession session = signIn(sessions, "alice");
            String key = TokenStore.key("alice");
            Version stored = Objects.requireNonNull(engine.record(key)).version();
            engine.connect()
                    .acquire(key, "another node", stored, Duration.ofSeconds(20))
                    .block(Duration.ZERO);
            session.refresh().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofSeconds(15));
            assertThat(endpoint.refreshes()).isZero();
            assertThat(session.isDisposed()).isFalse();
        }

        /** The session has nothing else to do: the caller is gone, and the token has no known end. */
        @Test
        @Tag("E18")
        void whileATokenIsBeingSaved() {
            TokenSession session = signIn(sessions, "alice");
            store.fault(ReferenceStore.Fault.late(Duration.ofSeconds(4)));
            session.renew(endpoint.grant(null)).subscribe().dispose();
            clock.advance(Duration.ofSeconds(4));
            assertThat(session.isDisposed()).isFalse();
            clock.advance(Duration.ofSeconds(10));
            assertThat(session.isDisposed()).isTrue();
        }

        /** The server wants to be asked later, but then it is to be asked although there is no caller. */
        @Test
        void untilTheRefreshWhoseResponseWasLostIsRepeated() {
            TokenSession session = signIn(sessions, "alice");
            Instant retryAt = clock.instant().plusSeconds(60);
            endpoint.thenFail(new TokenUnavailableException("reset", Reason.RESPONSE_LOST, retryAt, null));
            session.refresh().subscribe(token -> {}, error -> {});
            clock.advance(Duration.ofSeconds(59));
            assertThat(endpoint.refreshes()).isOne();
            assertThat(session.isDisposed()).isFalse();
            clock.advance(Duration.ofSeconds(10));
            assertThat(endpoint.refreshes()).isEqualTo(2);
            assertThat(session.isDisposed()).isTrue();
        }

        @Test
        void forEverIfItIsToBeKeptAliveAlthoughItsTokenHasNoKnownEnd() {
            TokenSessions kept = builder()
                    .idleTimeout(Duration.ofSeconds(2))
                    .session(TokenSession.Builder::keepAlive)
                    .build();
            TokenSession session = Objects.requireNonNull(
                    kept.signIn("alice", endpoint.grant(null)).block(Duration.ZERO));
            clock.advance(Duration.ofMinutes(1));
            assertThat(session.isDisposed()).isFalse();
        }

        @Test
        void forEverIfItIsToBeKeptAlive() {
            TokenSessions kept = builder()
                    .idleTimeout(Duration.ofSeconds(2))
                    .session(TokenSession.Builder::keepAlive)
                    .build();
            TokenSession session = signIn(kept, "alice");
            clock.advance(Duration.ofMinutes(1));
            assertThat(session.isDisposed()).isFalse();
        }

        @Test
        void noLongerIfOnlyTheEventsOfAllUsersAreListenedTo() {
            sessions.events().subscribe();
            TokenSession session = signIn(sessions, "alice");
            clock.advance(Duration.ofSeconds(8));
            assertThat(session.isDisposed()).isTrue();
        }
    }

    @Nested
    class TheSweep {

        @Test
        void forgetsSessionsThatTheApplicationHasClosed() {
            signIn("alice").dispose();
            assertThat(size(sessions)).isOne();
            clock.advance(Duration.ofMinutes(2));
            assertThat(size(sessions)).isZero();
            assertThat(clock.timers()).isZero();
        }

        @Test
        void beginsAgainWithTheNextUser() {
            signIn("alice");
            clock.advance(IDLE.multipliedBy(2));
            assertThat(clock.timers()).isZero();
            TokenSession next = signIn("bob");
            clock.advance(IDLE.multipliedBy(2));
            assertThat(next.isDisposed()).isTrue();
        }

        @Test
        void endsWithTheSessions() {
            signIn("alice");
            sessions.disposeLater().block(Duration.ZERO);
            clock.advance(Duration.ofMinutes(2));
            assertThat(clock.timers()).isZero();
        }
    }
}
