package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Occupies threads of schedulers, as an application could, until it is disposed. */
public final class BusyThreads implements Disposable {

    private final Disposable.Composite tasks = Disposables.composite();
    private final CountDownLatch released = new CountDownLatch(1);
    private volatile boolean over;

    /** Occupies a number of a scheduler's threads, and returns when they are occupied. */
    public void occupy(Scheduler scheduler, int threads) {
        CountDownLatch occupied = new CountDownLatch(threads);
        for (int i = 0; i < threads; i++) {
            // A worker of the parallel scheduler is bound to one of its threads, in turn.
            tasks.add(scheduler.createWorker().schedule(() -> {
                occupied.countDown();
                while (!over && Schedulers.isInNonBlockingThread()) {
                    // Threads of Reactor must not block, but nothing stops them from being busy.
                }
                awaitRelease();
            }));
        }
        try {
            assertThat(occupied.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void dispose() {
        over = true;
        released.countDown();
        tasks.dispose();
    }

    private void awaitRelease() {
        try {
            if (!over) {
                released.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
