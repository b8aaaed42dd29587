package io.tokenswap.session;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Runs steps of one key one after another. A step that has begun runs to its end whether or not its caller waits for
 * it: a write that is given up may still arrive, and must not arrive after the next one. A step that was cancelled
 * before its turn never begins.
 */
final class Turns {

    /** A key is present while one of its steps runs; its queue holds those that wait. */
    private final Map<String, Queue<Step<?>>> waiting = new HashMap<>();

    <T> Mono<T> run(String key, Supplier<Mono<T>> work) {
        return Mono.defer(() -> {
            Step<T> step = new Step<>(work);
            if (isFirst(key, step)) {
                runAll(key, step);
            }
            return step.result.asMono().doOnCancel(() -> forget(key, step));
        });
    }

    private synchronized boolean isFirst(String key, Step<?> step) {
        Queue<Step<?>> queue = waiting.get(key);
        if (queue == null) {
            waiting.put(key, new ArrayDeque<>(1));
            return true;
        }
        queue.add(step);
        return false;
    }

    private synchronized void forget(String key, Step<?> step) {
        Queue<Step<?>> queue = waiting.get(key);
        if (queue != null) {
            queue.remove(step);
        }
    }

    private synchronized @Nullable Step<?> next(String key) {
        Queue<Step<?>> queue = waiting.get(key);
        Step<?> next = queue == null ? null : queue.poll();
        if (next == null) {
            waiting.remove(key);
        }
        return next;
    }

    /** In a loop, so that many steps that end at once do not need a deep stack. */
    private void runAll(String key, Step<?> first) {
        Step<?> step = first;
        while (step != null
                && step.endsAtOnce(() -> {
                    Step<?> next = next(key);
                    if (next != null) {
                        runAll(key, next);
                    }
                })) {
            step = next(key);
        }
    }

    private static final class Step<T> {

        private final Supplier<Mono<T>> work;
        private final Sinks.One<T> result = Sinks.one();
        private boolean ended;
        private boolean returned;

        Step(Supplier<Mono<T>> work) {
            this.work = work;
        }

        /** Runs the step. True if it has ended already; otherwise the action runs when it ends. */
        boolean endsAtOnce(Runnable later) {
            Mono.defer(work)
                    .doFinally(signal -> {
                        if (endsAfterReturn()) {
                            later.run();
                        }
                    })
                    .subscribe(result::tryEmitValue, result::tryEmitError, result::tryEmitEmpty);
            return returnsAfterEnd();
        }

        private synchronized boolean endsAfterReturn() {
            ended = true;
            return returned;
        }

        private synchronized boolean returnsAfterEnd() {
            returned = true;
            return ended;
        }
    }
}
