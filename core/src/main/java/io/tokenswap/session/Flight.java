package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.publisher.Sinks;

/**
 * One attempt to obtain the next token, on behalf of the session and of nobody else. Its identity is the fence: a state takes
 * a result only from the flight that it names.
 */
final class Flight {

    private final @Nullable LoginRequiredException reason;
    private final Set<MonoSink<Void>> waiters = ConcurrentHashMap.newKeySet();
    private final Sinks.Empty<Void> finished = Sinks.empty();
    private final Disposable.Swap subscription = Disposables.swap();
    private volatile boolean settled;

    private Flight(@Nullable LoginRequiredException reason) {
        this.reason = reason;
    }

    /** An attempt to refresh. */
    static Flight refresh() {
        return new Flight(null);
    }

    /** An attempt to have the user sign in again. */
    static Flight login(LoginRequiredException reason) {
        return new Flight(reason);
    }

    /** Why the user is asked to sign in; null for a refresh. */
    @Nullable LoginRequiredException loginReason() {
        return reason;
    }

    /** Completes when the session has moved on, with this flight's result or without: look at its state then. */
    Mono<Void> settled() {
        return Mono.create(waiter -> {
            waiters.add(waiter);
            waiter.onDispose(() -> waiters.remove(waiter));
            if (settled) { // perhaps since before it was added
                waiter.success();
            }
        });
    }

    /** Completes when nothing of this flight is under way any more, the store included. */
    Mono<Void> finished() {
        return finished.asMono();
    }

    void settle() {
        settled = true;
        for (MonoSink<Void> waiter : waiters) {
            Guarded.run(waiter::success, waiter.contextView());
        }
    }

    void runsOn(Disposable running) {
        subscription.update(running);
    }

    /** Ends a login that nobody wants any more. A refresh is never cancelled: the server may have replaced the token. */
    void cancelLogin() {
        if (reason != null) {
            subscription.dispose();
        }
    }

    void finish() {
        finished.tryEmitEmpty();
    }
}
