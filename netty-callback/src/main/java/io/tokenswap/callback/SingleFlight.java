package io.tokenswap.callback;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Runs a source once for all subscribers that come while it runs. Cancelling affects no other subscriber; the last one to cancel
 * cancels the source. When the source has ended, the next subscriber runs it again.
 *
 * <p>{@code Mono.share()} would never cancel, and a {@code refCount()} can end a subscriber that joins while the last of the
 * others leaves: here, joining and leaving are one compare-and-set each.
 */
final class SingleFlight<T> {

    /** One subscription to the source. */
    private record Run<T>(Sinks.One<T> result, Disposable.Swap subscription) {}

    /** The run that can be joined, if any, and how many wait for it. */
    private record State<T>(@Nullable Run<T> run, int waiting) {}

    private final Mono<T> source;
    private final AtomicReference<State<T>> state = new AtomicReference<>(new State<>(null, 0));

    SingleFlight(Mono<T> source) {
        this.source = source;
    }

    Mono<T> join() {
        return Mono.defer(() -> {
            State<T> joined = state.updateAndGet(now -> now.run == null
                    ? new State<>(new Run<>(Sinks.one(), Disposables.swap()), 1)
                    : new State<>(now.run, now.waiting + 1));
            Run<T> run = Objects.requireNonNull(joined.run);
            if (joined.waiting == 1) {
                start(run);
            }
            return run.result.asMono().doFinally(signal -> leave(run));
        });
    }

    private void start(Run<T> run) {
        run.subscription.update(source.doOnTerminate(() -> forget(run))
                .subscribe(run.result::tryEmitValue, run.result::tryEmitError, run.result::tryEmitEmpty));
    }

    /** Called before any subscriber learns of the end, so that a subscriber that tries again runs the source again. */
    private void forget(Run<T> run) {
        state.updateAndGet(now -> run.equals(now.run) ? new State<>(null, 0) : now);
    }

    private void leave(Run<T> run) {
        State<T> before = state.getAndUpdate(now -> !run.equals(now.run)
                ? now
                : now.waiting == 1 ? new State<>(null, 0) : new State<>(run, now.waiting - 1));
        if (run.equals(before.run) && before.waiting == 1) {
            run.subscription.dispose();
        }
    }
}
