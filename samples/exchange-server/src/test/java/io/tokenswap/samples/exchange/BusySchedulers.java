package io.tokenswap.samples.exchange;

import java.util.concurrent.CountDownLatch;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Occupies all threads of Reactor's shared schedulers, as a program around the server could, until it is disposed. */
final class BusySchedulers implements Disposable {

    private final Disposable.Composite tasks = Disposables.composite();
    private final CountDownLatch released = new CountDownLatch(1);
    private volatile boolean over;

    BusySchedulers() {
        occupy(Schedulers.single(), 1);
        occupy(Schedulers.parallel(), Schedulers.DEFAULT_POOL_SIZE);
        occupy(Schedulers.boundedElastic(), Schedulers.DEFAULT_BOUNDED_ELASTIC_SIZE);
    }

    /** A task that comes later waits behind these, whether or not they have begun. */
    private void occupy(Scheduler scheduler, int threads) {
        for (int i = 0; i < threads; i++) {
            tasks.add(scheduler.createWorker().schedule(() -> {
                while (!over && Schedulers.isInNonBlockingThread()) {
                    // Threads of Reactor must not block, but nothing stops them from being busy.
                }
                awaitRelease();
            }));
        }
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

    @Override
    public void dispose() {
        over = true;
        released.countDown();
        tasks.dispose();
    }
}
