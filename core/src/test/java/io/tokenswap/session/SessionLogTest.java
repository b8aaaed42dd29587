package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.testing.LogLines;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** The log has what an operator asks for first: the outcome of a refresh, and the time of the next attempt. */
@Tag("E46")
class SessionLogTest extends SessionFixture {

    @Test
    void eachEventIsLoggedByTheFingerprintOfTheToken() {
        try (LogLines log = LogLines.of(TokenSession.class)) {
            TokenSession session = session();
            Token first = session.token().block(Duration.ZERO);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            session.invalidate(first);
            clock.advance(Duration.ofSeconds(1));
            Token second = session.token().block(Duration.ZERO);
            endpoint.thenFail(ScriptedEndpoint.invalidGrant());
            session.refresh().onErrorComplete().block(Duration.ZERO);
            session.dispose();

            String one = "[" + first.fingerprint() + "] ";
            String two = "[" + second.fingerprint() + "] ";
            assertThat(log.messages())
                    .satisfiesExactly(
                            line -> assertThat(line).startsWith(one + "invalidated"),
                            line -> assertThat(line).startsWith(one + "refresh_failed: next attempt at 2"),
                            line -> assertThat(line)
                                    .isEqualTo(two + "refreshed: the token expires at " + second.expiresAt()),
                            line -> assertThat(line).startsWith(two + "login_required"),
                            line -> assertThat(line).startsWith(two + "closed"));
            assertThat(log.levels()).containsExactly(Level.DEBUG);
            assertThat(log.messages())
                    .noneMatch(line -> line.contains(first.accessToken().secret()))
                    .noneMatch(line -> line.contains(second.accessToken().secret()));
        }
    }

    @Test
    void aboveDebugNothingIsLoggedAndEventsStillArrive() {
        try (LogLines log = LogLines.of(TokenSession.class).at(Level.INFO)) {
            AtomicReference<Mono<Void>> disk = new AtomicReference<>(Mono.empty());
            TokenStore store = TokenStore.forOneProcess(
                    KeyRing.random(), key -> Mono.empty(), (key, row) -> disk.get(), key -> Mono.empty());
            TokenSession session =
                    builder().store(store, "alice").start(endpoint.grant()).block(Duration.ZERO);
            disk.set(Mono.error(new IllegalStateException("disk")));
            session.renew(endpoint.grant()).onErrorComplete().subscribe();
            List<SessionEvent> events = events(session);
            clock.advance(HOUR);
            session.invalidate(endpoint.grant());
            session.dispose();

            assertThat(log.messages()).isEmpty();
            assertThat(events).extracting(SessionEvent::name).contains("store_failed", "closed");
        }
    }
}
