package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;

/**
 * What inputs cost. Any single one that costs absurdly much is a failure; the rest is for people to read, because on a machine
 * that does something else too no number is certain.
 */
public final class Effort {

    private static final Duration ABSURD = Duration.ofSeconds(5);
    /** The first inputs load classes too. */
    private static final long ABSURD_BYTES = 64L << 20;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private long inputs;
    private long worstNanos;
    private long worstBytes;

    /** Does something with an input. */
    public void of(Runnable work) {
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        work.run();
        long nanos = System.nanoTime() - start;
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - bytes;
        inputs++;
        worstNanos = Math.max(worstNanos, nanos);
        worstBytes = Math.max(worstBytes, allocated);
        assertThat(nanos).as("nanoseconds for an input").isLessThan(ABSURD.toNanos());
        assertThat(allocated).as("bytes allocated for an input").isLessThan(ABSURD_BYTES);
    }

    @Override
    public String toString() {
        return "%,d inputs; the worst took %.1f ms and allocated %,d KiB"
                .formatted(inputs, worstNanos / 1e6, worstBytes >> 10);
    }
}
