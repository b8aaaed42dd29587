package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random runs of nodes on one store keep the guarantees of its protocol. */
class StoreModelTest {

    /** The seeds of the build, in parts so that a failure does not hide all others. */
    @ParameterizedTest(name = "seeds from {0}")
    @ValueSource(longs = {0, 100, 200, 300, 400})
    @Tag("E27")
    @Tag("E97")
    void nodesOnOneStoreKeepItsGuarantees(long first) {
        check(first, first + 100);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {3, 6, 9, 19, 7_737})
    @Tag("E27")
    void aSeedTellsTheSameStoryEachTime(long seed) {
        StoreRun first = new StoreRun(seed);
        StoreRun second = new StoreRun(seed);
        first.run();
        second.run();
        assertThat(first.story()).hasSizeGreaterThan(50).isEqualTo(second.story());
    }

    /** A store that fails at once, while the lease is too old to present under it. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1115, 1135})
    @Tag("E27")
    void aNodeThatRepeatsItsOwnPresentationWithoutTheStoreComesToAnEnd(long seed) {
        check(seed, seed + 1);
    }

    @Test
    @Tag("stress")
    @Tag("E27")
    @Timeout(value = 60, unit = TimeUnit.MINUTES)
    void nodesOnOneStoreKeepItsGuaranteesForVeryLong() {
        long first = Long.getLong("seed", 1_000);
        check(first, first + Long.getLong("seeds", 20_000));
    }

    private static void check(long first, long end) {
        List<String> violations = new ArrayList<>();
        LongStream.range(first, end).forEach(seed -> {
            String violation = new StoreRun(seed).run();
            if (violation != null) {
                violations.add(violation);
            }
        });
        assertThat(violations)
                .as(() -> violations.size() + " of " + (end - first) + " runs, the first: " + violations.get(0))
                .isEmpty();
    }
}
