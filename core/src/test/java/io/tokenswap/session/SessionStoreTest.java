package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.session.UnreliableStore.Fault;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** A session and its place in a store: stored before published, shared with others, and no token lost by its failures. */
class SessionStoreTest extends SessionFixture {

    private final LegacyTokenStore store = LegacyTokenStore.inMemory();
    private final UnreliableStore unreliable = new UnreliableStore(store);

    private TokenSession start() {
        return builder().store(unreliable, "user").start(endpoint.grant()).block(Duration.ZERO);
    }

    private @Nullable String stored() {
        return store.load("user").map(token -> token.accessToken().secret()).block(Duration.ZERO);
    }

    @Nested
    class Shared {

        @Test
        void b27_aRotatedTokenIsSavedBeforeAnyoneSeesIt() {
            TokenSession session = start();
            List<String> streamed = record(session);
            List<SessionEvent> events = events(session);
            unreliable.saving = Fault.SLOW;
            List<String> asked = ask(session.refresh());
            assertThat(endpoint.refreshes()).isOne();
            assertThat(unreliable.saves).hasValue(2);
            assertThat(asked).isEmpty();
            assertThat(events).isEmpty();
            assertThat(streamed).containsExactly("access-1");
            assertThat(accessToken(session)).isEqualTo("access-1");
            unreliable.disk.tryEmitEmpty();
            assertThat(store.load("user")
                            .map(token -> token.refreshToken().secret())
                            .block(Duration.ZERO))
                    .isEqualTo("refresh-2");
            assertThat(asked).containsExactly("access-2");
            assertThat(events).singleElement().isInstanceOf(SessionEvent.Refreshed.class);
            assertThat(streamed).containsExactly("access-1", "access-2");
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
            one.token().subscribe(token -> served.add(token.accessToken().secret()));
            two.token().subscribe(token -> served.add(token.accessToken().secret()));
            answer.tryEmitValue(endpoint.grant());
            assertThat(served).containsExactly("access-2", "access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void b71_anAnswerLostByAServerWithoutGraceIsTwoRequestsAndThenALogin() {
            endpoint.rotate(Duration.ZERO).thenLoseTheResponse();
            TokenSession session = start();
            List<String> seen = record(session);
            clock.advance(TO_REFRESH.plusSeconds(2));
            assertThat(endpoint.refreshed()).extracting(RefreshToken::secret).containsExactly("refresh-1", "refresh-1");
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(stored()).isNull();
            clock.advance(Duration.ofDays(1));
            assertThat(endpoint.refreshes()).isEqualTo(2);
        }

        @ParameterizedTest(name = "B70 grace {0} s, session saved")
        @CsvSource({"5", "30"})
        void b70_anAnswerLostByAServerWithGraceIsFetchedAgain(int grace) {
            endpoint.rotate(Duration.ofSeconds(grace)).thenLoseTheResponse();
            TokenSession session = start();
            List<String> seen = record(session);
            clock.advance(TO_REFRESH.plusSeconds(2));
            assertThat(seen).containsExactly("access-1", "access-3");
            assertThat(stored()).isEqualTo("access-3");
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "access-3", "access-4");
        }

        @Test
        void b72_aTokenThatAnotherProcessHasStoredSinceTheAnswerWasLostIsTakenWithoutAReplay() {
            endpoint.rotate(Duration.ZERO).thenLoseTheResponse();
            TokenSession session = start();
            List<String> seen = record(session);
            clock.advance(TO_REFRESH);
            store.save("user", null, endpoint.grant()).block(Duration.ZERO);
            clock.advance(Duration.ofSeconds(2));
            assertThat(seen).containsExactly("access-1", "access-3");
            assertThat(endpoint.refreshes()).isOne();
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
            assertThat(store.load("user").block(Duration.ZERO).accessToken().secret())
                    .isEqualTo("access-3");
            assertThat(accessToken(session)).isEqualTo("access-3");
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
        void aStoredTokenWithoutARefreshTokenIsNotSentAnywhere() {
            TokenSession session = start();
            Token theirs = endpoint.grant(Duration.ofMinutes(30)).toBuilder()
                    .refreshToken(null)
                    .build();
            store.save("user", null, theirs).block(Duration.ZERO);
            clock.advance(HOUR);
            assertThatThrownBy(() -> accessToken(session)).isInstanceOf(LoginRequiredException.class);
            assertThat(endpoint.refreshes()).isZero();
        }

        /** Such a store breaks its contract; a refused token must not come back from it all the same. */
        @Test
        void aStoreThatRoundsTimesDoesNotBringARefusedTokenBack() {
            Token precise = Token.builder("access-0", clock.instant().plusNanos(1))
                    .refreshToken("refresh-0")
                    .expiresAt(clock.instant().plus(HOUR))
                    .build();
            TokenSession session =
                    builder().store(unreliable, "user").start(precise).block(Duration.ZERO);
            Token rounded = Token.builder("access-0", precise.issuedAt().truncatedTo(ChronoUnit.SECONDS))
                    .refreshToken("refresh-0")
                    .expiresAt(precise.expiresAt())
                    .build();
            store.save("user", null, rounded).block(Duration.ZERO);
            session.invalidate(precise);
            assertThat(accessToken(session)).isEqualTo("access-1");
        }

        @Test
        void restoresNothingFromAnEmptyStore() {
            StepVerifier.create(builder().store(store, "nobody").restore()).verifyComplete();
        }

        @Test
        void restoresAnewWithEachSubscription() {
            Mono<TokenSession> restored = builder().store(store, "user").restore();
            StepVerifier.create(restored).verifyComplete();
            store.save("user", null, endpoint.grant()).block(Duration.ZERO);
            assertThat(accessToken(restored.block(Duration.ZERO))).isEqualTo("access-1");
        }

        @Test
        void b85_aStaleTokenOutOfAStoreIsRefreshedFirstAndNeverEmitted() {
            store.save("user", null, endpoint.grant()).block(Duration.ZERO);
            clock.advance(Duration.ofDays(3));
            TokenSession session = builder().store(store, "user").restore().block(Duration.ZERO);
            Sinks.One<Token> answer = heldAnswer();
            List<String> seen = record(session);
            List<String> served = ask(session.token());
            assertThat(seen).isEmpty();
            answer.tryEmitValue(endpoint.grant());
            assertThat(seen).containsExactly("access-2");
            assertThat(served).containsExactly("access-2");
        }
    }

