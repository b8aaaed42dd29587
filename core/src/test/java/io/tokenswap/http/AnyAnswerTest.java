package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.testing.Effort;
import io.tokenswap.testing.Mutations;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The short form of what {@code AnyAnswerFuzz} does for as long as one likes. */
class AnyAnswerTest {

    private static final int TRIES = 2_000;

    @Test
    void everyAnswerHasADeclaredOutcome() {
        Effort effort = new Effort();
        Mutations.of(AnyAnswer.seeds()).limit(TRIES).forEach(input -> AnyAnswer.check(input, effort));
        System.out.println("Answers: " + effort);
    }

    @Test
    void aServerThatNearlyRepeatsALongTokenOfItsOwnGainsNoTime() {
        Peer peer = new Peer("server", URI.create("https://exchange.test/refresh"), "");
        Token token = Token.builder("access", Samples.NOW)
                .refreshToken("a".repeat(60_000))
                .build();
        TokenRequest request = TokenRequest.refresh(peer, Encoding.FORM, token);

        assertThat(new Effort(Duration.ofMillis(200)).of(() -> request.isEchoedIn("aaaaaaaaaaaaaaab".repeat(4_000))))
                .isFalse();
    }
}
