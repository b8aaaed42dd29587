package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class WorkersTest {

    private static final Runnable NOTHING = () -> {};

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

    @AfterEach
    void end() {
        clock.shutdownNow();
    }

    private Workers workers() {
        return new Workers(
                task -> {
                    Thread thread = new Thread(task);
                    thread.setDaemon(true);
                    return thread;
                },
                clock);
    }

    @Test
    @Tag("E11")
    void runTasksAfterCallersWhoseStackHadNoPlaceForTheCall() throws InterruptedException {
        Workers workers = workers();
        workers.execute(NOTHING); // loads the classes
        for (int i = 0; i < 300; i++) {
            int frames = i % 16;
            Thread caller = new Thread(null, () -> shift(workers, frames, 0, 0), "deep", 200_000);
            caller.start();
            caller.join();
            CountDownLatch ran = new CountDownLatch(1);
            workers.execute(ran::countDown);
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** Moves the frames below, so that each caller runs out of its stack at other places. */
    private static void shift(Executor executor, int frames, long wide, long wider) {
        if (frames > 0) {
            shift(executor, frames - 1, wider, wide);
        } else {
            overflow(executor);
        }
    }

    /** Hands tasks over with hardly any stack, and again with some more of it, until there is enough. */
    private static void overflow(Executor executor) {
        try {
            overflow(executor);
        } catch (StackOverflowError deep) {
            executor.execute(NOTHING);
        }
    }
}
