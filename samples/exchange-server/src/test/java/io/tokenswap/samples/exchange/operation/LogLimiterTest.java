package io.tokenswap.samples.exchange.operation;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.spi.FilterReply;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("E60")
class LogLimiterTest {

    private final AtomicLong now = new AtomicLong();
    private final LogLimiter limiter = new LogLimiter(now::get);
    private final LoggerContext context = new LoggerContext();

    @Test
    void tenLinesOfAKindPassInAMinuteAndTheRestIsCounted() {
        long before = LogLimiter.leftOut();

        assertThat(IntStream.range(0, 10_000)
                        .filter(i -> passes("The provider failed: {}", i))
                        .count())
                .isEqualTo(10);
        assertThat(passes("Something else: {}", 1)).isTrue();
        assertThat(LogLimiter.leftOut() - before).isEqualTo(9_990);

        now.addAndGet(Duration.ofMinutes(1).toNanos() - 1);
        assertThat(passes("The provider failed: {}", 1)).isFalse();
        now.incrementAndGet();
        assertThat(passes("The provider failed: {}", 1)).isTrue();
    }

    @Test
    void messagesThatDifferEachTimeTakeNoMemory() {
        long passed =
                IntStream.range(0, 10_000).filter(i -> passes("Line " + i, i)).count();

        assertThat(passed).isLessThan(1_100);
    }

    @Test
    void linesAboutManyConnectionsAreOneKind() {
        assertThat(IntStream.range(0, 100)
                        .filter(i -> passes("[" + i + ", L:/127.0.0.1:8080] The connection observed an error", i))
                        .count())
                .isEqualTo(10);
        assertThat(passes("[an aside", 1)).isTrue();
        assertThat(passes("[other] message", 1)).isTrue();
    }

    private boolean passes(String message, int argument) {
        return limiter.decide(new LoggingEvent(
                        "test", context.getLogger("test"), Level.WARN, message, null, new Object[] {argument}))
                != FilterReply.DENY;
    }
}
