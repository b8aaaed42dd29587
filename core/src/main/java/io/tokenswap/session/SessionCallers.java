package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/** Results for callers: a token at once, a token after the attempt in flight, or an error. */
final class SessionCallers extends Mono<Token> implements Scannable {

    private final SessionEngine session;

    SessionCallers(SessionEngine session) {
        this.session = session;
    }

    Mono<Token> token() {
        return onAssembly(this);
    }

    /** The Mono of {@link TokenSession#token()}: reads the phase and the clock, and no more, while the token is good. */
    @Override
    @SuppressWarnings("ReferenceEquality") // this very session
    public void subscribe(CoreSubscriber<? super Token> actual) {
        Phase phase = session.current();
        Moment moment = session.moment();
        if (phase.isUsable(moment)) {
            if (moment.by(phase.served().offset()) >= phase.dueAt()) {
                session.change(found -> found.asked(session.moment(), session.settings()));
            }
            actual.onSubscribe(Operators.scalarSubscription(actual, phase.token()));
        } else if (actual.currentContext().getOrDefault(SessionEngine.class, null) == session) {
            Operators.error(actual, ownToken());
        } else {
            session.change(found -> found.asked(session.moment(), session.settings()));
            Mono.defer(() -> outcome(true)).subscribe(actual);
        }
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }

    /** The Mono of {@link TokenSession#refresh()}. */
    Mono<Token> next() {
        return Mono.defer(() -> {
            session.change(phase -> phase.demanded(session.moment(), session.settings()));
            Phase phase = session.current();
            if (phase instanceof Phase.Idle && phase.token().refreshToken() == null) {
                return Mono.error(new LoginRequiredException("There is no refresh token. Sign in again.", null));
            }
            RefreshAttempt attempt = session.current().attempt();
            return attempt == null ? outcome(false) : attempt.settled().then(Mono.defer(() -> outcome(false)));
        });
    }

    /**
     * Returns the result for a caller in the current phase, after the attempt in flight if there is one.
     *
     * @param any true if the current token will do, false if only a new one will
     */
    private Mono<Token> outcome(boolean any) {
        Phase phase = session.current();
        Moment moment = session.moment();
        if (phase instanceof Phase.Closed) {
            return Mono.error(new SessionClosedException());
        }
        if (phase.isUsable(moment) && (any || phase instanceof Phase.Idle)) {
            return Mono.just(phase.token());
        }
        if (phase instanceof Phase.Idle) { // the token went stale while other callers were served
            session.change(found -> found.asked(session.moment(), session.settings()));
            return Mono.defer(() -> outcome(any));
        }
        RefreshAttempt attempt = phase.attempt();
        if (attempt != null) {
            return attempt.settled().then(Mono.defer(() -> outcome(any)));
        }
        if (phase instanceof Phase.Saving) {
            return any ? published() : Mono.error(notSaved());
        }
        if (phase instanceof Phase.Paused paused) {
            return Mono.error(unavailable(paused));
        }
        return Mono.error(copy(((Phase.LoginRequired) phase).error()));
    }

    /** Publishes a token that could not be saved yet, because the previous one is stale. */
    private Mono<Token> published() {
        session.change(found -> found.asked(session.moment(), session.settings()));
        return Mono.defer(() -> outcome(true));
    }

    /** Returns the error for an endpoint that asks its session for a token: it would wait for its own result. */
    private static TokenSwapException ownToken() {
        return TokenRequests.unavailable(
                "The token endpoint asks the session that it refreshes for a token. Give its HTTP client other credentials.",
                Reason.NOT_SENT,
                null);
    }

    private static TokenSwapException notSaved() {
        return TokenRequests.unavailable(
                "The new token is published when the store has saved it, and the store failed or did not respond",
                Reason.STORE_FAILED,
                null);
    }

    private static TokenSwapException unavailable(Phase.Paused paused) {
        String what = paused.cause() == Phase.Paused.Cause.POSTPONED ? "" : "The last attempt failed: ";
        return new TokenUnavailableException(
                "No token is available before the next attempt. " + what
                        + paused.error().getMessage(),
                paused.error() instanceof TokenUnavailableException unavailable
                        ? unavailable.reason()
                        : Reason.REJECTED,
                Instant.ofEpochMilli(paused.retryAt()),
                paused.error());
    }

    /** Copies an error for one caller. Subscribers add traces to their error, and the original lives long. */
    static LoginRequiredException copy(LoginRequiredException error) {
        return new LoginRequiredException(String.valueOf(error.getMessage()), (TokenSwapException) error.getCause());
    }

    static TokenUnavailableException unschedulable(RuntimeException refusal) {
        return TokenRequests.unavailable(
                "The session's scheduler rejects timers. It has been shut down or is full: no token can come ahead of expiry",
                Reason.NOT_SENT,
                refusal);
    }
}
