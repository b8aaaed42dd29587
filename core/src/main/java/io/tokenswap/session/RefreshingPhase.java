package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionState.Status;

/**
 * Phase in which a refresh is in flight.
 *
 * @param failures the number of attempts that have failed since the last token
 * @param repeats true if the response to the attempt before this one was lost
 */
@SuppressWarnings("ReferenceEquality") // attempts have an identity
record RefreshingPhase(ServedToken served, RefreshAttempt attempt, int failures, boolean repeats) implements Phase {

    @Override
    public RefreshingPhase with(ServedToken served) {
        return new RefreshingPhase(served, attempt, failures, repeats);
    }

    @Override
    public Status status(Moment moment) {
        return Status.REFRESHING;
    }

    @Override
    public Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
        if (ended != attempt) {
            return Phase.super.ended(ended, result, moment, settings);
        }
        if (result instanceof AttemptResult.Issued issued) {
            return usable(issued.token(), stored(), moment, settings);
        }
        if (result instanceof AttemptResult.Obtained obtained) {
            Phase kept = Phase.super.ended(ended, result, moment, settings);
            return kept.stored().unsaved() == null
                    ? overtaken(kept.served(), moment)
                    : new SavingPhase(kept.served(), attempt, obtained.record(), failures);
        }
        if (result instanceof AttemptResult.Adopted adopted) {
            Phase next = adopted(adopted.record(), moment, settings);
            return next == this ? overtaken(served, moment) : next;
        }
        if (result instanceof AttemptResult.Removed removed) {
            return removed(removed.last(), moment, settings);
        }
        if (result instanceof AttemptResult.Ended end) {
            return EndedPhase.of(
                    served.with(
                            end.dead() == null
                                    ? stored().withoutLease()
                                    : stored().ended(end.dead(), moment.elapsed())
                                            .withoutLease()),
                    "The grant has ended. Sign in again.",
                    end.error(),
                    moment,
                    settings);
        }
        if (result instanceof AttemptResult.Postponed postponed) {
            long retryAt = moment.by(served.anchored(moment).offset()) + postponed.millis();
            return new PausedPhase(
                    served.anchored(moment), failures, retryAt, postponed.error(), PausedPhase.Cause.POSTPONED);
        }
        TokenSwapException error = result instanceof AttemptResult.Failed failed
                ? failed.error()
                : new TokenUnavailableException(
                        "The attempt ended without a result",
                        TokenUnavailableException.Reason.INVALID_RESPONSE,
                        null,
                        null);
        return failed(error, moment, settings);
    }

    /**
     * The result is not greater than what is known by now. What is served stays as it is: a refused token is not
     * served again.
     */
    private Phase overtaken(ServedToken served, Moment moment) {
        ServedToken anchored = served.anchored(moment);
        TokenSwapException error = TokenRequests.unavailable(
                "Another instance is refreshing this token", TokenUnavailableException.Reason.NOT_SENT, null);
        return new PausedPhase(
                anchored,
                failures,
                moment.by(anchored.offset()) + IdlePhase.MIN_INTERVAL,
                error,
                PausedPhase.Cause.POSTPONED);
    }

    private Phase failed(TokenSwapException error, Moment moment, SessionSettings settings) {
        if (error instanceof LoginRequiredException end) {
            return EndedPhase.of(served, end, moment, settings);
        }
        if (error instanceof OAuthErrorException response && response.requiresLogin()) {
            return EndedPhase.of(served, "The grant has ended. Sign in again.", response, moment, settings);
        }
        return PausedPhase.after(this, served, error, moment, settings);
    }

    /** A token that is stale from the start is kept, and the next attempt comes after a pause. */
    Phase usable(Token next, Stored stored, Moment moment, SessionSettings settings) {
        IdlePhase idle = IdlePhase.issued(next, served.rejections(), stored, moment, settings);
        if (served.refused() && next.accessToken().equals(token().accessToken())) {
            return PausedPhase.after(this, idle.served().refuse(), sameToken(), moment, settings);
        }
        return idle.isUsable(moment)
                ? idle
                : PausedPhase.after(this, idle.served().refuse(), bornStale(next), moment, settings);
    }

    private static TokenSwapException sameToken() {
        return new TokenUnavailableException(
                "The server issued the very token again that the API has refused",
                TokenUnavailableException.Reason.INVALID_RESPONSE,
                null,
                null);
    }

    static TokenSwapException bornStale(Token token) {
        return new TokenUnavailableException(
                "The new token has expired already (at " + token.expiresAt()
                        + "). Check the clock of this machine and the server's expires_in.",
                TokenUnavailableException.Reason.INVALID_RESPONSE,
                null,
                null);
    }
}
