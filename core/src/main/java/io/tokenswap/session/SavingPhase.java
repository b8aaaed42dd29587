package io.tokenswap.session;

import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Record;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Phase after a refresh in which the result is saved before anyone sees it. Callers get the previous token while it is usable.
 *
 * @param attempt the attempt that obtained it; null after the store has failed once, so that no caller waits for it any
 *     more
 * @param next the record that is being saved
 */
@SuppressWarnings("ReferenceEquality") // an unchanged value is the same object
record SavingPhase(ServedToken served, @Nullable RefreshAttempt attempt, Record next, int failures) implements Phase {

    @Override
    public SavingPhase with(ServedToken served) {
        return new SavingPhase(served, attempt, next, failures);
    }

    @Override
    public long dueAt() {
        return attempt == null ? served.staleAt() : NEVER;
    }

    @Override
    public Phase asked(Moment moment, SessionSettings settings) {
        return isUsable(moment) ? this : due(moment, settings);
    }

    @Override
    public Phase due(Moment moment, SessionSettings settings) {
        return attempt == null ? published(stored(), moment, settings) : this;
    }

    @Override
    public Status status(Moment moment) {
        return Status.REFRESHING;
    }

    @Override
    public Phase invalidated(Moment moment, SessionSettings settings) {
        SavingPhase refused = with(served.refuse());
        return served.refused() ? this : attempt == null ? refused.due(moment, settings) : refused;
    }

    @Override
    public Phase saved(Stored.Unsaved write, Moment moment, SessionSettings settings) {
        Stored saved = stored().saved(write, moment.elapsed());
        return saved == stored() ? this : published(saved, moment, settings);
    }

    @Override
    public Phase yielded(Stored.Unsaved write, Record stored, Moment moment, SessionSettings settings) {
        Stored yielded = stored().yielded(write, stored, moment.elapsed());
        return yielded == stored()
                ? this
                : new SavingPhase(served, attempt, stored, failures).published(yielded, moment, settings);
    }

    @Override
    public Phase saveFailed(Stored.Unsaved write, long retryAt, Moment moment, SessionSettings settings) {
        Stored failed = stored().saveFailed(write, retryAt);
        return failed == stored()
                ? this
                : isUsable(moment)
                        ? new SavingPhase(served.with(failed), null, next, failures)
                        : published(failed, moment, settings);
    }

    private Phase published(Stored stored, Moment moment, SessionSettings settings) {
        return new RefreshingPhase(served, RefreshAttempt.refresh(), failures, false)
                .usable(Objects.requireNonNull(next.token()), stored, moment, settings);
    }
}
