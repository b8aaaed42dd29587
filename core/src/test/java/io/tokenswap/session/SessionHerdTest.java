package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** Many sessions that are due at once, and what is in force while a session works. */
class SessionHerdTest extends SessionFixture {

    /** Responds after a tenth of a second, and counts. */
    private final class Slow implements TokenEndpoint {

        private int inFlight;
        private int most;
        private int requests;

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.error(new UnsupportedOperationException());
        }

        @Override
        public Mono<Token> refresh(RefreshToken presented) {
            return Mono.defer(() -> {
                requests++;
                most = Math.max(most, ++inFlight);
                return Mono.delay(Duration.ofMillis(100), clock.scheduler()).map(tick -> {
                    inFlight--;
                    return endpoint.grant();
                });
            });
        }
    }

    private final Slow slow = new Slow();

    private TokenSession.Builder herd() {
        return TokenSession.builder(slow)
                .clock(clock)
                .scheduler(clock.scheduler())
                .random(() -> 0.5)
                .refreshesInFlight(64);
    }

    @Test
    @Tag("E23")
    void threeThousandOverdueSessionsSendSixtyFourRequestsAtATimeAndOneEach() {
        TokenSession.Builder builder = herd();
        List<List<String>> seen = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            seen.add(record(builder.build(endpoint.grant(Duration.ZERO))));
        }
        clock.advance(Duration.ofSeconds(10));
        assertThat(slow.most).isEqualTo(64);
        assertThat(slow.requests).isEqualTo(3_000);
        assertThat(seen).allSatisfy(tokens -> assertThat(tokens).hasSize(1));
    }

    @Test
    @Tag("E23")
    void aSessionWithACallerGoesBeforeThoseThatHaveSubscribersOnly() {
        TokenSession.Builder builder = herd();
        for (int i = 0; i < 1_000; i++) {
            record(builder.build(endpoint.grant(Duration.ZERO)));
        }
        TokenSession called = builder.build(endpoint.grant(Duration.ZERO));
        List<String> later = record(called);
        List<String> asked = ask(called.token());
        clock.advance(Duration.ofMillis(250)); // two turns of a hundred milliseconds
        assertThat(asked).hasSize(1);
        assertThat(later).isEqualTo(asked);
    }

    @Test
    @Tag("E23")
    void aSessionThatIsClosedWhileItWaitsSendsNothingAndKeepsNoSlot() {
        TokenSession.Builder builder = herd().refreshesInFlight(1);
        record(builder.build(endpoint.grant(Duration.ZERO)));
        TokenSession closed = builder.build(endpoint.grant(Duration.ZERO));
        record(closed);
        List<String> last = record(builder.build(endpoint.grant(Duration.ZERO)));
        closed.dispose();
        clock.advance(Duration.ofSeconds(1));
        assertThat(last).hasSize(1);
        assertThat(slow.requests).isEqualTo(2);
    }

    @Test
    @Tag("E23")
    void theNextInTurnGetsTheSlotOfASessionThatWasClosedWhileItWaited() {
        TokenSession.Builder builder = herd().random(() -> 0).refreshesInFlight(1);
        record(builder.build(endpoint.grant(Duration.ZERO)));
        TokenSession closed = builder.build(endpoint.grant(Duration.ZERO));
        record(closed); // first in turn, as the random number is zero
        List<String> last = record(builder.build(endpoint.grant(Duration.ZERO)));
        closed.dispose();
        clock.advance(Duration.ofSeconds(1));
        assertThat(last).hasSize(1);
        assertThat(slow.requests).isEqualTo(2);
    }

    @Test
    @Tag("E23")
    void aSessionThatIsClosedDuringItsRequestGivesItsSlotBackWithTheResponse() {
        TokenSession.Builder builder = herd().refreshesInFlight(1);
        TokenSession closed = builder.build(endpoint.grant(Duration.ZERO));
        record(closed);
        List<List<String>> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(record(builder.build(endpoint.grant(Duration.ZERO))));
        }
        closed.dispose();
        clock.advance(Duration.ofMillis(99));
        assertThat(slow.requests).isOne();
        clock.advance(Duration.ofSeconds(1));
        assertThat(others).allSatisfy(tokens -> assertThat(tokens).hasSize(1));
        assertThat(slow.most).isOne();
    }

    @Test
    @Tag("E23")
    void aLoginThatEndsReleasesNoSlotBecauseItHadNone() {
        TokenSession.Builder builder =
                herd().refreshesInFlight(1).onLoginRequired(reason -> Mono.just(endpoint.grant()));
        Token withoutRefreshToken = Token.builder("expired", clock.instant().minusSeconds(60))
                .expiresAt(clock.instant())
                .build();
        assertThat(ask(builder.build(withoutRefreshToken).token())).hasSize(1);
        for (int i = 0; i < 3; i++) {
            record(builder.build(endpoint.grant(Duration.ZERO)));
        }
        clock.advance(Duration.ofSeconds(1));
        assertThat(slow.requests).isEqualTo(3);
        assertThat(slow.most).isOne();
    }

    @Test
    void aBoundOfLessThanOneIsRefused() {
        TokenSession.Builder builder = herd();
        assertThatIllegalArgumentException().isThrownBy(() -> builder.refreshesInFlight(0));
    }

    @Test
    @Tag("E25")
    void anEndpointThatAsksItsOwnSessionForATokenGetsAnErrorAtOnce() {
        AtomicReference<TokenSession> own = new AtomicReference<>();
        List<String> seen = new ArrayList<>();
        TokenSession session = builder().build(endpoint.grant(Duration.ZERO));
        own.set(session);
        endpoint.then(presented -> own.get().token().doOnError(error -> seen.add(error.getMessage())));
        List<String> asked = ask(session.token());
        assertThat(asked).containsExactly(TokenUnavailableException.class.getSimpleName());
        assertThat(seen).singleElement().asString().contains("asks the session that it refreshes");
    }

    @Test
    @Tag("E21")
    void aRefreshSeesNothingOfTheThreadOfItsCaller() {
        ThreadLocal<String> user = new ThreadLocal<>();
        AtomicReference<String> seen = new AtomicReference<>("no one asked");
        AtomicReference<Thread> thread = new AtomicReference<>();
        Token expired = Token.builder("expired", Instant.EPOCH)
                .refreshToken("refresh")
                .expiresAt(Instant.EPOCH.plusSeconds(1))
                .build();
        TokenSession session = TokenSession.builder(endpoint).build(expired);
        endpoint.then(presented -> {
            seen.set(user.get());
            thread.set(Thread.currentThread());
            return Mono.just(endpoint.grant(Duration.ofDays(10_000)));
        });
        user.set("alice");
        session.token().block(Duration.ofSeconds(10));
        assertThat(seen.get()).isNull();
        assertThat(thread.get()).isNotSameAs(Thread.currentThread());
    }
}
