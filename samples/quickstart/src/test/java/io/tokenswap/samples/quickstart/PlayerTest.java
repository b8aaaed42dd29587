package io.tokenswap.samples.quickstart;

import io.tokenswap.TokenSource;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.TokenSession;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** Test of an application's code in virtual time. */
class PlayerTest {
    VirtualClock clock = new VirtualClock();
    ScriptedEndpoint exchange = new ScriptedEndpoint(clock, Duration.ofHours(1));
    TokenSession session = clock.session(exchange).build(exchange.grant());
    Player player = new Player(session);

    @Test
    void anOutageIsReportedAndEnds() {
        clock.advance(Duration.ofHours(2));
        exchange.thenFail(ScriptedEndpoint.notSent());
        StepVerifier.create(player.titles()).verifyError(TokenUnavailableException.class);
        clock.advance(Duration.ofMinutes(1));
        StepVerifier.create(player.titles()).expectNext("by access-2").verifyComplete();
    }

    record Player(TokenSource tokens) { // the code under test
        Flux<String> titles() {
            return tokens.withTokenMany(
                    token -> Flux.just("by " + token.accessToken().secret()));
        }
    }
}
