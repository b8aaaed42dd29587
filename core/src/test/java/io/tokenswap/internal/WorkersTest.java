package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
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
        workers.execute(NOTHING);
        DeepStack.overflow(() -> workers.execute(NOTHING), () -> {
            CountDownLatch ran = new CountDownLatch(1);
            workers.execute(ran::countDown);
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        });
    }
}
