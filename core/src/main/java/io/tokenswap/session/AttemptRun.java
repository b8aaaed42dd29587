package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException.Reason;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs an attempt on a separate subscription. The result reaches the phase even if all callers have cancelled. Each way out
 * frees the slot of the attempt, after the phase knows the result.
 */
final class AttemptRun extends RefreshSlots.Ticket implements CoreSubscriber<AttemptResult>, Runnable {

    private final SessionEngine session;
    private final RefreshAttempt attempt;

    /** Holds nothing of a caller. Made when an operator of the attempt asks for it. */
    private @Nullable Context context;

    private boolean done;

    private AttemptRun(SessionEngine session, RefreshAttempt attempt) {
        this.session = session;
        this.attempt = attempt;
    }

    /** Starts an attempt, a refresh when there is a slot for it. */
    static void begin(SessionEngine session, RefreshAttempt attempt, Executor work) {
        AttemptRun run = new AttemptRun(session, attempt);
        if (attempt.kind() != RefreshAttempt.Kind.REFRESH
                || session.settings().slots().take(attempt, run)) {
            work.execute(run);
        }
    }

    /** Frees the slot of an attempt of which nothing is in flight any more. A refresh comes here once: it is never cancelled. */
    static void finish(SessionEngine session, RefreshAttempt attempt) {
        SessionSettings settings = session.settings();
        attempt.finish(settings.calls());
        if (attempt.kind() == RefreshAttempt.Kind.REFRESH) {
            settings.slots().release(settings::nextRandom);
        }
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
            finish(session, attempt);
            return;
        }
        try {
            result().subscribe(this);
        } catch (Throwable fatal) { // what Reactor takes for fatal comes out here, and callers must not wait for ever
            onError(fatal);
        }
    }

    private Mono<AttemptResult> result() {
        return switch (attempt.kind()) {
            case REFRESH -> session.link().refresh(session);
            case LOOK -> session.link().look(session);
            case SIGN_IN -> signIn();
        };
    }

    /** Asks the user to sign in, by the hook of the application. */
    private Mono<AttemptResult> signIn() {
        LoginRequiredException reason = Objects.requireNonNull(attempt.reason());
        return Mono.<Token>from(
                        Objects.requireNonNull(session.settings().login()).apply(reason))
                .map(AttemptResult.Issued::new);
    }

    @Override
    public Context currentContext() {
        Context made = context;
        if (made == null) {
            made = Context.of(SessionEngine.class, session);
            context = made;
        }
        return made;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        attempt.runsOn(subscription);
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(AttemptResult result) {
        if (done) {
            Operators.onNextDropped(result, currentContext());
        } else {
            end(result);
        }
    }

    @Override
    public void onError(Throwable error) {
        if (done) {
            SafeCall.drop(error, currentContext());
        } else {
            end(AttemptResult.Failed.by(error));
        }
    }

    @Override
    public void onComplete() {
        if (!done) {
            end(AttemptResult.Failed.by(
                    TokenRequests.unavailable("The attempt ended without a token", Reason.INVALID_RESPONSE, null)));
        }
    }

    private void end(AttemptResult result) {
        done = true;
        try {
            session.change((phase, moment) -> phase.ended(attempt, result, moment, session.settings()));
        } finally {
            finish(session, attempt);
        }
    }
}
