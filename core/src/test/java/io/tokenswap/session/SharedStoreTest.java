package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Rotates;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.ReferenceStore.Fault;
import io.tokenswap.testing.ReferenceStore.Operation;
import io.tokenswap.testing.RotatingProvider;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Two nodes, one store, a provider with rotation: what each does when the other, the store or the provider is in trouble. */
class SharedStoreTest {

    private static final String ALICE = "alice";
    private static final Duration TO_REFRESH = Duration.ofMinutes(55);
    private static final Duration TO_STALE = Duration.ofHours(1).minusSeconds(10);
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final Cluster cluster = new Cluster();
    private final Node a = cluster.node("a");
    private final Node b = cluster.node("b");

    SharedStoreTest() {
        cluster.policy = RefreshPolicy.builder().jitter(Duration.ZERO).build();
    }

    private void advance(Duration time) {
        cluster.advance(time);
    }

    /** Both nodes have a subscriber, so both are due at the same time; the first is a. */
    private void startBoth() {
        a.start(ALICE);
        subscribe(a);
        b.restore(ALICE);
        subscribe(b);
    }

    private void subscribe(Node node) {
        node.session(ALICE).tokensUntilClosed().subscribe();
        advance(Duration.ZERO);
    }

    private Status status(Node node) {
        return node.session(ALICE).state().status();
    }

    private List<String> token(Node node) {
        return node.ask(node.session(ALICE).token());
    }

    private List<String> presented() {
        return cluster.provider.presentations().stream()
                .map(Presentation::refreshToken)
                .toList();
    }

    private TokenStore.Record stored() {
        TokenStore.Record record = cluster.record(ALICE);
        assertThat(record).isNotNull();
        return record;
    }

    private @Nullable String storedToken() {
        Token token = stored().token();
        return token == null ? null : cluster.name(token);
    }

    /** The outcome of an operation by and by: "done" or the name of an error. */
    private List<String> outcome(Mono<?> operation) {
        List<String> seen = new ArrayList<>();
        operation.subscribe(value -> {}, error -> seen.add(error.getClass().getSimpleName()), () -> seen.add("done"));
        advance(Duration.ZERO);
        return seen;
    }

    private static void failPuts(Node node) {
        node.connection.faults((operation, key) -> operation == Operation.PUT ? Fault.fails() : Fault.none());
    }

    @Nested
    class OneBuilder {

        private final Node slow = cluster.node("slow");

        @ParameterizedTest
        @ValueSource(longs = {0, 10})
        @Tag("E01")
        void restoresTheSessionsOfSeveralUsers(long millis) {
            a.start(ALICE);
            a.start("bob");
            slow.connection.fault(Fault.lateResponse(Duration.ofMillis(millis)));
            TokenSession.Builder builder = slow.builder(ALICE);
            Mono<TokenSession> alice = builder.store(slow.store, ALICE).restore();
            Mono<TokenSession> bob = builder.store(slow.store, "bob").restore();
            check(alice, bob);
        }

        @Test
        void refusesATokenThatItsStoreDoesNotHave() {
            TokenSession.Builder builder = a.builder(ALICE);
            Token token = cluster.provider.signIn(ALICE);
            assertThatIllegalStateException()
                    .isThrownBy(() -> builder.build(token))
                    .withMessageContaining("start(token)");
        }

        @ParameterizedTest
        @ValueSource(longs = {0, 10})
        @Tag("E01")
        void startsTheSessionsOfSeveralUsers(long millis) {
            slow.connection.fault(Fault.lateResponse(Duration.ofMillis(millis)));
            TokenSession.Builder builder = slow.builder(ALICE);
            Mono<TokenSession> alice = builder.store(slow.store, ALICE).start(cluster.provider.signIn(ALICE));
            Mono<TokenSession> bob = builder.store(slow.store, "bob").start(cluster.provider.signIn("bob"));
            check(alice, bob);
        }

        private void check(Mono<TokenSession> alice, Mono<TokenSession> bob) {
            alice.subscribe(session -> slow.sessions.put(ALICE, session));
            bob.subscribe(session -> slow.sessions.put("bob", session));
            advance(SECOND);
            for (String user : List.of(ALICE, "bob")) {
                TokenSession session = slow.session(user);
                List<String> refreshed = slow.ask(session.refresh());
                advance(SECOND);
                assertThat(refreshed).singleElement().asString().startsWith(user + " ");
                assertThat(cluster.provider.user(cluster.record(user).token())).isEqualTo(user);
            }
            assertThat(cluster.provider.presentations()).hasSize(2);
        }
    }

    @Nested
    class AFailingSave {

        /** All were refreshed at the same instant, and none of the tokens could be saved for a minute. */
        @Test
        @Tag("D43")
        void ofManyUsersIsRepeatedAtDifferentTimes() {
            cluster.random = new Random(1)::nextDouble;
            for (int i = 0; i < 100; i++) {
                a.start("user-" + i).tokensUntilClosed().subscribe();
            }
            advance(TO_REFRESH.minus(SECOND));
            Map<Long, Integer> saves = new TreeMap<>();
            a.connection.faults((operation, key) -> {
                if (operation != Operation.PUT) {
                    return Fault.none();
                }
                saves.merge(cluster.clock.instant().toEpochMilli() / 100, 1, Integer::sum);
                return Fault.fails();
            });
            advance(Duration.ofSeconds(61));
            saves.clear();
            advance(Duration.ofSeconds(5));

            assertThat(saves.values()).hasSizeGreaterThan(20).allMatch(many -> many <= 20);
        }

