package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Half a year of a computer that sleeps often and whose clock is set forward and back at random. Timers and the monotonic
 * clock stand still while the computer sleeps.
 */
class HalfYearTest {

    private static final Duration HALF_A_YEAR = Duration.ofDays(180);
    private static final Duration LIFETIME = Duration.ofHours(1);

    /** The longest slice of a timer, and a second. */
    private static final Duration NOTICED = Duration.ofSeconds(31);

    @Test
    @Tag("E10")
    void noTokenIsHandedOutPastItsEndAndEachIsReplacedInTime() {
        LongStream.range(0, 20).forEach(seed -> new Run(seed).run());
    }

    @Test
    @Tag("E10")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void noTokenIsHandedOutPastItsEndInThreeThousandRuns() {
        LongStream.range(1_000, 4_000).forEach(seed -> new Run(seed).run());
    }

    private static final class Run {

        private final long seed;
        private final Random random;
        private final VirtualClock clock = new VirtualClock();
        private final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, LIFETIME);
        private final TokenSession session;

        /** The monotonic time at which each token was granted, by its secret. */
        private final Map<String, Long> granted = new HashMap<>();

        private @Nullable Token last;
        private int jumps;
        private int received;

        Run(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
            this.session = clock.session(endpoint).random(random::nextDouble).build(endpoint.grant());
        }

        private long elapsed() {
            return clock.scheduler().now(TimeUnit.MILLISECONDS);
        }

        void run() {
            session.tokens().subscribe(token -> {
                received++;
                last = token;
                check("the subscriber", token);
            });
            Duration left = HALF_A_YEAR;
            Duration awake = Duration.ZERO;
            while (!left.isNegative()) {
                Duration step;
                int dice = random.nextInt(10);
                if (dice < 5) {
                    step = Duration.ofMillis(1 + random.nextInt(600_000)); // awake
                    awake = awake.plus(step);
                    clock.advance(step);
                } else if (dice < 8) {
                    step = Duration.ofMinutes(1 + random.nextInt(random.nextInt(1_200) + 1)); // asleep
                    clock.jump(step);
                    jumps++;
                } else { // the clock is set
                    step = Duration.ZERO;
                    clock.jump(Duration.ofMillis(random.nextInt(6 * 3_600_000) - 3 * 3_600_000));
                    jumps++;
                }
                left = left.minus(step);
                if (random.nextBoolean()) {
                    check("a caller", session.token().block(Duration.ZERO));
                }
                if (step.compareTo(NOTICED) > 0 && dice < 5) {
                    check("the subscriber after " + step, last);
                }
            }
            // At the latest a fifth of the lifetime before the end, at the earliest that and the jitter.
            long most = awake.dividedBy(Duration.ofMinutes(48)) + 2L * jumps + 1;
            assertThat((long) received).as(name()).isBetween(awake.dividedBy(LIFETIME), most);
            session.dispose();
            assertThat(clock.timers()).as(name()).isZero();
        }

        private String name() {
            return "seed " + seed;
        }

        /** A token is past its end when either clock says so. */
        private void check(String who, @Nullable Token token) {
            assertThat(token).as(name()).isNotNull();
            long since = granted.computeIfAbsent(token.accessToken().secret(), first -> elapsed());
            Instant now = clock.instant();
            assertThat(now).as("%s: %s, by the wall clock", name(), who).isBefore(token.expiresAt());
            assertThat(elapsed() - since)
                    .as("%s: %s, by the monotonic clock", name(), who)
                    .isLessThan(LIFETIME.toMillis());
        }
    }
}
