package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ThrottledSessionTest {

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
    private final TokenSession session = TokenSession.builder(endpoint)
            .clock(clock)
            .scheduler(clock.scheduler())
            .random(() -> 0)
            .build(endpoint.grant(Duration.ZERO));

    private TokenUnavailableException refused() {
        return catchThrowableOfType(
                TokenUnavailableException.class, () -> session.token().block(Duration.ofSeconds(10)));
    }

    @Test
    @Tag("B45")
    void nextAttemptWaitsForAsLongAsTheServerAsks() {
        endpoint.thenFail(ScriptedEndpoint.throttled(clock.instant().plusSeconds(5)));
        assertThat(refused().reason()).isEqualTo(TokenUnavailableException.Reason.THROTTLED);

        clock.advance(Duration.ofMillis(5_000));
        assertThat(refused()).isNotNull();
        assertThat(endpoint.refreshes()).isEqualTo(1);

        clock.advance(Duration.ofMillis(2_500)); // what many were told at the same time is spread
        assertThat(session.token().block(Duration.ofSeconds(10))).isNotNull();
    }

    @Test
    @Tag("B47")
    void withoutAHintTheNextAttemptWaitsForTheDefaultBackoff() {
        endpoint.thenFail(ScriptedEndpoint.throttled(null)).thenFail(ScriptedEndpoint.throttled(null));

        for (Duration backoff : List.of(Duration.ofSeconds(1), Duration.ofSeconds(2))) {
            TokenUnavailableException refused = refused();
            assertThat(refused.reason()).isEqualTo(TokenUnavailableException.Reason.THROTTLED);
            assertThat(refused.retryAt()).isEqualTo(clock.instant().plus(backoff));
            clock.advance(backoff.minusMillis(1));
            assertThat(refused()).isNotNull();
            clock.advance(Duration.ofMillis(1));
        }
        assertThat(session.token().block(Duration.ofSeconds(10))).isNotNull();
        assertThat(endpoint.refreshes()).isEqualTo(3);
    }

    @Test
    @Tag("B47")
    void noCallerWaitsForALongPauseAndTheErrorNamesItsEnd() {
        Instant tomorrow = clock.instant().plus(Duration.ofDays(1));
        endpoint.thenFail(ScriptedEndpoint.throttled(tomorrow));

        for (int i = 0; i < 3; i++) {
            TokenUnavailableException refused = refused();
            assertThat(refused.reason()).isEqualTo(TokenUnavailableException.Reason.THROTTLED);
            assertThat(refused.retryAt())
                    .isEqualTo(tomorrow.plus(Duration.ofDays(1).dividedBy(10)));
            clock.advance(Duration.ofHours(7));
        }
        assertThat(endpoint.refreshes()).isEqualTo(1);
    }
}
