package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * One attempt to obtain the next token, on behalf of the session and of no caller. The identity of an attempt is the
 * fence: a phase accepts a result only from the attempt that it names.
 */
final class RefreshAttempt implements CallBatch.Calls {

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

    // The callers that wait, in the order in which they came. This list and what follows are guarded by this object. No
    // call to
    // foreign code happens under that lock.
    private @Nullable WaitingCaller first;
    private @Nullable WaitingCaller last;
    private boolean settled;
    private boolean finished;
    private Sinks.@Nullable Empty<Void> end;

    /** The subscription of the running attempt; null before its start and after its end. */
    private @Nullable Subscription running;

    private boolean cancelled;

    /** The place of this attempt among those that wait for a slot; null if it never waited. */
    private volatile RefreshSlots.@Nullable Ticket ticket;

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

    /** Lets a caller wait until the session has moved on, with the result of this attempt or without. False if it has. */
    boolean add(WaitingCaller caller) {
        synchronized (this) {
            if (settled) {
                return false;
            }
            caller.attempt = this;
            caller.previous = last;
            if (last == null) {
                first = caller;
            } else {
                last.next = caller;
            }
            last = caller;
        }
        RefreshSlots.Ticket waiting = ticket;
        if (waiting != null) {
            waiting.promote();
        }
        return true;
    }

    @SuppressWarnings("ReferenceEquality") // this very attempt
    synchronized void remove(WaitingCaller caller) {
        if (caller.attempt != this) {
            return;
        }
        WaitingCaller before = caller.previous;
        WaitingCaller after = caller.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previous = before;
        }
        caller.attempt = null;
        caller.previous = null;
        caller.next = null;
    }

    /** Lets all callers read the phase again, by other threads. */
    void settle(Executor calls) {
        WaitingCaller only = null;
        synchronized (this) {
            settled = true;
            if (first == null) {
                return;
            }
            if (first.next == null) {
                only = first;
                remove(only);
            }
        }
        if (only == null) {
            CallBatch.run(calls, this);
        } else {
            calls.execute(only);
        }
    }

    /** Returns the next caller to serve. */
    @Override
    public synchronized @Nullable Runnable next() {
        WaitingCaller caller = first;
        if (caller != null) {
            remove(caller);
        }
        return caller;
    }

    @Override
    public boolean hasNext() {
        return hasWaiters();
    }

    synchronized boolean hasWaiters() {
        return first != null;
    }

    /** Promotes the ticket of this attempt when a caller begins to wait. */
    void onWaiter(RefreshSlots.Ticket waiting) {
        ticket = waiting;
        if (hasWaiters()) { // since before the ticket was set
            waiting.promote();
        }
    }

    void runsOn(Subscription subscription) {
        synchronized (this) {
            running = subscription;
            if (!cancelled) {
                return;
            }
        }
        subscription.cancel();
    }

    /** Cancels a login that is not wanted any more. Returns false for other attempts. */
    boolean cancelSignIn(Executor calls) {
        Subscription subscription;
        synchronized (this) {
            // A refresh is never cancelled: the server may have replaced the refresh token.
            if (kind != Kind.SIGN_IN || cancelled) {
                return false;
            }
            cancelled = true;
            subscription = running;
        }
        if (subscription != null) {
            calls.execute(subscription::cancel);
        }
        return true;
    }

    /** Completes when nothing of this attempt is in flight any more. */
    synchronized Mono<Void> finished() {
        if (finished) {
            return Mono.empty();
        }
        if (end == null) {
            end = Sinks.empty();
        }
        return end.asMono();
    }

    /** Nothing is in flight any more. A cancelled login may end once more. */
    void finish(Executor calls) {
        Sinks.Empty<Void> waiting;
        synchronized (this) {
            finished = true;
            running = null;
            waiting = end;
            end = null;
        }
        if (waiting != null) {
            calls.execute(waiting::tryEmitEmpty);
        }
    }
}
