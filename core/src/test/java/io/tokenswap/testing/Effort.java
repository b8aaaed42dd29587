package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * What inputs cost in time of the processor, which neighbours do not change, and in memory. Any single one that costs
 * more than it may is a failure; the rest is for people to read. An input that seems to be the worst so far is done
 * again a few times, and its best try counts: the others pay for the loading and the compiling of classes.
 */
public final class Effort {

    private static final Duration ABSURD = Duration.ofSeconds(5);
    private static final long ABSURD_BYTES = 64L << 20;
    private static final int TRIES = 5;
    private static final int TRIES_BEFORE_FAILURE = 100;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Duration longest;
    private final long start = System.nanoTime();
    private long inputs;
    private long worstNanos;
    private long worstBytes;

    /** Refuses what is absurd on any machine. */
    public Effort() {
        this(ABSURD);
    }

    /**
     * Refuses what takes too long.
     *
     * @param longest how long an input may take
     */
    public Effort(Duration longest) {
        this.longest = longest;
    }

    /**
     * Does something with an input, and does the same again when it seems costly.
     *
     * @return what came of it the last time
     */
    public <T> T of(Supplier<T> work) {
        inputs++;
        T result = null;
        long nanos = Long.MAX_VALUE;
        long bytes = Long.MAX_VALUE;
        for (int tries = 0; tries < tries(nanos, bytes); tries++) {
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            long started = THREADS.getCurrentThreadCpuTime();
            result = work.get();
            nanos = Math.min(nanos, THREADS.getCurrentThreadCpuTime() - started);
            bytes = Math.min(bytes, THREADS.getCurrentThreadAllocatedBytes() - allocated);
        }
        worstNanos = Math.max(worstNanos, nanos);
        worstBytes = Math.max(worstBytes, bytes);
        assertThat(nanos).as("nanoseconds for an input").isLessThan(longest.toNanos());
        assertThat(bytes).as("bytes allocated for an input").isLessThan(ABSURD_BYTES);
        return result;
    }

    private int tries(long nanos, long bytes) {
        if (nanos >= longest.toNanos() || bytes >= ABSURD_BYTES) {
            return TRIES_BEFORE_FAILURE;
        }
        return nanos > worstNanos || bytes > worstBytes ? TRIES : 1;
    }

    @Override
    public String toString() {
        return "%,d inputs in %,d s; the worst took %.1f ms and allocated %,d KiB"
                .formatted(inputs, (System.nanoTime() - start) / 1_000_000_000, worstNanos / 1e6, worstBytes >> 10);
    }
}
