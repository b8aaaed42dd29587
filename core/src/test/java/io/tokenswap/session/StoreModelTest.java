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

/**
 * Random runs of nodes on one store keep the guarantees of its protocol. A run is named by its seed and has the same events
 * each time.
 *
 * <p>Each rule of the protocol was taken out of the code once, to see a run fail. The first seeds that did:
 *
 * <table>
 *   <caption>Rules and the seeds that need them</caption>
 *   <tr><th>Rule</th><th>Seeds</th></tr>
 *   <tr><td>wait: a mark is passed over shortly before the token is stale</td><td>37, 38</td></tr>
 *   <tr><td>calm: a mark is passed over after ten seconds of reachable store</td><td>8, 138</td></tr>
 *   <tr><td>age of the mark: it is passed over at once within the grace only</td><td>45, 138</td></tr>
 *   <tr><td>the lease is checked before each repeat</td><td>8, 16</td></tr>
 *   <tr><td>a record is replaced by a greater version only</td><td>6, 8</td></tr>
 *   <tr><td>versions are compared by the time of the login first</td><td>0, 5</td></tr>
 *   <tr><td>the time of a login is when it happened, not when it is written</td><td>8, 17</td></tr>
 *   <tr><td>the time of a login is that of the store's clock, not of the node's</td><td>17, 195</td></tr>
 *   <tr><td>a lost record is put back</td><td>19, 69</td></tr>
 *   <tr><td>a look at the record after a reconnect</td><td>69, 139</td></tr>
 *   <tr><td>a look for a successor after a refusal</td><td>7, 15</td></tr>
 *   <tr><td>the save ends the lease in one step</td><td>35, 108</td></tr>
 *   <tr><td>a mark is left by each presentation</td><td>7, 8</td></tr>
 *   <tr><td>a mark stays when a repeat was not processed</td><td>228</td></tr>
 *   <tr><td>a mark that was seen is remembered when the store loses it</td><td>3229</td></tr>
 *   <tr><td>another successor of the refused token is used</td><td>708</td></tr>
 *   <tr><td>the lease is extended until the result is saved</td><td>35, 108</td></tr>
 *   <tr><td>a result is published when it is saved</td><td>0, 2</td></tr>
 *   <tr><td>a busy lease is waited for</td><td>0, 1</td></tr>
 *   <tr><td>a save is repeated</td><td>5, 8</td></tr>
 *   <tr><td>a login is in force before it is written, and not when its write ends</td><td>606, 758</td></tr>
 *   <tr><td>the store's clock is read again after a hold-up</td><td>62208</td></tr>
 *   <tr><td>a response that waited until the limit is used</td><td>28915</td></tr>
 *   <tr><td>a session that needs a login looks at the store</td><td>5, 7</td></tr>
 *   <tr><td>a refusal by the provider is no sign-out</td><td>6, 15</td></tr>
 * </table>
 */
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
    void aSeedRepeatsItsStory(long seed) {
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

    /** Runs that need a rule which no run of the first five hundred needs. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {708, 3229})
    @Tag("E27")
    void rareEventsKeepItsGuarantees(long seed) {
        check(seed, seed + 1);
    }

    /**
     * Runs that failed once. A response that waited for a process until shortly after the limit was not used (28,915), a
     * login got the time of a store that was held up (62,208), and a pause came between the look at the lease and the
     * request (6,466). The others had faults that the checks did not excuse.
     */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {6_466, 28_915, 29_628, 41_545, 43_025, 57_915, 62_208, 69_887, 79_298, 104_317, 108_166})
    @Tag("E27")
    @Tag("E08")
    @Tag("E20")
    void runsThatFailedOnceKeepItsGuarantees(long seed) {
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