    @Nested
    class Failing {

        @ParameterizedTest
        @EnumSource(
                mode = EnumSource.Mode.EXCLUDE,
                names = {"NONE", "SLOW"})
        void b103_aStoreThatDoesNotSaveDoesNotStopTheTokensAndIsSavedToLater(Fault fault) {
            TokenSession session = start();
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            unreliable.saving = fault;
            clock.advance(TO_REFRESH.plusMinutes(3));
            assertThat(seen).containsExactly("access-1", "access-2");
            assertThat(accessToken(session)).isEqualTo("access-2");
            assertThat(endpoint.refreshes()).isOne();
            assertThat(events).hasAtLeastOneElementOfType(SessionEvent.StoreFailed.class);
            assertThat(events).doesNotHaveAnyElementsOfTypes(SessionEvent.RefreshFailed.class);
            assertThat(stored()).isEqualTo("access-1");
            unreliable.saving = Fault.NONE;
            clock.advance(Duration.ofMinutes(2));
            assertThat(stored()).isEqualTo("access-2");
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "access-2", "access-3");
            assertThat(stored()).isEqualTo("access-3");
        }

        @ParameterizedTest
        @EnumSource(names = {"ERROR", "THROWN", "NULL", "HANGING"})
        void b103_aStoreThatCannotBeReadDoesNotStopTheTokensEither(Fault fault) {
            TokenSession session = start();
            List<String> seen = record(session);
            unreliable.loading = fault;
            clock.advance(TO_REFRESH.plusMinutes(1));
            assertThat(seen).containsExactly("access-1", "access-2");
            assertThat(stored()).isEqualTo("access-2");
        }

