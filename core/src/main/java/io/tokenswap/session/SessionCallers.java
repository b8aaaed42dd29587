package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.internal.ReadySubscription;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/** Results for callers: a token at once, a token after the attempt in flight, or an error. */
final class SessionCallers extends Mono<Token> implements Scannable {

    private final SessionEngine session;

    /** True if the current token will do, false if only a new one will. */
    private final boolean any;

    private SessionCallers(SessionEngine session, boolean any) {
        this.session = session;
        this.any = any;
    }

    /** The Mono of {@link TokenSession#token()}. */
    static Mono<Token> token(SessionEngine session) {
        return onAssembly(new SessionCallers(session, true));
    }

    /** The Mono of {@link TokenSession#refresh()}. */
    static Mono<Token> next(SessionEngine session) {
        return onAssembly(new SessionCallers(session, false));
    }

    /** Reads the phase and the clock, and no more, while the token is good and will do. */
    @Override
    public void subscribe(CoreSubscriber<? super Token> actual) {
        if (any) {
            Token ready = ready(session);
            if (ready != null) {
                actual.onSubscribe(new ReadySubscription<>(actual, ready));
                return;
            }
        }
        Throwable failure = begin(actual);
        if (failure == null) {
            actual.onSubscribe(new WaitingCaller(session, actual, any));
        } else {
            Operators.error(actual, failure);
        }
    }

    /** Returns the current token if callers get it at once, and begins to refresh it if it is due; else null. */
    static @Nullable Token ready(SessionEngine session) {
        Phase phase = session.current();
        Moment now = session.moment();
        if (!phase.isUsable(now)) {
            return null;
        }
        if (now.by(phase.served().offset()) >= phase.dueAt()) {
            session.change((found, moment) -> found.asked(moment, session.settings()));
        }
        return phase.token();
    }

    /** Begins what leads to a token. Returns what a caller gets at once if nothing does. */
    @SuppressWarnings("ReferenceEquality") // this very session
    private @Nullable Throwable begin(CoreSubscriber<? super Token> actual) {
        if (actual.currentContext().getOrDefault(SessionEngine.class, null) == session) {
            return ownToken();
        }
        session.change((found, moment) ->
                any ? found.asked(moment, session.settings()) : found.demanded(moment, session.settings()));
        Phase phase = session.current();
        if (any && phase.isUsable(session.moment())) {
            return null;
        }
        return !any && phase instanceof IdlePhase && phase.token().refreshToken() == null
                ? new LoginRequiredException("There is no refresh token. Sign in again.", null)
                : failure(phase, any);
    }

    /** Returns the error of a caller for whom there is no usable token in a phase, or null if one may come. */
    static @Nullable Throwable failure(Phase phase, boolean any) {
        if (phase instanceof ClosedPhase) {
            return new SessionClosedException();
        }
        if (phase instanceof IdlePhase || phase.attempt() != null) {
            return null;
        }
        if (phase instanceof SavingPhase) { // a caller that needs a token lets it be published ahead of the store
            return any ? null : notSaved();
        }
        if (phase instanceof PausedPhase paused) {
            return unavailable(paused);
        }
        return copy(((LoginRequiredPhase) phase).error());
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
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

    private static TokenSwapException unavailable(PausedPhase paused) {
        String what = paused.cause() == PausedPhase.Cause.POSTPONED ? "" : "The last attempt failed: ";
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
