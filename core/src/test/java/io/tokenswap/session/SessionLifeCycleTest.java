package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** The start and the end of a session. */
class SessionLifeCycleTest extends SessionFixture {

    @Test
    @Tag("B97")
    void cancelsTimersCompletesBothFluxesFailsWaitersAndStoresWhatIsInFlight() {
        TokenStore store = TokenStore.inMemory();
        TokenSession session =
                builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
        List<String> seen = record(session);
        List<SessionEvent> events = events(session);
        Sinks.One<Token> response = heldResponse();
        session.invalidate(session.token().block(Duration.ZERO));
        List<String> waiting = ask(session.token());
        List<String> waited = new ArrayList<>();
        session.disposeLater().subscribe(nothing -> {}, error -> {}, () -> waited.add("closed"));
        session.dispose();
        assertThat(seen).containsExactly("access-1", "complete");
        assertThat(events).last().isInstanceOf(SessionEvent.Closed.class);
        assertThat(events).filteredOn(SessionEvent.Closed.class::isInstance).hasSize(1);
        assertThat(waiting).containsExactly("SessionClosedException");
        assertThat(waited).isEmpty();
        response.tryEmitValue(endpoint.grant());
        assertThat(waited).containsExactly("closed");
        assertThat(stored(store, "user").accessToken().secret()).isEqualTo("access-2");
        assertThat(clock.timers()).isZero();
        clock.advance(Duration.ofDays(1));
        assertThat(endpoint.refreshes()).isOne();
        assertThat(session.isDisposed()).isTrue();
        assertThat(session.state().status()).isEqualTo(SessionState.Status.CLOSED);
        assertThat(record(session)).containsExactly("complete");
        assertThatThrownBy(() -> accessToken(session)).isInstanceOf(SessionClosedException.class);
        assertThatThrownBy(() -> session.refresh().block(Duration.ZERO)).isInstanceOf(SessionClosedException.class);
        assertThatThrownBy(() -> session.renew(endpoint.grant()).block(Duration.ZERO))
                .isInstanceOf(SessionClosedException.class);
        StepVerifier.create(session.events()).verifyComplete();
    }

    @Test
    @Tag("B97")
    void aSleepingSessionLeavesNoTimerAndNoRequestBehind() {
        TokenSession session = session();
        List<String> seen = record(session);
        clock.advance(Duration.ofMinutes(1));
        assertThat(clock.timers()).isOne();
        session.dispose();
        assertThat(clock.timers()).isZero();
        clock.advance(Duration.ofDays(1));
        assertThat(seen).containsExactly("access-1", "complete");
        assertThat(endpoint.refreshes()).isZero();
        StepVerifier.create(session.disposeLater()).verifyComplete();
    }

    @Test
    void nothingIsSentBeforeSomebodyAsks() {
        TokenSession session = session();
        session.token();
        session.tokens();
        session.refresh();
        session.renew(endpoint.grant());
        session.disposeLater();
        clock.advance(Duration.ofDays(1));
        assertThat(endpoint.refreshes()).isZero();
        assertThat(session.isDisposed()).isFalse();
        assertThat(clock.timers()).isZero();
    }

    @Test
    void theWholeLifeOfASessionInItsPublicStates() {
        TokenSession session = session();
        assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
        clock.advance(TO_REFRESH);
        assertThat(session.state().status()).isEqualTo(SessionState.Status.REFRESH_DUE);
        Sinks.One<Token> failure = heldResponse();
        Disposable caller = session.token().subscribe();
        assertThat(session.state().status()).isEqualTo(SessionState.Status.REFRESHING);
        failure.tryEmitError(ScriptedEndpoint.notSent());
        assertThat(session.state().status()).isEqualTo(SessionState.Status.RETRYING);
        clock.advance(Duration.ofSeconds(1));
        endpoint.thenFail(ScriptedEndpoint.invalidGrant());
        session.refresh().onErrorComplete().block(Duration.ZERO);
        assertThat(session.state().status()).isEqualTo(SessionState.Status.LOGIN_REQUIRED);
        session.renew(endpoint.grant()).block(Duration.ZERO);
        assertThat(session.state().status()).isEqualTo(SessionState.Status.VALID);
        session.dispose();
        assertThat(session.state().status()).isEqualTo(SessionState.Status.CLOSED);
        caller.dispose();
    }

    @Test
    @Tag("D44")
    void aSecondSignOutOfOneSessionLeavesALaterSignInAlone() {
        TokenStore store = TokenStore.inMemory(clock);
        TokenSession first =
                builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
        first.signOut().block(Duration.ZERO);
        assertThat(stored(store, "user")).isNull();
        clock.advance(Duration.ofSeconds(1));
        builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
        clock.advance(Duration.ofSeconds(1));
        first.signOut().block(Duration.ZERO);
        assertThat(stored(store, "user").accessToken().secret()).isEqualTo("access-2");
    }

    @Test
    void aSessionThatWaitsForAnotherIsDisposedWithoutARequest() {
        TokenStore store = TokenStore.inMemory(clock);
        TokenSession holder =
                builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
        TokenSession waiting = builder().store(store, "user").restore().block(Duration.ZERO);
        Sinks.One<Token> response = heldResponse();
        holder.refresh().subscribe();
        List<String> asked = ask(waiting.refresh());
        StepVerifier.create(waiting.disposeLater())
                .expectSubscription()
                .then(() -> clock.advance(Duration.ofSeconds(1)))
                .verifyComplete();
        assertThat(asked).containsExactly("SessionClosedException");
        response.tryEmitValue(endpoint.grant());
        assertThat(endpoint.refreshes()).isOne();
    }
}
