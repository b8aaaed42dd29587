package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.session.SessionState.Status;
import org.jspecify.annotations.Nullable;

/**
 * Phase after the end of the grant in which nothing is sent to the server. With a store, another node may have signed in:
 * callers cause a look at it.
 *
 * @param look the look at the store in flight, or null
 * @param lookedAt when the store was last looked at
 */
@SuppressWarnings("ReferenceEquality") // attempts have an identity
record LoginRequiredPhase(
        ServedToken served,
        LoginRequiredException error,
        @Nullable RefreshAttempt look,
        long lookedAt) implements EndedPhase {

    /** The shortest time between two looks at the store after the end of the grant, when callers ask. */
    private static final long MIN_LOOK_INTERVAL = 1_000;

    /** The time between two looks at the store after the end of the grant, while there are subscribers. */
    private static final long LOOK_INTERVAL = 30_000;

    @Override
    public LoginRequiredPhase with(ServedToken served) {
        return new LoginRequiredPhase(served, error, look, lookedAt);
    }

    @Override
    public @Nullable RefreshAttempt attempt() {
        return look;
    }

    @Override
    public long dueAt() {
        return stored().isPresent() && look == null ? lookedAt + LOOK_INTERVAL : NEVER;
    }

    @Override
    public Phase asked(Moment moment, SessionSettings settings) {
        boolean tooEarly = moment.by(served.offset()) < lookedAt + MIN_LOOK_INTERVAL;
        return isUsable(moment) || tooEarly ? this : due(moment, settings);
    }

    @Override
    public Phase demanded(Moment moment, SessionSettings settings) {
        return moment.by(served.offset()) < lookedAt + MIN_LOOK_INTERVAL ? this : due(moment, settings);
    }

    @Override
    public Phase due(Moment moment, SessionSettings settings) {
        return !stored().isPresent() || look != null
                ? this
                : new LoginRequiredPhase(served, error, RefreshAttempt.look(), lookedAt);
    }

    @Override
    public Status status(Moment moment) {
        return Status.LOGIN_REQUIRED;
    }

    @Override
    public @Nullable String problem() {
        return error.getMessage();
    }

    @Override
    public Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
        if (ended != look) {
            return EndedPhase.super.ended(ended, result, moment, settings);
        }
        ServedToken anchored = served.anchored(moment);
        LoginRequiredPhase looked = new LoginRequiredPhase(anchored, error, null, moment.by(anchored.offset()));
        return result instanceof AttemptResult.Adopted adopted
                ? looked.adopted(adopted.record(), moment, settings)
                : looked;
    }
}
