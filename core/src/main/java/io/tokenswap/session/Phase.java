package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Phase of a session, and every step from one phase to the next: pure functions of the phase and of what happened.
 * {@link SessionEngine} puts a phase in place by compare-and-set and carries out the effects. Each phase of the picture is a
 * record, for example {@link IdlePhase}, which holds the steps that are its own.
 *
 * <pre>
 *      woken, asked, invalidated             success                 saved, or nothing usable is left
 *     Idle ------------------> Refreshing ------------> Saving ------------------------------------> Idle
 *                               |  ^    |                (with a store only)
 *                       failure |  |    | invalid_grant, no refresh token, signed out elsewhere
 *                               v  | woken, asked
 *                             Paused    +---> LoginRequired, or SigningIn where a hook offers a login
 *
 *     any but Closed --renewed--> Idle      any --adopted(record of another node)--> Idle or LoginRequired
 *     any --closed--> Closed
 * </pre>
 *
 * <p>Callers get the token while {@link ServedToken#isUsable} says so, in every phase but {@link ClosedPhase}. A usable
 * token is therefore served during a refresh, a pause and after the end of the grant, and a refused one in no phase.
 *
 * <p>A step that does not apply returns the same instance, and a step that does returns a new one. Timers and events
 * rely on that identity. Times are milliseconds since 1970, see {@link Moment#by(long)}; {@link #NEVER} stands for
 * never.
 */
sealed interface Phase permits IdlePhase, RefreshingPhase, SavingPhase, PausedPhase, EndedPhase, ClosedPhase {

    long NEVER = Long.MAX_VALUE;

    ServedToken served();

    Phase with(ServedToken served);

    /** Returns the time at which this phase ends if nothing else happens, work for the store apart. */
    default long dueAt() {
        return NEVER;
    }

    /** The time for it has come. */
    default Phase due(Moment moment, SessionSettings settings) {
        return this;
    }

    Status status(Moment moment);

    /** Returns the problem that prevents a new token, or null if there is none. */
    default @Nullable String problem() {
        return null;
    }

    default Token token() {
        return served().token();
    }

    default Stored stored() {
        return served().stored();
    }

    default boolean isUsable(Moment moment) {
        return served().isUsable(moment);
    }

    /** The attempt in flight, or null. */
    default @Nullable RefreshAttempt attempt() {
        return null;
    }

    /** Returns the milliseconds from now until something is due. */
    default long delay(Moment moment) {
        long phase = dueAt() == NEVER ? NEVER : dueAt() - moment.by(served().offset());
        long store = stored().dueAt() == NEVER ? NEVER : stored().dueAt() - moment.elapsed();
        return Math.min(phase, store);
    }

    /** A timer fired: begins whatever is due. */
    default Phase woken(Moment moment, SessionSettings settings) {
        Phase worked = stored().dueAt() == NEVER
                ? this
                : with(stored().begun(moment.elapsed(), settings.leaseLength().toMillis()));
        return worked.dueAt() != NEVER && moment.by(worked.served().offset()) >= worked.dueAt()
                ? worked.due(moment, settings)
                : worked;
    }

    /** A caller needs a token: begins the next step if its time has come. */
    default Phase asked(Moment moment, SessionSettings settings) {
        return moment.by(served().offset()) < dueAt() && isUsable(moment) ? this : due(moment, settings);
    }

    /** A caller wants another token though this one may still be good. */
    default Phase demanded(Moment moment, SessionSettings settings) {
        return asked(moment, settings);
    }

    /** The API accepted a token: earlier refusals do not count any more. */
    default Phase accepted() {
        return served().rejections() == 0 ? this : with(served().rejections(0));
    }

    /** The API refused the token: callers get it no more. */
    default Phase invalidated(Moment moment, SessionSettings settings) {
        return served().refused() ? this : with(served().refuse());
    }

    /** An attempt ended. Its result is accepted from the attempt in flight only; a token that must be saved is never lost. */
    default Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
        return result instanceof AttemptResult.Obtained obtained ? kept(obtained, moment) : this;
    }

    /** Keeps a token that came too late to be published, if it is newer than what is known. */
    private Phase kept(AttemptResult.Obtained obtained, Moment moment) {
        if (stored().isCommanded()) {
            return this;
        }
        return stored().compare(obtained.record()) <= 0
                ? with(stored().spared(obtained.record()))
                : with(stored().obtained(
                                obtained.record(), obtained.attempt(), obtained.sameRefreshToken(), moment.elapsed()));
    }

    /** The user signed in. The token is in force at once, and the store gets it in the background. */
    default Phase renewed(Token next, String login, Moment moment, SessionSettings settings) {
        Stored kept = stored().isPresent() ? stored().commanded(Kind.LOGIN, next, login, moment) : stored();
        return IdlePhase.with(next, kept, moment, settings);
    }

    /** A record of another node was seen in the store. */
    default Phase adopted(Record record, Moment moment, SessionSettings settings) {
        if (!isNews(record)) {
            return this;
        }
        Stored adopted = stored().adopted(record, moment.elapsed());
        return switch (record.state()) {
            case LIVE -> IdlePhase.adopted(Objects.requireNonNull(record.token()), adopted, moment, settings);
            case DEAD ->
                EndedPhase.of(served().with(adopted), "The grant has ended. Sign in again.", null, moment, settings);
            case OUT ->
                EndedPhase.of(
                        served().with(adopted).refuse(),
                        "The user has signed out. Sign in again.",
                        null,
                        moment,
                        settings);
        };
    }

    /** Notes a greater record that changes nothing but what is known of the store. */
    default Phase noted(Record record, Moment moment) {
        if (!isNews(record)) {
            return this;
        }
        ServedToken noted = served().with(stored().adopted(record, moment.elapsed()));
        return with(record.state() == TokenStore.State.OUT ? noted.refuse() : noted);
    }

    /** Returns true if a record is greater than all before it, and no login or sign-out here goes ahead of it. */
    private boolean isNews(Record record) {
        return !stored().isCommanded() && stored().compare(record) > 0;
    }

    /** The record has been removed from a store that loses nothing: the user has signed out, unless there is a newer login. */
    default Phase removed(Record last, Moment moment, SessionSettings settings) {
        Stored stored = stored();
        boolean newer = stored.best() == null || stored.compare(last) != 0 || stored.isLoginUnsaved();
        return newer ? this : signedOutElsewhere(moment, settings);
    }

    private Phase signedOutElsewhere(Moment moment, SessionSettings settings) {
        return EndedPhase.of(
                served().with(stored().withoutLease()).refuse(),
                "The token was removed from the store. Sign in again.",
                null,
                moment,
                settings);
    }

    /** The store confirmed a write. */
    default Phase saved(Stored.Unsaved write, Moment moment, SessionSettings settings) {
        return with(stored().saved(write, moment.elapsed()));
    }

    /** Another node had stored a different token under the version of a write. */
    default Phase yielded(Stored.Unsaved write, Record stored, Moment moment, SessionSettings settings) {
        return with(stored().yielded(write, stored, moment.elapsed()));
    }

    /** The store did not take a write: it failed or did not respond. */
    default Phase saveFailed(Stored.Unsaved write, long retryAt, Moment moment, SessionSettings settings) {
        return with(stored().saveFailed(write, retryAt));
    }

    /** The end. A save that waits for its retry begins at once. */
    default Phase closed(Moment moment) {
        Stored last = stored().saveNow(moment.elapsed());
        return new ClosedPhase(
                served().with(attempt() == null && last.unsaved() == null ? last.leased(null) : last), attempt());
    }

    /** The user signed out here: a write that goes ahead of all others. */
    default Phase signedOut(String login, Moment moment) {
        Stored out = stored().isPresent() ? stored().commanded(Kind.SIGN_OUT, null, login, moment) : stored();
        return new ClosedPhase(served().with(out), attempt());
    }

    @SuppressWarnings("ReferenceEquality") // an unchanged value is the same object
    default Phase with(Stored stored) {
        ServedToken served = served().with(stored);
        return served == served() ? this : with(served);
    }
}
