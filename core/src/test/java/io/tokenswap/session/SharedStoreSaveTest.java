package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.SessionState.Status;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Tests of two nodes when a save fails, when a store keeps less than it was given, and when one builder serves several users. */
class SharedStoreSaveTest extends TwoNodesFixture {

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
                a.connection.fault(Fault.neverResponds());
                b.connection.fault(Fault.neverResponds());
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
