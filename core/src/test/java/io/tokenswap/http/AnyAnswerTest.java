package io.tokenswap.http;

import io.tokenswap.testing.Effort;
import io.tokenswap.testing.Mutations;
import org.junit.jupiter.api.Test;

/** The short form of what {@code AnyAnswerFuzz} does for as long as one likes. */
class AnyAnswerTest {

    private static final int TRIES = 2_000;

    @Test
    void everyAnswerHasADeclaredOutcome() {
        Effort effort = new Effort();
        Mutations.of(AnyAnswer.seeds()).limit(TRIES).forEach(input -> AnyAnswer.check(input, effort));
        System.out.println("Responses: " + effort);
    }
}
