package io.tokenswap.session;

import io.tokenswap.TokenUnavailableException.Reason;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs an attempt on a separate subscription. The result reaches the phase even if all callers have cancelled. Each way out
 * frees the slot of the attempt, after the phase knows the result.
 */
final class AttemptRun extends RefreshSlots.Ticket implements CoreSubscriber<AttemptResult>, Runnable {

    private final SessionEngine session;
    private final RefreshAttempt attempt;
    private final Context context;
    private boolean done;

    AttemptRun(SessionEngine session, RefreshAttempt attempt) {
        this.session = session;
        this.attempt = attempt;
        this.context = Context.of(SessionEngine.class, session); // nothing of a caller
    }

    @Override
    void start() {
        session.dispatch(this);
    }

    @Override
    void promote() {
        session.settings().slots().promote(this);
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // this very attempt
    public void run() {
        if (session.current().attempt() != attempt) { // renewed or disposed since: nothing needs to be sent
            session.finish(attempt);
            return;
        }
        try {
            session.resultOf(attempt).subscribe(this);
        } catch (Throwable fatal) { // what Reactor takes for fatal comes out here, and callers must not wait for ever
            onError(fatal);
        }
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        attempt.runsOn(subscription);
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(AttemptResult result) {
        if (done) {
            Operators.onNextDropped(result, context);
        } else {
            end(result);
        }
    }

    @Override
    public void onError(Throwable error) {
        if (done) {
            SafeCall.drop(error, context);
        } else {
            end(AttemptRunner.failed(error));
        }
    }

    @Override
    public void onComplete() {
        if (!done) {
            end(AttemptRunner.failed(
                    TokenRequests.unavailable("The attempt ended without a token", Reason.INVALID_RESPONSE, null)));
        }
    }

    private void end(AttemptResult result) {
        done = true;
        try {
            session.end(attempt, result);
        } finally {
            session.finish(attempt);
        }
    }
}