        @ParameterizedTest
        @EnumSource(
                mode = EnumSource.Mode.EXCLUDE,
                names = {"NONE", "SLOW"})
        void aDeadGrantIsDeadThoughTheStoreCannotForgetIt(Fault fault) {
            TokenSession session = start();
            List<String> seen = record(session);
            unreliable.clearing = fault;
            endpoint.revoke();
            clock.advance(TO_REFRESH.plusMinutes(1));
            assertThat(seen).containsExactly("access-1", "LoginRequiredException");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void aDeadGrantIsForgottenByAStoreThatIsBehind() {
            TokenSession session = start();
            unreliable.saving = Fault.ERROR;
            session.refresh().block(Duration.ZERO);
            endpoint.revoke();
            assertThat(ask(session.refresh())).containsExactly("LoginRequiredException");
            unreliable.saving = Fault.NONE;
            clock.advance(Duration.ofMinutes(5));
            assertThat(stored()).isNull();
        }

        @ParameterizedTest
        @EnumSource(
                mode = EnumSource.Mode.EXCLUDE,
                names = {"NONE", "SLOW"})
        void aLoginThatTheHookBroughtIsNotLost(Fault fault) {
            TokenSession session = builder()
                    .store(unreliable, "user")
                    .onLoginRequired(reason -> Mono.fromSupplier(endpoint::grant))
                    .start(endpoint.grant())
                    .block(Duration.ZERO);
            List<String> seen = record(session);
            unreliable.saving = fault;
            endpoint.thenFail(ScriptedEndpoint.invalidGrant());
            clock.advance(TO_REFRESH.plusMinutes(1));
            assertThat(seen).containsExactly("access-1", "access-2");
            clock.advance(TO_REFRESH);
            assertThat(seen).containsExactly("access-1", "access-2", "access-3");
            unreliable.saving = Fault.NONE;
            clock.advance(Duration.ofMinutes(2));
            assertThat(stored()).isEqualTo("access-3");
            clock.advance(TO_REFRESH);
            assertThat(stored()).isEqualTo("access-4");
        }

        @Test
        void aStoreThatLosesTheOutcomeOfASectionHoldsTheSessionUpForThreeMinutesAndCostsNoSecondRequest() {
            endpoint.rotate(Duration.ZERO);
            TokenSession session = start();
            List<String> seen = record(session);
            unreliable.losesOutcomes = true;
            clock.advance(TO_REFRESH.plusMinutes(2));
            unreliable.losesOutcomes = false;
            clock.advance(Duration.ofMinutes(2));
            assertThat(seen).containsExactly("access-1", "access-2");
            assertThat(endpoint.refreshes()).isOne();
        }

        @Test
        void aSaveThatWasGivenUpAndHappensLaterDoesNotBringAnOlderTokenBack() {
            TokenSession session = start();
            Token first = session.token().block(Duration.ZERO);
            unreliable.saving = Fault.HANGING;
            session.refresh().subscribe();
            clock.advance(Duration.ofSeconds(10));
            Token second = session.token().block(Duration.ZERO);
            assertThat(second.accessToken().secret()).isEqualTo("access-2");
            store.save("user", first, second).block(Duration.ZERO); // at last
            unreliable.saving = Fault.NONE;
            unreliable.loading = Fault.ERROR;
            List<String> demanded = ask(session.refresh());
            clock.advance(Duration.ofSeconds(20));
            assertThat(demanded).containsExactly("access-3");
            assertThat(accessToken(session)).isEqualTo("access-3");
            assertThat(stored()).isEqualTo("access-3");
        }

        @Test
        void aStoreThatComesBackDuringARefreshEndsUpWithTheNewestToken() {
            TokenSession session = start();
            unreliable.saving = Fault.ERROR;
            session.refresh().block(Duration.ZERO);
            Sinks.One<Token> answer = heldAnswer();
            session.refresh().subscribe();
            unreliable.saving = Fault.NONE;
            clock.advance(Duration.ofSeconds(30)); // the store is tried again meanwhile
            answer.tryEmitValue(endpoint.grant());
            clock.advance(Duration.ofMinutes(2));
            assertThat(accessToken(session)).isEqualTo("access-3");
            assertThat(stored()).isEqualTo("access-3");
        }

        @Test
        void theStoreIsNotTriedForEverAfterDisposal() {
            TokenSession session = start();
            unreliable.saving = Fault.ERROR;
            session.refresh().block(Duration.ZERO);
            session.dispose();
            clock.advance(Duration.ofMinutes(5));
            unreliable.saves.set(0);
            clock.advance(Duration.ofDays(1));
            assertThat(unreliable.saves).hasValue(0);
            assertThat(clock.timers()).isZero();
        }

        @Test
        void anOutageOfTheStoreOverManyRefreshesIsSavedToByOneWriter() {
            TokenSession session = start();
            record(session);
            unreliable.saving = Fault.ERROR;
            clock.advance(Duration.ofDays(1));
            unreliable.saves.set(0);
            clock.advance(Duration.ofMinutes(10));
            assertThat(unreliable.saves).hasValueLessThan(25);
            unreliable.saving = Fault.NONE;
            clock.advance(Duration.ofMinutes(2));
            assertThat(stored()).isEqualTo(accessToken(session));
        }

        @Test
        void aNewLoginWinsOverATokenThatCouldNotBeSaved() {
            TokenSession session = start();
            unreliable.saving = Fault.ERROR;
            session.refresh().block(Duration.ZERO);
            unreliable.saving = Fault.NONE;
            session.renew(endpoint.grant()).block(Duration.ZERO);
            clock.advance(Duration.ofMinutes(5));
            assertThat(stored()).isEqualTo("access-3");
        }

        @Test
        void theTurnOfAnotherIsWaitedForAMinuteAndNeverCutOff() {
            TokenSession session = start();
            Sinks.Empty<Void> end = Sinks.empty();
            store.exclusive("user", end.asMono()).subscribe();
            List<String> demanded = ask(session.refresh());
            clock.advance(Duration.ofMinutes(1));
            assertThat(demanded).containsExactly("TokenUnavailableException");
            assertThat(endpoint.refreshes()).isZero();
            end.tryEmitEmpty();
            clock.advance(Duration.ofSeconds(2));
            assertThat(accessToken(session)).isEqualTo("access-2");
        }
    }
}