        @Test
        @Tag("E02")
        void ofSomeSecondsIsWaitedFor() {
            startBoth();
            advance(TO_REFRESH.minus(SECOND));
            failPuts(a);
            advance(SECOND.plusMillis(3_200));
            assertThat(cluster.provider.presentations()).hasSize(1);
            a.connection.reconnect();
            checkThatNothingWasLost();
        }

        @Test
        @Tag("E02")
        void ofAMinuteAtOneNodeIsWaitedFor() {
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(60));
            assertThat(cluster.provider.presentations()).hasSize(1);
            a.connection.reconnect();
            checkThatNothingWasLost();
        }

        @Test
        @Tag("E02")
        void ofAMinuteAtAllNodesIsWaitedFor() {
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.neverAnswers());
                b.connection.fault(Fault.neverAnswers());
                return RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(60));
            assertThat(cluster.provider.presentations()).hasSize(1);
            a.connection.reconnect();
            b.connection.reconnect();
            checkThatNothingWasLost();
        }

        /** Each refresh token is presented once, now and at the next refresh. */
        private void checkThatNothingWasLost() {
            cluster.provider.faults(presentation -> RotatingProvider.Fault.none());
            advance(Duration.ofSeconds(15));
            assertThat(status(a)).isEqualTo(Status.VALID);
            assertThat(status(b)).isEqualTo(Status.VALID);
            advance(Duration.ofHours(1));
            assertThat(presented()).hasSize(2).doesNotHaveDuplicates();
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
        }

        @Test
        @Tag("E03")
        @Tag("D25")
        void winsOverARefusalOfTheTokenThatItReplaces() {
            dead();
            a.connection.reconnect();
            advance(Duration.ofSeconds(40));
            assertThat(stored().state()).isEqualTo(State.LIVE);
            assertThat(token(b)).isEqualTo(token(a)).containsExactly(storedToken());
        }

        @Test
        @Tag("E03")
        void losesToASignOut() {
            dead();
            a.connection.losesChanges(true); // so that a saves before it sees the sign-out
            outcome(b.session(ALICE).signOut());
            a.connection.fault(Fault.none());
            advance(Duration.ofSeconds(40));
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(Duration.ofHours(1));
            assertThat(token(a)).containsExactly("LoginRequiredException");
            assertThat(stored().state()).isEqualTo(State.OUT);
        }

        /** Node a cannot save its result, the wait of b ends and b is refused. */
        private void dead() {
            cluster.provider.toleratesReuse();
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.plusSeconds(60));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            assertThat(stored().state()).isEqualTo(State.DEAD);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        @ParameterizedTest
        @EnumSource(Failure.class)
        @Tag("E05")
        void isTheStoresFailureWhateverItsType(Failure failure) {
            startBoth();
            List<SessionEvent> events = new ArrayList<>();
            a.session(ALICE).events().subscribe(events::add);
            a.connection.faults(
                    (operation, key) -> operation == Operation.PUT ? Fault.failsWith(failure.error) : Fault.none());
            advance(TO_REFRESH.plusSeconds(20));
            assertThat(cluster.provider.presentations()).hasSize(1);
            assertThat(status(a)).isNotEqualTo(Status.LOGIN_REQUIRED);
            assertThat(status(b)).isNotEqualTo(Status.LOGIN_REQUIRED);
            assertThat(events).anyMatch(SessionEvent.StoreFailed.class::isInstance);
            a.connection.fault(
                    Fault.none()); // no reconnect is reported, so that nothing but the repeat saves the token
            advance(Duration.ofSeconds(20));
            assertThat(token(b))
                    .isEqualTo(token(a))
                    .containsExactly(storedToken())
                    .containsExactly("alice 1/2");
        }

        /** An error that looks like one of the provider must end neither a session nor a refresh. */
        @ParameterizedTest
        @EnumSource(Failure.class)
        @Tag("E05")
        void isTheStoresFailureInEveryOtherOperationToo(Failure failure) {
            a.start(ALICE);
            subscribe(a);
            a.connection.fault(Fault.failsWith(failure.error));
            b.connection.fault(Fault.failsWith(failure.error));
            assertThat(outcome(b.builder(ALICE).restore())).containsExactly("TokenUnavailableException");
            advance(TO_REFRESH.plusSeconds(20));
            assertThat(status(a)).isEqualTo(Status.RETRYING);
            assertThat(token(a)).containsExactly("alice 1/1");
            assertThat(cluster.provider.presentations()).isEmpty();
            a.connection.fault(Fault.none());
            advance(Duration.ofSeconds(60));
            assertThat(token(a)).containsExactly(storedToken()).containsExactly("alice 1/2");
        }

        enum Failure {
            LOGIN_REQUIRED(() -> new LoginRequiredException("not ours", null)),
            INVALID_GRANT(() -> new OAuthErrorException("invalid_grant", "not ours", 400)),
            NOT_SENT(() ->
                    new TokenUnavailableException("not ours", TokenUnavailableException.Reason.NOT_SENT, null, null)),
            OTHER(() -> new IllegalStateException("No space left"));

            private final Supplier<Throwable> error;

            Failure(Supplier<Throwable> error) {
                this.error = error;
            }
        }

        @Test
        @Tag("E06")
        void isRepeatedByDisposal() {
            startBoth();
            failPuts(a);
            advance(TO_REFRESH.plusSeconds(3));
            a.connection.fault(Fault.none());
            assertThat(outcome(a.session(ALICE).disposeLater())).containsExactly("done");
            assertThat(storedToken()).isEqualTo("alice 1/2");
            Node restarted = cluster.node("a2");
            restarted.restore(ALICE);
            assertThat(token(restarted)).containsExactly("alice 1/2");
        }

        @Test
        @Tag("E06")
        void isReportedByDisposal() {
            startBoth();
            failPuts(a);
            advance(TO_REFRESH.plusSeconds(3));
            List<String> disposed = outcome(a.session(ALICE).disposeLater());
            advance(Duration.ofSeconds(11));
            assertThat(disposed).hasSize(1).doesNotContain("done");
        }
    }

    @Nested
    class ALogin {

        @Test
        @Tag("E04")
        void atAnotherNodeEndsTheWaitForALogin() {
            startBoth();
            cluster.provider.revoke(stored().token());
            advance(Duration.ofHours(1));
            assertThat(token(a)).containsExactly("LoginRequiredException");
            assertThat(token(b)).containsExactly("LoginRequiredException");
            int before = cluster.provider.presentations().size();
            b.connection.losesChanges(true);
            assertThat(outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE))))
                    .containsExactly("done");
            String renewed = storedToken();
            advance(Duration.ofSeconds(31));
            assertThat(token(b)).containsExactly(renewed);
            assertThat(b.ask(b.session(ALICE).tokens().next())).containsExactly(renewed);
            assertThat(status(b)).isEqualTo(Status.VALID);
            assertThat(cluster.provider.presentations()).hasSize(before);
        }

        @Test
        @Tag("E04")
        void isFoundByOneLookThatACallerDemands() {
            startBoth();
            cluster.provider.revoke(stored().token());
            advance(Duration.ofHours(1));
            b.connection.losesChanges(true);
            a.session(ALICE).renew(cluster.provider.signIn(ALICE)).subscribe();
            advance(Duration.ofSeconds(31));
            List<String> seen = new ArrayList<>();
            b.session(ALICE)
                    .tokens()
                    .subscribe(
                            token -> seen.add(cluster.name(token)),
                            error -> seen.add(error.getClass().getSimpleName()));
            advance(SECOND);
            assertThat(seen).containsExactly(storedToken());
        }

        @Test
        @Tag("E07")
        void thatIsAcknowledgedLateIsNotPublishedOverItsSuccessor() {
            startBoth();
            a.connection.faults((operation, key) ->
                    operation == Operation.PUT ? Fault.lateResponse(Duration.ofSeconds(4)) : Fault.none());
            List<String> served = new ArrayList<>();
            a.session(ALICE).tokensUntilClosed().subscribe(token -> served.add(cluster.name(token)));
            List<String> renewed = outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 2/2");
            List<String> refreshed = b.ask(b.session(ALICE).refresh());
            advance(SECOND);
            assertThat(refreshed).containsExactly("alice 2/3");
            advance(Duration.ofSeconds(10));
            assertThat(renewed).containsExactly("done");
            assertThat(token(a)).containsExactly("alice 2/3");
            assertThat(served).doesNotHaveDuplicates().last().isEqualTo("alice 2/3");
            assertThat(served.indexOf("alice 2/2")).isLessThan(served.indexOf("alice 2/3"));
        }

        /** The process stops between the response of the store and its use, and counts that time to the age of the login. */
        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        @Tag("E08")
        void whoseNodeIsHeldUpWhileItAsksForTheTimeIsNotTakenForAnOlderOne(boolean bySession) {
            startBoth();
            advance(Duration.ofMinutes(10)); // the time of the hold-up must not lead behind the stored record
            a.connection.fault(Fault.fails());
            outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(20));
            b.store.awaits = point -> {
                if (point.equals("load responded")) {
                    b.scheduler.pause();
                }
            };
            Token later = cluster.provider.signIn(ALICE);
            outcome(bySession ? b.session(ALICE).renew(later) : b.builder(ALICE).start(later));
            assertThat(b.scheduler.isRunning()).isFalse();
            advance(SECOND);
            b.store.awaits = point -> {};
            a.connection.reconnect();
            advance(Duration.ofSeconds(60));
            assertThat(storedToken()).isEqualTo("alice 2/2");
            b.scheduler.resume();
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 3/3");
        }

        /** The store reads its clock long after the question, and the node stands still as well. */
        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        @Tag("E08")
        void whoseStoreReadsTheClockLateIsNotTakenForALaterOne(boolean bySession) {
            startBoth();
            a.connection.fault(Fault.late(Duration.ofSeconds(60)));
            Token earlier = cluster.provider.signIn(ALICE);
            outcome(
                    bySession
                            ? a.session(ALICE).renew(earlier)
                            : a.builder(ALICE).start(earlier));
            a.connection.fault(Fault.none());
            a.scheduler.pause();
            advance(Duration.ofSeconds(20));
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(50));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            a.scheduler.resume();
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 3/3");
        }

        @ParameterizedTest
        @CsvSource({"10, -10", "-10, 10", "0, 0"})
        @Tag("E08")
        @Tag("D40")
        void thatIsOlderNeverOverwritesANewerOneWhateverTheClocksSay(long early, long late) {
            Node first = cluster.node("first", Duration.ofMinutes(early));
            Node second = cluster.node("second", Duration.ofMinutes(late));
            first.start(ALICE);
            second.restore(ALICE);
            first.connection.fault(Fault.fails());
            outcome(first.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(13));
            assertThat(outcome(second.session(ALICE).renew(cluster.provider.signIn(ALICE))))
                    .containsExactly("done");
            assertThat(storedToken()).isEqualTo("alice 3/3");
            advance(Duration.ofSeconds(5));
            first.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(first)).containsExactly("alice 3/3");
            assertThat(token(second)).containsExactly("alice 3/3");
        }

        @Test
        @Tag("E12")
        void isSavedThoughTheSessionIsDisposedOfMeanwhile() {
            TokenSession.Builder builder =
                    a.builder(ALICE).onLoginRequired(cause -> Mono.fromSupplier(() -> cluster.provider.signIn(ALICE)));
            builder.start(cluster.provider.signIn(ALICE)).subscribe(session -> a.sessions.put(ALICE, session));
            advance(Duration.ZERO);
            cluster.provider.revoke(stored().token());
            a.connection.faults((operation, key) -> operation == Operation.PUT ? Fault.neverAnswers() : Fault.none());
            subscribe(a);
            advance(TO_REFRESH.plusSeconds(6));
            assertThat(status(a)).isEqualTo(Status.VALID);
            List<String> disposed = outcome(a.session(ALICE).disposeLater());
            a.connection.fault(Fault.none());
            advance(SECOND);
            assertThat(disposed).isEmpty();
            advance(Duration.ofSeconds(9));
            assertThat(disposed).containsExactly("done");
            assertThat(storedToken()).isEqualTo("alice 2/2");
        }

        @Test
        @Tag("E18")
        void thatTheStoreNeverAnswersFailsInTime() {
            a.start(ALICE);
            Node lost = cluster.node("lost");
            lost.connection.fault(Fault.neverAnswers());
            a.connection.fault(Fault.neverAnswers());
            List<String> started = outcome(lost.builder("bob").start(cluster.provider.signIn("bob")));
            List<String> restored = outcome(lost.builder(ALICE).restore());
            List<String> renewed = outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofMillis(10_100));
            assertThat(started).containsExactly("TokenUnavailableException");
            assertThat(restored).containsExactly("TokenUnavailableException");
            assertThat(renewed).containsExactly("TokenUnavailableException");
        }

        @Test
        @Tag("E18")
        void thatTheStoreNeverAnswersFailsInTimeAfterAPauseToo() {
            a.start(ALICE);
            a.connection.fault(Fault.neverAnswers());
            List<String> renewed = outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            a.scheduler.pause();
            advance(Duration.ofSeconds(30));
            assertThat(renewed).isEmpty();
            a.scheduler.resume();
            advance(Duration.ofSeconds(3));
            assertThat(renewed).containsExactly("TokenUnavailableException");
        }

        @Test
        @Tag("E95")
        void isNotUndoneByASaveThatIsRepeatedAfterItsResponseWasLost() {
            startBoth();
            int[] puts = {0};
            a.connection.losesChanges(true);
            a.connection.faults((operation, key) -> {
                puts[0] += operation == Operation.PUT ? 1 : 0;
                return operation == Operation.PUT ? Fault.losesResponse() : Fault.none();
            });
            outcome(a.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 2/2");
            outcome(b.session(ALICE).signOut());
            advance(SECOND);
            b.start(ALICE);
            assertThat(storedToken()).isEqualTo("alice 3/3");
            advance(Duration.ofSeconds(5));
            assertThat(puts[0]).isEqualTo(2);
            assertThat(storedToken()).isEqualTo("alice 3/3");
            a.connection.reconnect();
            advance(Duration.ofSeconds(30));
            assertThat(storedToken()).isEqualTo("alice 3/3");
            assertThat(token(a)).containsExactly("alice 3/3");
        }

        @Test
        @Tag("D45")
        void duringARefreshWins() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            assertThat(cluster.provider.presentations()).hasSize(1);
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            advance(Duration.ofSeconds(10));
            assertThat(storedToken()).startsWith("alice 2/");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
        }
    }

    private static void loseResponses(Node node, Operation of) {
        node.connection.faults((operation, key) -> operation == of ? Fault.losesResponse() : Fault.none());
    }

    @Nested
    class ASignOut {

        @Test
        @Tag("E04")
        void endsTheSessionAtAnotherNodeWithinASecond() {
            startBoth();
            outcome(a.session(ALICE).signOut());
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(SECOND);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(token(b)).containsExactly("LoginRequiredException");
            assertThat(cluster.provider.presentations()).isEmpty();
        }

        /**
         * A session without subscribers is not notified, and the first subscriber must not get the token of a user who
         * has left.
         */
        @Test
        @Tag("E04")
        void endsASessionAsSoonAsItHasASubscriber() {
            a.start(ALICE);
            b.restore(ALICE);
            outcome(a.session(ALICE).signOut());
            advance(Duration.ofMinutes(10));
            assertThat(status(b)).isEqualTo(Status.VALID);
            subscribe(b);
            advance(SECOND);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        @Test
        @Tag("D44")
        void duringARefreshWins() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            assertThat(cluster.provider.presentations()).hasSize(1);
            outcome(b.session(ALICE).signOut());
            advance(Duration.ofSeconds(10));
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(Duration.ofHours(1));
            assertThat(stored().state()).isEqualTo(State.OUT);
            assertThat(token(a)).containsExactly("LoginRequiredException");
        }

        @Test
        @Tag("D44")
        void duringARefreshOfTheSameNodeWins() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            List<String> out = outcome(a.session(ALICE).signOut());
            advance(Duration.ofSeconds(10));
            assertThat(out).containsExactly("done");
            assertThat(stored().state()).isEqualTo(State.OUT);
            assertThat(status(a)).isEqualTo(Status.CLOSED);
        }

        /** The token comes while the sign-out waits for the store. */
        @Test
        @Tag("D44")
        void duringARefreshOfTheSameNodeWinsThoughTheStoreGetsItLater() {
            startBoth();
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(3)));
            advance(TO_REFRESH.plusSeconds(2));
            a.connection.fault(Fault.fails());
            List<String> out = outcome(a.session(ALICE).signOut());
            advance(Duration.ofSeconds(4));
            assertThat(out).isEmpty();
            assertThat(stored().state()).isEqualTo(State.LIVE);
            a.connection.fault(Fault.none());
            advance(Duration.ofSeconds(5));
            assertThat(out).containsExactly("done");
            assertThat(stored().state()).isEqualTo(State.OUT);
        }

        @Test
        @Tag("D44")
        void thatIsRepeatedAfterALaterLoginLeavesTheLogin() {
            startBoth();
            loseResponses(a, Operation.PUT);
            outcome(a.session(ALICE).signOut());
            assertThat(stored().state()).isEqualTo(State.OUT);
            advance(SECOND);
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            assertThat(storedToken()).isEqualTo("alice 2/2");
            a.connection.reconnect();
            advance(Duration.ofSeconds(30));
            assertThat(storedToken()).isEqualTo("alice 2/2");
            assertThat(token(b)).containsExactly("alice 2/2");
        }
    }

    @Nested
    class TheLease {

        @Test
        @Tag("E90")
        @Tag("D25")
        void thatEndsWhileItsHolderIsPausedIsNoReasonToPresent() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_STALE.minusSeconds(11));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a");
            a.scheduler.resume();
            advance(Duration.ofSeconds(20));
            assertThat(presented()).hasSize(1);
            assertThat(token(a))
                    .isEqualTo(token(b))
                    .containsExactly(storedToken())
                    .containsExactly("alice 1/2");
        }

        @Test
        @Tag("E90")
        void ofAHolderThatStaysAwayIsTakenOverBeforeTheTokenIsStale() {
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                return RotatingProvider.Fault.losesRequestSilently();
            });
            advance(TO_REFRESH);
            a.scheduler.crash();
            advance(Duration.ofMinutes(5).minusSeconds(25));
            assertThat(cluster.provider.presentations()).hasSize(1);
            advance(Duration.ofSeconds(25));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            assertThat(token(b)).containsExactly("alice 1/2");
        }

        @Test
        @Tag("D25")
        void ofAPausedHolderIsLostAndItsResultIsNot() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(60));
            assertThat(stored().version().number()).isZero();
            a.scheduler.resume();
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 1/2");
        }

        @Test
        @Tag("D25")
        void ofAPausedHolderDoesNotUndoALaterLogin() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(60));
            outcome(b.session(ALICE).renew(cluster.provider.signIn(ALICE)));
            a.scheduler.resume();
            advance(Duration.ofSeconds(5));
            assertThat(storedToken()).isEqualTo("alice 2/3");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 2/3");
        }

        @Test
        @Tag("D25")
        void ofAPausedHolderDoesNotUndoASignOut() {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(60));
            outcome(b.session(ALICE).signOut());
            a.scheduler.resume();
            advance(Duration.ofSeconds(5));
            assertThat(stored().state()).isEqualTo(State.OUT);
            assertThat(status(a)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        /** The provider keeps the successor that it granted last, so the later attempt wins, in either order of the saves. */
        @Test
        @Tag("D25")
        void thatWasTakenOverWithinTheGraceLeavesTheLaterSuccessor() {
            cluster.grace(Duration.ofSeconds(30));
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusMillis(21_600));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            a.scheduler.resume();
            assertThat(storedToken()).isEqualTo("alice 1/2");
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 1/3");
            cluster.provider.faults(presentation -> RotatingProvider.Fault.none());
            advance(Duration.ofHours(1));
            assertThat(cluster.provider.presentations()).hasSize(3).noneMatch(Presentation::isRefused);
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/4");
        }

        /** The response waits while the process stands still. The session's own limit is at 17 s. */
        @ParameterizedTest
        @ValueSource(longs = {15_000, 16_900, 17_000, 17_001, 17_500, 17_999, 18_001, 19_900})
        @Tag("E20")
        void ofAHolderThatWasPausedUntilItsLimitSavesTheResponse(long millis) {
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH);
            cluster.clock.scheduler().schedule(a.scheduler::resume, millis, TimeUnit.MILLISECONDS);
            advance(Duration.ofMillis(millis).plusSeconds(3));
            assertThat(cluster.provider.presentations()).hasSize(1);
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/2");
        }

        /** A lease of 20 s, and 5 s in which the provider must respond to the node that takes over. */
        @ParameterizedTest
        @CsvSource({"25000, true", "24999, false"})
        @Tag("D24")
        void isTakenOverAtOnceOnlyIfTheGraceOutlastsTheLease(long grace, boolean atOnce) {
            cluster.grace(Duration.ofMillis(grace));
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusMillis(19_900));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a");
            advance(Duration.ofMillis(1_700));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .isEqualTo(atOnce ? List.of("a", "b") : List.of("a"));
        }

        /** The node stops when its request has left; the response waits for it. */
        private void pauseInTheMiddle(Node node) {
            cluster.provider.faults(presentation -> {
                if (presentation.node().equals(node.name)) {
                    node.scheduler.pause();
                }
                return RotatingProvider.Fault.none().slow(SECOND, SECOND);
            });
        }

        @Test
        @Tag("E91")
        void isPausedForAllNodesWhenTheProviderIsBusy() {
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                return RotatingProvider.Fault.throttles(Duration.ofSeconds(60));
            });
            advance(TO_REFRESH);
            assertThat(cluster.provider.presentations()).hasSize(1);
            List<String> direct = b.ask(b.session(ALICE).refresh());
            advance(Duration.ofMillis(59_900));
            a.ask(a.session(ALICE).refresh());
            assertThat(cluster.provider.presentations()).hasSize(1);
            assertThat(direct).doesNotContain("alice 1/2");
            advance(Duration.ofSeconds(40));
            assertThat(cluster.provider.presentations()).hasSize(2);
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/2");
        }

        @Test
        @Tag("E90")
        void isNotTakenOverByANodeThatWasIdleDuringTheOutageOfItsHolder() {
            a.start(ALICE);
            subscribe(a);
            b.restore(ALICE);
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.plusSeconds(20));
            a.connection.fault(Fault.none());
            List<String> first = token(b);
            assertThat(first).containsExactly("TokenUnavailableException");
            advance(Duration.ofSeconds(10));
            assertThat(token(b)).containsExactly("alice 1/2");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("E91")
        void keepsItsMarkWhenARepeatIsThrottled() {
            startBoth();
            int[] requests = {0};
            cluster.provider.faults(presentation -> switch (requests[0]++) {
                case 0 -> RotatingProvider.Fault.losesResponse();
                case 1 -> RotatingProvider.Fault.throttles(SECOND);
                default -> RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(4));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "a");
            a.scheduler.crash();
            advance(Duration.ofMinutes(4));
            assertThat(cluster.provider.presentations()).hasSize(2);
        }

        @Test
        @Tag("E93")
        void thatWasExtendedBeforeAPauseAllowsNoRequestAfterIt() {
            startBoth();
            boolean[] armed = {true};
            cluster.provider.faults(
                    presentation -> armed[0] ? RotatingProvider.Fault.losesRequest() : RotatingProvider.Fault.none());
            a.store.awaits = point -> {
                if (point.equals("extend responded") && armed[0]) {
                    armed[0] = false;
                    a.scheduler.pause();
                }
            };
            advance(TO_REFRESH.plusSeconds(2));
            assertThat(a.scheduler.isRunning()).isFalse();
            assertThat(cluster.provider.presentations()).hasSize(1);
            advance(Duration.ofSeconds(25));
            List<String> points = new ArrayList<>();
            a.store.awaits = points::add;
            a.scheduler.resume();
            advance(Duration.ofSeconds(10));
            assertThat(points).contains("extend responded").doesNotContain(ObservedStore.PRESENT);
            advance(Duration.ofMinutes(5));
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
        }

        /** The node cannot know whether it still has its lease, but no other node presents for that long. */
        @Test
        @Tag("E96")
        void allowsRepeatsWithoutTheStoreWhileTheProviderAcceptsThemForSure() {
            cluster.grace(Duration.ofSeconds(30));
            cluster.policy = RefreshPolicy.builder()
                    .jitter(Duration.ZERO)
                    .backoff(SECOND, SECOND)
                    .build();
            a.start(ALICE);
            subscribe(a);
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.losesResponse();
            });
            advance(TO_REFRESH.plusSeconds(12));
            int repeated = cluster.provider.presentations().size();
            assertThat(repeated).isGreaterThan(10);
            advance(Duration.ofMinutes(5));
            assertThat(cluster.provider.presentations()).hasSizeBetween(repeated, repeated + 3);
        }

        @Test
        @Tag("E96")
        void allowsNoRepeatWithoutTheStoreIfTheProviderHasNoGrace() {
            a.start(ALICE);
            subscribe(a);
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.losesResponse();
            });
            advance(TO_REFRESH.plusSeconds(60));
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("E94")
        void ofAProviderThatDoesNotRotateProtectsTheNewerAccessToken() {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(Rotates.NO);
            startBoth();
            pauseInTheMiddle(a);
            advance(TO_REFRESH.plusSeconds(30));
            b.session(ALICE).invalidate(stored().token());
            advance(Duration.ofSeconds(60));
            assertThat(storedToken()).isEqualTo("alice 1/3");
            a.scheduler.resume();
            advance(Duration.ofSeconds(5));
            assertThat(storedToken()).isEqualTo("alice 1/3");
            assertThat(token(a)).containsExactly("alice 1/3");
        }

        /** Without the store a node has no number for its attempt, and its result must not be taken for another one. */
        @Test
        @Tag("E94")
        void whichANodeCouldNotAskForGivesWayToAnother() {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(Rotates.NO);
            startBoth();
            a.connection.fault(Fault.fails());
            advance(TO_REFRESH.plusSeconds(1));
            List<String> leased = token(b);
            assertThat(token(a)).isNotEqualTo(leased);
            a.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(token(a)).isEqualTo(token(b)).isEqualTo(leased).containsExactly(storedToken());
        }

        /** Two nodes without a number have one version for two tokens. The later one stays, in either order of the saves. */
        @ParameterizedTest
        @CsvSource({"0, 0", "30, 0", "0, 30", "30, 90"})
        @Tag("E94")
        void whichNoNodeCouldAskForLeavesOneTokenForAll(long refreshedLater, long savedLater) {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(Rotates.NO);
            startBoth();
            a.connection.fault(Fault.fails());
            b.connection.fault(Fault.fails());
            advance(TO_REFRESH.minusSeconds(60));
            a.ask(a.session(ALICE).refresh());
            advance(Duration.ofSeconds(refreshedLater));
            b.ask(b.session(ALICE).refresh());
            advance(TO_STALE.minus(TO_REFRESH).plusSeconds(61));
            assertThat(token(a)).isNotEqualTo(token(b));
            List<String> later = refreshedLater == 0 ? token(a) : token(b);
            a.connection.reconnect();
            advance(Duration.ofSeconds(savedLater));
            b.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
            assertThat(token(a)).isEqualTo(later);
        }

        /** The default jitter is longer than the provider's grace leaves to a second node. */
        @Test
        @Tag("E96")
        void ofANodeThatDiesIsTakenOverWithinTheGraceAlthoughRefreshesAreSpread() {
            cluster.policy = RefreshPolicy.defaults();
            cluster.grace(Duration.ofSeconds(30));
            cluster.random = () -> 0.999;
            a.start(ALICE);
            subscribe(a);
            cluster.random = () -> 0;
            b.restore(ALICE);
            subscribe(b);
            cluster.provider.faults(presentation -> {
                a.scheduler.crash();
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.plusSeconds(60));
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::node)
                    .containsExactly("a", "b");
            assertThat(cluster.provider.presentations()).noneMatch(Presentation::isRefused);
            assertThat(token(b)).containsExactly(storedToken());
        }

        /** Each finds that the token of the other one starts in the future or has ended. */
        @Test
        @Tag("E10")
        void doesNotBounceBetweenNodesWhoseClocksDisagreeByMoreThanALifetime() {
            cluster.provider.lifetime(Duration.ofMinutes(5));
            // A hot loop would never end, so that it gets no more responses after a while.
            cluster.provider.faults(
                    presentation -> cluster.provider.presentations().size() > 1_000
                            ? RotatingProvider.Fault.losesResponseSilently()
                            : RotatingProvider.Fault.none());
            Node fast = cluster.node("fast", Duration.ofMinutes(10));
            a.start(ALICE);
            subscribe(a);
            fast.restore(ALICE);
            subscribe(fast);
            advance(Duration.ofMinutes(60));
            assertThat(cluster.provider.presentations()).hasSizeBetween(12, 300);
        }

        @Test
        @Tag("D46")
        void isPolledByThoseWhoWait() {
            startBoth();
            b.connection.losesChanges(true);
            cluster.provider.faults(
                    presentation -> RotatingProvider.Fault.none().slow(SECOND, SECOND));
            advance(Duration.ofMinutes(50));
            List<String> first = a.ask(a.session(ALICE).refresh());
            List<String> second = b.ask(b.session(ALICE).refresh());
            advance(Duration.ofMillis(2_010));
            assertThat(first).containsExactly("alice 1/2");
            advance(Duration.ofMillis(240));
            assertThat(second).containsExactly("alice 1/2");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }
    }

    @Nested
    class ARefusal {

        @Test
        @Tag("D26")
        void ofANodeThatWasAloneCountsAtOnce() {
            startBoth();
            cluster.provider.revoke(stored().token());
            advance(TO_REFRESH);
            assertThat(stored().state()).isEqualTo(State.DEAD);
            advance(SECOND);
            assertThat(status(a)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        /** The provider processed the request of a last, and the store has the token of b, whose attempt is the later one. */
        @Test
        @Tag("D26")
        void leavesTheOtherSuccessorOfANodeThatWasAlone() {
            cluster.grace(Duration.ofSeconds(30));
            startBoth();
            cluster.provider.faults(presentation -> {
                cluster.provider.faults(next -> RotatingProvider.Fault.none());
                a.scheduler.pause();
                return RotatingProvider.Fault.none().slow(Duration.ofSeconds(23), Duration.ZERO);
            });
            advance(TO_REFRESH.plusSeconds(25));
            a.scheduler.resume();
            advance(Duration.ofSeconds(2));
            assertThat(storedToken()).isEqualTo("alice 1/2");
            assertThat(token(a)).containsExactly("alice 1/2");
            a.ask(a.session(ALICE).refresh());
            advance(SECOND);
            assertThat(cluster.provider.presentations())
                    .extracting(Presentation::refreshToken)
                    .containsExactly(
                            "refresh-alice-1-1", "refresh-alice-1-1", "refresh-alice-1-2", "refresh-alice-1-3");
            assertThat(token(a))
                    .isEqualTo(token(b))
                    .containsExactly(storedToken())
                    .containsExactly("alice 1/4");
        }

        @Test
        @Tag("D26")
        void underTheMarkOfAnotherNodeCountsAfterADeadline() {
            startBoth();
            cluster.provider.faults(presentation -> {
                a.scheduler.crash();
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.minusSeconds(12));
            assertThat(cluster.provider.presentations()).hasSize(1);
            advance(Duration.ofSeconds(8));
            assertThat(cluster.provider.presentations()).hasSize(2);
            assertThat(cluster.provider.presentations().get(1).isRefused()).isTrue();
            advance(Duration.ofSeconds(5));
            assertThat(stored().state()).isEqualTo(State.LIVE);
            assertThat(status(b)).isNotEqualTo(Status.LOGIN_REQUIRED);
            advance(Duration.ofSeconds(20));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            assertThat(status(b)).isEqualTo(Status.LOGIN_REQUIRED);
        }

        @Test
        @Tag("D26")
        void isForgottenWhenTheSuccessorArrivesBeforeTheDeadline() {
            cluster.provider.toleratesReuse();
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_STALE.minusSeconds(4));
            assertThat(cluster.provider.presentations()).hasSize(2);
            a.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(stored().state()).isEqualTo(State.LIVE);
            assertThat(token(b)).isEqualTo(token(a)).containsExactly("alice 1/2");
        }
    }

    @Nested
    class AFailover {

        @Test
        @Tag("D27")
        void thatLosesTheLeaseDoesNotMakeOthersForgetThatTheySawIt() {
            startBoth();
            cluster.provider.faults(presentation -> {
                a.connection.fault(Fault.fails());
                return RotatingProvider.Fault.none();
            });
            advance(TO_REFRESH.plusSeconds(30));
            cluster.engine.loseLeases();
            advance(Duration.ofMinutes(3));
            assertThat(cluster.provider.presentations()).hasSize(1);
            a.connection.reconnect();
            advance(Duration.ofSeconds(10));
            assertThat(token(b)).isEqualTo(token(a)).containsExactly("alice 1/2");
        }

        /** The node then finds the mark that it has set itself when it asked again, which looks young. */
        @Test
        @Tag("D27")
        void thatLosesTheLeaseDoesNotMakeAMarkLookYounger() {
            cluster.grace(Duration.ofSeconds(30));
            startBoth();
            b.connection.losesChanges(true);
            cluster.provider.faults(presentation -> {
                a.scheduler.crash();
                b.connection.fault(Fault.fails());
                return RotatingProvider.Fault.losesRequestSilently();
            });
            advance(TO_REFRESH.plusSeconds(40));
            b.connection.fault(Fault.none());
            advance(Duration.ofSeconds(30));
            cluster.engine.loseLeases();
            advance(Duration.ofSeconds(60));
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("D28")
        void thatLosesASaveIsRepairedWithinASecond() {
            startBoth();
            advance(TO_REFRESH.plusSeconds(5));
            assertThat(token(b)).containsExactly("alice 1/2");
            a.scheduler.crash();
            b.connection.losesChanges(true);
            cluster.engine.failover(1);
            assertThat(storedToken()).isEqualTo("alice 1/1");
            b.connection.reconnect();
            advance(SECOND);
            assertThat(storedToken()).isEqualTo("alice 1/2");
        }

        @Test
        @Tag("D28")
        void thatLosesSeveralSavesIsRepairedWithinASecond() {
            startBoth();
            int changes = cluster.engine.changes();
            advance(Duration.ofHours(3));
            assertThat(stored().version().number()).isEqualTo(3);
            TokenStore.Version before = stored().version();
            a.scheduler.crash();
            cluster.engine.failover(cluster.engine.changes() - changes);
            advance(SECOND);
            assertThat(stored().version()).isEqualTo(before);
        }

        @Test
        @Tag("D28")
        void thatLosesARefusalIsRepairedSoThatOthersSendNothing() {
            a.start(ALICE);
            subscribe(a);
            b.restore(ALICE);
            cluster.provider.revoke(stored().token());
            advance(TO_REFRESH.plusSeconds(1));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            cluster.engine.failover(1);
            advance(Duration.ofSeconds(31));
            assertThat(stored().state()).isEqualTo(State.DEAD);
            advance(Duration.ofHours(1));
            assertThat(token(b)).containsExactly("LoginRequiredException");
            assertThat(cluster.provider.presentations()).hasSize(1);
        }

        @Test
        @Tag("D28")
        @Tag("D34")
        void thatLosesARecordIsNoSignOut() {
            startBoth();
            cluster.engine.evict(TokenStore.key(ALICE));
            advance(TO_REFRESH.plusSeconds(40));
            assertThat(storedToken()).isEqualTo("alice 1/2");
            assertThat(token(a)).isEqualTo(token(b)).containsExactly("alice 1/2");
        }
    }

    /** A store that keeps less of a token than a session knows. */
    @Nested
    class AStoreThatForgets {

        @ParameterizedTest
        @EnumSource(
                value = ChronoUnit.class,
                names = {"SECONDS", "MICROS"})
        @Tag("E09")
        void isUnderstoodByItsVersions(ChronoUnit precision) {
            cluster.advance(Duration.ofMillis(123));
            Forgetful first = new Forgetful(a.store, precision);
            Forgetful second = new Forgetful(b.store, precision);
            a.builder(ALICE)
                    .store(first, ALICE)
                    .start(cluster.provider.signIn(ALICE))
                    .subscribe(session -> a.sessions.put(ALICE, session));
            advance(Duration.ZERO);
            b.builder(ALICE).store(second, ALICE).restore().subscribe(session -> b.sessions.put(ALICE, session));
            advance(Duration.ZERO);
            subscribe(a);
            subscribe(b);
            for (int hour = 0; hour < 5; hour++) {
                advance(Duration.ofHours(1));
                a.ask(a.session(ALICE).refresh());
                advance(SECOND.plusMillis(77)); // the node knows more of this token than the store
                List<String> refreshed = a.ask(a.session(ALICE).refresh());
                advance(SECOND);
                assertThat(refreshed).isEqualTo(token(a));
                assertThat(token(a)).isEqualTo(token(b)).containsExactly(storedToken());
            }
            assertThat(presented()).doesNotHaveDuplicates().hasSizeGreaterThan(8);
            assertThat(status(a)).isEqualTo(Status.VALID);
        }

        private static final class Forgetful implements TokenStore {

            private final TokenStore store;
            private final ChronoUnit precision;

            Forgetful(TokenStore store, ChronoUnit precision) {
                this.store = store;
                this.precision = precision;
            }

            @Override
            public Mono<Entry> load(String key) {
                return store.load(key).map(entry -> new Entry(less(entry.record()), entry.now()));
            }

            @Override
            public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
                return store.acquire(key, owner, view, lease).map(this::less);
            }

            @Override
            public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
                return store.extend(key, owner, attempt, lease).map(this::less);
            }

            @Override
            public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
                return store.put(key, less(next), kind, owner, attempt)
                        .map(entry -> new Entry(less(entry.record()), entry.now()));
            }

            @Override
            public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
                return store.release(key, owner, attempt, pause, sent);
            }

            @Override
            public Flux<String> changes() {
                return store.changes();
            }

            private Acquired less(Acquired acquired) {
                return new Acquired(
                        acquired.outcome(),
                        less(acquired.record()),
                        acquired.now(),
                        acquired.attempt(),
                        acquired.until(),
                        acquired.otherMark(),
                        acquired.remaining());
            }

            private @Nullable Record less(@Nullable Record record) {
                if (record == null) {
                    return null;
                }
                Token token = record.token();
                return new Record(
                        record.version(), record.state(), token == null ? null : less(token), UnknownMembers.NONE);
            }

            private Token less(Token token) {
                Instant expiresAt = token.expiresAt();
                return Token.builder(
                                token.accessToken().secret(), token.issuedAt().truncatedTo(precision))
                        .refreshToken(token.refreshToken().secret())
                        .authorizedAt(token.authorizedAt().truncatedTo(precision))
                        .expiresAt(expiresAt == null ? null : expiresAt.truncatedTo(precision))
                        .build();
            }
        }
    }
}
