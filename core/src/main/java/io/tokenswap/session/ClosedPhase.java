package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import org.jspecify.annotations.Nullable;

/**
 * Phase after the end of the session. An attempt that was in flight continues, and its result is saved. No caller waits for it
 * any more.
 */
@SuppressWarnings("ReferenceEquality") // attempts have an identity
record ClosedPhase(ServedToken served, @Nullable RefreshAttempt inFlight) implements Phase {

    @Override
    public ClosedPhase with(ServedToken served) {
        return new ClosedPhase(served, inFlight);
    }

    @Override
    public boolean isUsable(Moment moment) {
        return false;
    }

    @Override
    public Status status(Moment moment) {
        return Status.CLOSED;
    }

    @Override
    public Phase invalidated(Moment moment, SessionSettings settings) {
        return this;
    }

    @Override
    public Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
        if (result instanceof AttemptResult.Issued issued
                && ended.kind() == RefreshAttempt.Kind.SIGN_IN
                && stored().isPresent()
                && !isSignedOut()) {
            return with(stored().commanded(Kind.LOGIN, issued.token(), settings.newLogin(), moment));
        }
        Phase kept = Phase.super.ended(ended, result, moment, settings);
        return ended == inFlight && kept.stored().unsaved() == null
                ? new ClosedPhase(kept.served().with(kept.stored().leased(null)), null)
                : kept;
    }

    private boolean isSignedOut() {
        Stored.Unsaved unsaved = stored().unsaved();
        Record best = stored().best();
        return (unsaved != null && unsaved.kind() == Kind.SIGN_OUT)
                || (best != null && best.state() == TokenStore.State.OUT);
    }

    @Override
    public Phase renewed(Token next, String login, Moment moment, SessionSettings settings) {
        return this;
    }

    /** A second sign-out changes nothing: it must not end a sign-in that came after the first one. */
    @Override
    public Phase signedOut(String login, Moment moment) {
        return isSignedOut() || !stored().isPresent()
                ? this
                : with(stored().commanded(Kind.SIGN_OUT, null, login, moment));
    }

    @Override
    public Phase adopted(Record record, Moment moment, SessionSettings settings) {
        return noted(record, moment);
    }

    @Override
    public Phase removed(Record last, Moment moment, SessionSettings settings) {
        return this;
    }

    @Override
    public Phase closed(Moment moment) {
        return with(stored().saveNow(moment.elapsed()));
    }
}
