package io.tokenswap.http;

import io.tokenswap.testing.Effort;
import io.tokenswap.testing.Mutations;
import org.junit.jupiter.api.Test;

/** The short form of what {@code AnyResponseFuzz} does for as long as one likes. */
class AnyResponseTest {

    private static final int TRIES = 2_000;

    @Test
    void everyResponseHasADeclaredOutcome() {
        Effort effort = new Effort();
        Mutations.of(AnyResponse.seeds()).limit(TRIES).forEach(input -> AnyResponse.check(input, effort));
        System.out.println("Responses: " + effort);
    }
}
