package io.tokenswap;

import io.tokenswap.testing.Effort;
import io.tokenswap.testing.Mutations;
import org.junit.jupiter.api.Test;

/** The short form of what {@code AnyRedirectFuzz} does for as long as one likes. */
class AnyRedirectTest {

    private static final int TRIES = 2_000;

    @Test
    void everyQueryIsJudged() {
        Effort effort = new Effort();
        Mutations.of(AnyRedirect.seeds()).limit(TRIES).forEach(input -> AnyRedirect.check(input, effort));
        System.out.println("Redirects: " + effort);
    }
}
