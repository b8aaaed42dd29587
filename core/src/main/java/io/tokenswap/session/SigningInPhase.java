package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.session.SessionState.Status;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Phase after the end of the grant in which a hook of the application asks the user to sign in. */
@SuppressWarnings("ReferenceEquality") // attempts have an identity
record SigningInPhase(ServedToken served, RefreshAttempt attempt) implements EndedPhase {

    @Override
    public SigningInPhase with(ServedToken served) {
        return new SigningInPhase(served, attempt);
    }

    @Override
    public Status status(Moment moment) {
        return Status.SIGNING_IN;
    }

    @Override
    public @Nullable String problem() {
        return Objects.requireNonNull(attempt.reason()).getMessage();
    }

    @Override
    public Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
        if (ended != attempt) {
            return EndedPhase.super.ended(ended, result, moment, settings);
        }
        if (result instanceof AttemptResult.Issued issued) {
            Phase next = renewed(issued.token(), settings.newLogin(), moment, settings);
            return next.isUsable(moment)
                    ? next
                    : PausedPhase.after(
                            new RefreshingPhase(next.served(), attempt, 0, false),
                            next.served().refuse(),
                            RefreshingPhase.bornStale(issued.token()),
                            moment,
                            settings);
        }
        TokenSwapException error = result instanceof AttemptResult.Failed failed ? failed.error() : null;
        LoginRequiredException end = new LoginRequiredException("The grant has ended, and the new login failed", error);
        return new LoginRequiredPhase(served, end, null, moment.by(served.offset()));
    }
}
