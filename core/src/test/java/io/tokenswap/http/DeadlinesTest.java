package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.test.StepVerifier;

@Timeout(60)
class DeadlinesTest {

    /** Keeps the timers that it is asked for, and runs one when told to. */
    private static final class Timers implements Scheduler {

        private record Timer(Runnable task, Duration delay, Disposable disposable) {}

        private final List<Timer> timers = new ArrayList<>();

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            timers.add(new Timer(task, Duration.ofNanos(unit.toNanos(delay)), Disposables.single()));
            return timers.get(timers.size() - 1).disposable();
        }

        @Override
        public Disposable schedule(Runnable task) {
            throw new AssertionError("Nothing runs at once");
        }

        @Override
        public Worker createWorker() {
            throw new AssertionError("Nothing needs a worker");
        }

        private void run(int timer) {
            timers.get(timer).task().run();
        }

        private List<Boolean> disposed() {
            return timers.stream().map(timer -> timer.disposable().isDisposed()).toList();
        }
    }

    private final Timers timers = new Timers();
    private final Deadlines deadlines = new Deadlines(Duration.ofSeconds(15), () -> timers);

    private <T> Mono<T> limited(Mono<T> request) {
        return request.timeout(deadlines.next());
    }

    @Test
    void aRequestFailsWhenItsTimeIsOver() {
        StepVerifier.create(limited(Mono.never()))
                .then(() -> assertThat(timers.timers.get(0).delay()).isEqualTo(Duration.ofSeconds(15)))
                .then(() -> timers.run(0))
                .verifyErrorSatisfies(error ->
                        assertThat(error).isInstanceOf(TimeoutException.class).hasMessageContaining("PT15S"));
    }

    @Test
    void eachRequestHasItsOwnTime() {
        Mono<String> slow = limited(Mono.never());
        Sinks.One<String> answer = Sinks.one();
        StepVerifier late =
                StepVerifier.create(slow).expectError(TimeoutException.class).verifyLater();
        StepVerifier early = StepVerifier.create(limited(answer.asMono()))
                .expectNext("answer")
                .expectComplete()
                .verifyLater();
        timers.run(0);
        late.verify();
        answer.tryEmitValue("answer");
        early.verify();
    }

    /** For it keeps the thread of the timers from being woken for the next one. */
    @Test
    void theTimerOfTheLastRequestIsLeftAndNoOther() {
        limited(Mono.just("a")).block(Duration.ZERO);
        assertThat(timers.disposed()).containsExactly(false);
        limited(Mono.just("b")).block(Duration.ZERO);
        assertThat(timers.disposed()).containsExactly(true, false);
        limited(Mono.error(new IllegalStateException())).onErrorComplete().block(Duration.ZERO);
        limited(Mono.never()).subscribe().dispose();
        assertThat(timers.disposed()).containsExactly(true, true, true, false);
    }

    @Test
    void aTimerThatWasLeftDoesNothing() {
        List<Object> signals = new ArrayList<>();
        limited(Mono.just("a")).subscribe(signals::add, signals::add);
        timers.run(0);
        assertThat(signals).containsExactly("a");
    }
}
