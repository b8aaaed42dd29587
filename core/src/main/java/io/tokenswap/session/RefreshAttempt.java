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
 * One attempt to obtain the next token, on behalf of the session and of no caller. The identity of an attempt is the fence: a phase
 * accepts a result only from the attempt that it names.
 */
final class RefreshAttempt {

    /** Purpose of an attempt. */
    enum Kind {
        /** Refreshes the token. */
        REFRESH,
        /** Asks the user to sign in, by the hook of the application. */
        SIGN_IN,
        /** Looks at the store, where another node may have signed in. Sends no request to the server. */
        LOOK
    }

    private final Kind kind;
    private final @Nullable LoginRequiredException reason;
    private final Set<MonoSink<Void>> waiters = ConcurrentHashMap.newKeySet();
    private final Sinks.Empty<Void> finished = Sinks.empty();
    private final Disposable.Swap subscription = Disposables.swap();
    private volatile boolean settled;
    private volatile Runnable onWaiter = () -> {};
    private volatile Runnable onFinish = () -> {};

    private RefreshAttempt(Kind kind, @Nullable LoginRequiredException reason) {
        this.kind = kind;
        this.reason = reason;
    }

    static RefreshAttempt refresh() {
        return new RefreshAttempt(Kind.REFRESH, null);
    }

    static RefreshAttempt look() {
        return new RefreshAttempt(Kind.LOOK, null);
    }

    static RefreshAttempt signIn(LoginRequiredException reason) {
        return new RefreshAttempt(Kind.SIGN_IN, reason);
    }

    Kind kind() {
        return kind;
    }

    /** Returns why the user is asked to sign in; null for other attempts. */
    @Nullable LoginRequiredException reason() {
        return reason;
    }

    /** Completes when the session has moved on, with the result of this attempt or without. Waiters then read the phase again. */
    Mono<Void> settled() {
        return Mono.create(waiter -> {
            waiters.add(waiter);
            onWaiter.run();
            waiter.onDispose(() -> waiters.remove(waiter));
            if (settled) { // settle() may have run before the waiter was added
                waiter.success();
            }
        });
    }

    /** Completes when nothing of this attempt is in flight any more. */
    Mono<Void> finished() {
        return finished.asMono();
    }

    void settle() {
        settled = true;
        for (MonoSink<Void> waiter : waiters) {
            SafeCall.run(waiter::success, waiter.contextView());
        }
    }

    void runsOn(Disposable running) {
        subscription.update(running);
    }

    /** Cancels a login that is not wanted any more. A refresh is never cancelled: the server may have replaced the refresh token. */
    void cancelSignIn() {
        if (kind == Kind.SIGN_IN) {
            subscription.dispose();
        }
    }

    boolean hasWaiters() {
        return !waiters.isEmpty();
    }

    /** Sets the action that runs when a caller begins to wait. */
    void onWaiter(Runnable action) {
        onWaiter = action;
        if (hasWaiters()) { // since before the action was set
            action.run();
        }
    }

    /** Sets the action that runs once when nothing is in flight any more. */
    void onFinish(Runnable action) {
        onFinish = action;
    }

    void finish() {
        if (finished.tryEmitEmpty() == Sinks.EmitResult.OK) {
            onFinish.run();
        }
    }
}
