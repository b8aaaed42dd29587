package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.testing.BusyThreads;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

@Timeout(60)
class TimersTest {

    private final Scheduler timers = Timers.scheduler();
    private final BusyThreads busy = new BusyThreads();

    @AfterEach
    void releaseThreads() {
        busy.dispose();
    }

    @Test
    @Tag("E30")
    void aTimerRunsWhileTheApplicationOccupiesTheSharedSchedulers() {
        busy.occupy(Schedulers.single(), 1);
        busy.occupy(Schedulers.parallel(), Schedulers.DEFAULT_POOL_SIZE);

        assertThat(Mono.delay(Duration.ofMillis(1), timers).block()).isZero();
    }

    @Test
    @Tag("E30")
    void aTaskThatNeverEndsDelaysNoOtherTask() {
        busy.occupy(timers, 10);

        assertThat(Mono.delay(Duration.ofMillis(1), timers).block()).isZero();
    }

    @Test
    @Tag("E11")
    void aTimerRunsAfterCallersWhoseStackHadNoPlaceForATimer() throws Exception {
        Runnable nothing = () -> {};
        timers.schedule(nothing, 1, TimeUnit.MILLISECONDS);
        DeepStack.overflow(() -> timers.schedule(nothing, 1, TimeUnit.MILLISECONDS), () -> {
            CountDownLatch ran = new CountDownLatch(1);
            timers.schedule(ran::countDown, 1, TimeUnit.MILLISECONDS);
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
        });
    }

    @Test
    void aTaskWaitsWhileAllWorkersAreOccupiedAndIsNotLost() throws Exception {
        busy.occupy(timers, Workers.MOST);
        CountDownLatch ran = new CountDownLatch(2);
        timers.schedule(ran::countDown);
        timers.schedule(ran::countDown, 1, TimeUnit.MILLISECONDS);
        busy.dispose();

        assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    @Tag("E24")
    void timersOutliveTheSchedulersOfReactor() {
        Schedulers.shutdownNow();
        try {
            assertThat(Mono.delay(Duration.ofMillis(1), timers).block()).isZero();
        } finally {
            Schedulers.setFactory(new Schedulers.Factory() {});
        }
    }

    @Test
    void virtualTimeOfATestDoesNotReplaceThem() {
        VirtualTimeScheduler.getOrSet();
        try {
            assertThat(Mono.delay(Duration.ofMillis(1), timers).block()).isZero();
        } finally {
            VirtualTimeScheduler.reset();
        }
    }

    @Test
    void aDisposedTaskDoesNotRun() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        CountDownLatch later = new CountDownLatch(1);
        busy.occupy(timers, Workers.MOST);
        Disposable never = timers.schedule(runs::incrementAndGet, 1, TimeUnit.MILLISECONDS);
        timers.schedule(later::countDown, 1, TimeUnit.MILLISECONDS);
        never.dispose();
        busy.dispose();

        assertThat(later.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(never.isDisposed()).isTrue();
        assertThat(runs).hasValue(0);
    }

    @Test
    @Tag("E21")
    void aTaskInheritsNoThreadLocals() {
        InheritableThreadLocal<String> local = new InheritableThreadLocal<>();
        local.set("of the caller");
        AtomicInteger hooks = new AtomicInteger();
        Schedulers.onScheduleHook("timers", task -> {
            hooks.incrementAndGet();
            return task;
        });
        try {
            String seen = Mono.delay(Duration.ofMillis(1), timers)
                    .map(tick -> String.valueOf(local.get()))
                    .block();
            assertThat(seen).isEqualTo("null");
            assertThat(hooks).hasValue(0);
        } finally {
            Schedulers.resetOnScheduleHook("timers");
            local.remove();
        }
    }

    /** The threads of these timers may exist already, so that the test takes a copy of the classes, whose do not. */
    @Test
    @Tag("E21")
    void theFirstCallerLeavesNoThreadLocalsInTheThreads() throws Exception {
        InheritableThreadLocal<String> local = new InheritableThreadLocal<>();
        local.set("of the caller");
        URL classes = Timers.class.getProtectionDomain().getCodeSource().getLocation();
        try (Copies copies = new Copies(classes)) {
            Scheduler unused = (Scheduler) copies.loadClass(Timers.class.getName())
                    .getMethod("scheduler")
                    .invoke(null);
            assertThat(unused).isNotSameAs(timers);
            Mono<String> seen = Mono.fromSupplier(() -> String.valueOf(local.get()));
            assertThat(seen.subscribeOn(unused).block()).isEqualTo("null");
            assertThat(seen.delaySubscription(Duration.ofMillis(1), unused).block())
                    .isEqualTo("null");
        } finally {
            local.remove();
        }
    }

    /** Loads the classes of this package anew. */
    private static final class Copies extends URLClassLoader {

        Copies(URL classes) {
            super(new URL[] {classes}, TimersTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(Timers.class.getPackageName() + ".")) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded == null ? findClass(name) : loaded;
            }
        }
    }

    @Test
    void aWorkerRunsItsTasksOneAtATimeAndInOrder() {
        List<Integer> numbers =
                Flux.range(0, 10_000).publishOn(timers, 1).collectList().block();

        assertThat(numbers).hasSize(10_000).isSorted();
    }

    @Test
    void aWorkerContinuesAfterATaskThatThrows() throws Exception {
        Queue<String> ran = new ConcurrentLinkedQueue<>();
        CountDownLatch last = new CountDownLatch(1);
        Scheduler.Worker worker = timers.createWorker();
        worker.schedule(() -> {
            Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> ran.add(thrown.getMessage()));
            throw new IllegalStateException("expected");
        });
        worker.schedule(() -> ran.add("delayed"), 1, TimeUnit.MILLISECONDS);
        worker.schedule(last::countDown, 20, TimeUnit.MILLISECONDS);

        assertThat(last.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(ran).containsExactly("expected", "delayed");
    }

    @Test
    void aPeriodicTaskRunsUntilItIsDisposed() {
        assertThat(Flux.interval(Duration.ofMillis(1), timers)
                        .take(3)
                        .collectList()
                        .block())
                .containsExactly(0L, 1L, 2L);
    }
}
