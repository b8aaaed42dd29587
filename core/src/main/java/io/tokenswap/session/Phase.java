package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Phase of a session, and every step from one phase to the next: pure functions of the phase and of what happened.
 * {@link SessionEngine} puts a phase in place by compare-and-set and carries out the effects.
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
 * <p>Callers get the token while {@link ServedToken#isUsable} says so, in every phase but {@link Closed}. A usable
 * token is therefore served during a refresh, a pause and after the end of the grant, and a refused one in no phase.
 *
 * <p>A step that does not apply returns the same instance, and a step that does returns a new one. Timers and events
 * rely on that identity. Times are milliseconds since 1970, see {@link Moment#by(long)}; {@link #NEVER} stands for
 * never.
 */
@SuppressWarnings("ReferenceEquality") // the attempt that is in flight: an equal one does not exist
sealed interface Phase {

    long NEVER = Long.MAX_VALUE;

    /** The shortest time between two refreshes by the timer, however short-lived the tokens are. */
    long MIN_INTERVAL = 1_000;

    /** The longest wait after a lost response: a server's grace for a rotated refresh token may be as short as 5 s. */
    long LOST_RESPONSE_RETRY_LIMIT = 1_500;

    /** The shortest time between two looks at the store after the end of the grant, when callers ask. */
    long MIN_LOOK_INTERVAL = 1_000;

    /** The time between two looks at the store after the end of the grant, while there are subscribers. */
    long LOOK_INTERVAL = 30_000;

    /** The age up to which a refused token says that a refresh does not help. */
    long FRESH = 300_000;

    /** Number of refused tokens in a row that are replaced at once. */
    int REPLACED_AT_ONCE = 2;

    /** The longest time by which attempts are spread after a short pause that a server asked for. */
    long SHORTEST_SPREAD = 5_000;

    /** Time by which the wall clock may be before the start of a token and still be trusted. */
    long CLOCK_TOLERANCE = 120_000;

    /** Time for which a token of another node is served whose start is in the future by the clock of this node. */
    long DOUBTFUL_INTERVAL = 30_000;

    ServedToken served();

    Phase with(ServedToken served);

    /** Returns the time at which this phase ends if nothing else happens, work for the store apart. */
    long dueAt();

    /** The time for it has come. */
    Phase due(Moment moment, SessionSettings settings);

    Status status(Moment moment);

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
        return Idle.with(next, kept, moment, settings);
    }

    /** A record of another node was seen in the store. */
    default Phase adopted(Record record, Moment moment, SessionSettings settings) {
        if (stored().isCommanded() || stored().compare(record) <= 0) {
            return this;
        }
        Stored adopted = stored().adopted(record, moment.elapsed());
        return switch (record.state()) {
            case LIVE -> Idle.adopted(Objects.requireNonNull(record.token()), adopted, moment, settings);
            case DEAD ->
                loginRequired(served().with(adopted), "The grant has ended. Sign in again.", null, moment, settings);
            case OUT ->
                loginRequired(
                        served().with(adopted).refuse(),
                        "The user has signed out. Sign in again.",
                        null,
                        moment,
                        settings);
        };
    }

    /** The record has been removed from a store that loses nothing: the user has signed out, unless there is a newer login. */
    default Phase removed(Record last, Moment moment, SessionSettings settings) {
        Stored stored = stored();
        boolean newer = stored.best() == null || stored.compare(last) != 0 || stored.isLoginUnsaved();
        return newer ? this : signedOutElsewhere(moment, settings);
    }

    private Phase signedOutElsewhere(Moment moment, SessionSettings settings) {
        return loginRequired(
                served().with(stored().withoutLease()).refuse(),
                "The token was removed from the store. Sign in again.",
                null,
                moment,
                settings);
    }

    /** Notes a greater record that changes nothing but what is known of the store. */
    private static Phase noted(Phase phase, Record record, Moment moment) {
        if (phase.stored().isCommanded() || phase.stored().compare(record) <= 0) {
            return phase;
        }
        ServedToken noted = phase.served().with(phase.stored().adopted(record, moment.elapsed()));
        return phase.with(record.state() == TokenStore.State.OUT ? noted.refuse() : noted);
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
        return new Closed(
                served().with(attempt() == null && last.unsaved() == null ? last.leased(null) : last), attempt());
    }

    /** The user signed out here: a write that goes ahead of all others. */
    default Phase signedOut(String login, Moment moment) {
        Stored out = stored().isPresent() ? stored().commanded(Kind.SIGN_OUT, null, login, moment) : stored();
        return new Closed(served().with(out), attempt());
    }

    default Phase with(Stored stored) {
        ServedToken served = served().with(stored);
        return served == served() ? this : with(served);
    }

    /** Nothing is in flight. */
    record Idle(ServedToken served, long refreshAt) implements Phase {

        /** The token of a login, or one that was kept while there was no session. */
        static Idle with(Token token, Stored stored, Moment moment, SessionSettings settings) {
            return with(ServedToken.of(token, 0, stored, moment, settings), 0, moment, settings);
        }

        /**
         * The token of another node, whose clock may be ahead: two such nodes must not drive each other to one refresh
         * after another.
         */
        static Idle adopted(Token token, Stored stored, Moment moment, SessionSettings settings) {
            return with(ServedToken.of(token, 0, stored, moment, settings), DOUBTFUL_INTERVAL, moment, settings);
        }

        /** The token of a refresh that has just ended here. */
        static Idle issued(Token token, int rejections, Stored stored, Moment moment, SessionSettings settings) {
            ServedToken served = ServedToken.of(token, rejections, stored, moment, settings);
            return with(served.startedBy(moment), 0, moment, settings);
        }

        private static Idle with(ServedToken served, long doubtful, Moment moment, SessionSettings settings) {
            Token token = served.token();
            if (token.refreshToken() == null) {
                return new Idle(served, served.staleAt()); // nothing to do before the token ends
            }
            long refreshAt = ServedToken.millis(
                    settings.policy().refreshAt(token, served.stored().placeInJitter(settings.nextRandom())));
            if (!served.isUsable(moment)) {
                return new Idle(served, refreshAt); // a stale token, for example a restored one, is due at once
            }
            long now = moment.by(served.offset());
            if (now < ServedToken.millis(token.issuedAt()) - CLOCK_TOLERANCE) {
                // The clock stands before the token's start, so the age of the token is not known.
                return new Idle(served, now + doubtful);
            }
            return new Idle(served, Math.max(refreshAt, now + MIN_INTERVAL));
        }

        @Override
        public Idle with(ServedToken served) {
            return new Idle(served, refreshAt);
        }

        @Override
        public long dueAt() {
            return refreshAt;
        }

        @Override
        public Phase due(Moment moment, SessionSettings settings) {
            return next(served, moment, settings);
        }

        @Override
        public Phase yielded(Stored.Unsaved write, Record stored, Moment moment, SessionSettings settings) {
            Stored yielded = stored().yielded(write, stored, moment.elapsed());
            return yielded == stored() ? this : with(Objects.requireNonNull(stored.token()), yielded, moment, settings);
        }

        /** Without a refresh token there is nothing to demand: the token serves until it ends. */
        @Override
        public Phase demanded(Moment moment, SessionSettings settings) {
            return token().refreshToken() == null && isUsable(moment) ? this : next(served, moment, settings);
        }

        @Override
        public Status status(Moment moment) {
            return moment.by(served.offset()) < refreshAt && isUsable(moment) ? Status.VALID : Status.REFRESH_DUE;
        }

        /**
         * The first tokens that the API refuses are replaced at once. If the API also refuses those, a refresh does not help:
         * further refreshes come with backoff, as after failures.
         */
        @Override
        public Phase invalidated(Moment moment, SessionSettings settings) {
            boolean fresh = moment.wall() - ServedToken.millis(token().issuedAt()) < FRESH;
            int rejections = fresh ? served.rejections() + 1 : 1;
            ServedToken refused = served.refuse().rejections(rejections);
            return rejections <= REPLACED_AT_ONCE || token().refreshToken() == null
                    ? next(refused, moment, settings)
                    : Paused.rejected(refused, moment, settings);
        }

        private static Phase next(ServedToken served, Moment moment, SessionSettings settings) {
            return served.token().refreshToken() != null
                    ? new Refreshing(served, RefreshAttempt.refresh(), 0, false)
                    : loginRequired(served, "There is no refresh token. Sign in again.", null, moment, settings);
        }
    }

    /**
     * A refresh is in flight.
     *
     * @param failures the number of attempts that have failed since the last token
     * @param repeats true if the response to the attempt before this one was lost
     */
    record Refreshing(ServedToken served, RefreshAttempt attempt, int failures, boolean repeats) implements Phase {

        @Override
        public Refreshing with(ServedToken served) {
            return new Refreshing(served, attempt, failures, repeats);
        }

        @Override
        public long dueAt() {
            return NEVER;
        }

        @Override
        public Phase asked(Moment moment, SessionSettings settings) {
            return this;
        }

        @Override
        public Phase due(Moment moment, SessionSettings settings) {
            return this;
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
                        : new Saving(kept.served(), attempt, obtained.record(), failures);
            }
            if (result instanceof AttemptResult.Adopted adopted) {
                Phase next = adopted(adopted.record(), moment, settings);
                return next == this ? overtaken(served, moment) : next;
            }
            if (result instanceof AttemptResult.Removed removed) {
                return removed(removed.last(), moment, settings);
            }
            if (result instanceof AttemptResult.Ended end) {
                return loginRequired(
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
                return new Paused(
                        served.anchored(moment), failures, retryAt, postponed.error(), Paused.Cause.POSTPONED);
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
            return new Paused(
                    anchored, failures, moment.by(anchored.offset()) + MIN_INTERVAL, error, Paused.Cause.POSTPONED);
        }

        private Phase failed(TokenSwapException error, Moment moment, SessionSettings settings) {
            if (error instanceof LoginRequiredException end) {
                return loginRequired(served, end, moment, settings);
            }
            if (error instanceof OAuthErrorException response && response.requiresLogin()) {
                return loginRequired(served, "The grant has ended. Sign in again.", response, moment, settings);
            }
            return Paused.after(this, served, error, moment, settings);
        }

        /** A token that is stale from the start is kept, and the next attempt comes after a pause. */
        private Phase usable(Token next, Stored stored, Moment moment, SessionSettings settings) {
            Idle idle = Idle.issued(next, served.rejections(), stored, moment, settings);
            if (served.refused() && next.accessToken().equals(token().accessToken())) {
                return Paused.after(this, idle.served().refuse(), sameToken(), moment, settings);
            }
            return idle.isUsable(moment)
                    ? idle
                    : Paused.after(this, idle.served().refuse(), bornStale(next), moment, settings);
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

    /**
     * A refresh has succeeded, and its result is being saved before anyone sees it. Callers get the previous token while it is
     * usable.
     *
     * @param attempt the attempt that obtained it; null after the store has failed once, so that no caller waits for it any
     *     more
     * @param next the record that is being saved
     */
    record Saving(ServedToken served, @Nullable RefreshAttempt attempt, Record next, int failures) implements Phase {

        @Override
        public Saving with(ServedToken served) {
            return new Saving(served, attempt, next, failures);
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
            Saving refused = with(served.refuse());
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
                    : new Saving(served, attempt, stored, failures).published(yielded, moment, settings);
        }

        @Override
        public Phase saveFailed(Stored.Unsaved write, long retryAt, Moment moment, SessionSettings settings) {
            Stored failed = stored().saveFailed(write, retryAt);
            return failed == stored()
                    ? this
                    : isUsable(moment)
                            ? new Saving(served.with(failed), null, next, failures)
                            : published(failed, moment, settings);
        }

        private Phase published(Stored stored, Moment moment, SessionSettings settings) {
            return new Refreshing(served, RefreshAttempt.refresh(), failures, false)
                    .usable(Objects.requireNonNull(next.token()), stored, moment, settings);
        }
    }

    /**
     * The last attempt failed, or it is another node's turn. The next attempt is due later.
     *
     * @param error what callers without a usable token get
     */
    record Paused(ServedToken served, int failures, long retryAt, TokenSwapException error, Cause cause)
            implements Phase {

        /** Reason of a pause. */
        enum Cause {
            /** The attempt failed. */
            FAILED,
            /** The response was lost. The next attempt comes even without a caller, because the server's grace may be short. */
            RESPONSE_LOST,
            /** It is another node's turn. */
            POSTPONED,
            /** The API refuses one token after another. */
            REJECTED
        }

        static Paused rejected(ServedToken refused, Moment moment, SessionSettings settings) {
            ServedToken anchored = refused.anchored(moment);
            long wait = settings.policy()
                    .backoff(refused.rejections() - REPLACED_AT_ONCE, settings.nextRandom())
                    .toMillis();
            TokenSwapException error = new TokenUnavailableException(
                    "The API refuses every token, although refreshes succeed. Does it accept tokens of this provider and of"
                            + " these scopes?",
                    TokenUnavailableException.Reason.REJECTED,
                    null,
                    null);
            return new Paused(anchored, 0, moment.by(anchored.offset()) + wait, error, Cause.REJECTED);
        }

        static Paused after(
                Refreshing attempt,
                ServedToken served,
                TokenSwapException error,
                Moment moment,
                SessionSettings settings) {
            int failures = attempt.failures() + 1;
            boolean urgent = isResponseLost(error) && !attempt.repeats();
            ServedToken anchored = served.anchored(moment);
            long now = moment.by(anchored.offset());
            long wait =
                    settings.policy().backoff(failures, settings.nextRandom()).toMillis();
            if (urgent) {
                wait = Math.min(wait, LOST_RESPONSE_RETRY_LIMIT);
            }
            Instant asked = error instanceof TokenUnavailableException unavailable ? unavailable.retryAt() : null;
            long retryAt = asked == null
                    ? now + wait
                    : Math.max(now + wait, later(ServedToken.millis(asked), urgent, now, settings));
            return new Paused(anchored, failures, retryAt, error, urgent ? Cause.RESPONSE_LOST : Cause.FAILED);
        }

        /**
         * The repeat after a lost response comes as soon as the server allows, as the grace for its refresh token may
         * be short.
         */
        private static long later(long asked, boolean urgent, long now, SessionSettings settings) {
            return urgent ? asked : spread(asked, now, settings.nextRandom());
        }

        /** A server gives the same time to many clients. They come after it, and not all at once. */
        static long spread(long asked, long now, double random) {
            long widest = Math.max(SHORTEST_SPREAD, (asked - now) / 5);
            return asked >= NEVER / 4_000 ? asked : asked + (long) (widest * (1 + random) / 2);
        }

        private static boolean isResponseLost(TokenSwapException error) {
            return error instanceof TokenUnavailableException unavailable
                    && unavailable.reason() == TokenUnavailableException.Reason.RESPONSE_LOST;
        }

        @Override
        public Paused with(ServedToken served) {
            return new Paused(served, failures, retryAt, error, cause);
        }

        @Override
        public long dueAt() {
            return retryAt;
        }

        @Override
        public Phase asked(Moment moment, SessionSettings settings) {
            return moment.by(served.offset()) < retryAt ? this : due(moment, settings);
        }

        @Override
        public Phase due(Moment moment, SessionSettings settings) {
            return token().refreshToken() == null
                    ? loginRequired(served, "There is no refresh token. Sign in again.", null, moment, settings)
                    : new Refreshing(served, RefreshAttempt.refresh(), failures, isResponseLost(error));
        }

        @Override
        public Status status(Moment moment) {
            return cause == Cause.POSTPONED && isUsable(moment) ? Status.REFRESH_DUE : Status.RETRYING;
        }
    }

    /** The grant has ended, and a hook of the application asks the user to sign in. */
    record SigningIn(ServedToken served, RefreshAttempt attempt) implements Phase {

        @Override
        public SigningIn with(ServedToken served) {
            return new SigningIn(served, attempt);
        }

        @Override
        public long dueAt() {
            return NEVER;
        }

        @Override
        public Phase asked(Moment moment, SessionSettings settings) {
            return this;
        }

        @Override
        public Phase due(Moment moment, SessionSettings settings) {
            return this;
        }

        @Override
        public Status status(Moment moment) {
            return Status.SIGNING_IN;
        }

        /** Another end of the grant, or a sign-out elsewhere, changes nothing for the user who is signing in. */
        @Override
        public Phase adopted(Record record, Moment moment, SessionSettings settings) {
            return record.state() == TokenStore.State.LIVE
                    ? Phase.super.adopted(record, moment, settings)
                    : noted(this, record, moment);
        }

        @Override
        public Phase removed(Record last, Moment moment, SessionSettings settings) {
            return stored().compare(last) == 0 && !served.refused() ? with(served.refuse()) : this;
        }

        @Override
        public Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
            if (ended != attempt) {
                return Phase.super.ended(ended, result, moment, settings);
            }
            if (result instanceof AttemptResult.Issued issued) {
                Phase next = renewed(issued.token(), settings.newLogin(), moment, settings);
                return next.isUsable(moment)
                        ? next
                        : Paused.after(
                                new Refreshing(next.served(), attempt, 0, false),
                                next.served().refuse(),
                                Refreshing.bornStale(issued.token()),
                                moment,
                                settings);
            }
            TokenSwapException error = result instanceof AttemptResult.Failed failed ? failed.error() : null;
            LoginRequiredException end =
                    new LoginRequiredException("The grant has ended, and the new login failed", error);
            return new LoginRequired(served, end, null, moment.by(served.offset()));
        }
    }

    /**
     * The grant has ended and nothing is sent to the server any more. With a store, another node may have signed in:
     * callers cause a look at it.
     *
     * @param look the look at the store in flight, or null
     * @param lookedAt when the store was last looked at
     */
    record LoginRequired(
            ServedToken served,
            LoginRequiredException error,
            @Nullable RefreshAttempt look,
            long lookedAt) implements Phase {

        @Override
        public LoginRequired with(ServedToken served) {
            return new LoginRequired(served, error, look, lookedAt);
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
                    : new LoginRequired(served, error, RefreshAttempt.look(), lookedAt);
        }

        @Override
        public Status status(Moment moment) {
            return Status.LOGIN_REQUIRED;
        }

        /** The login is required already: the user is not asked a second time. */
        @Override
        public Phase adopted(Record record, Moment moment, SessionSettings settings) {
            return record.state() == TokenStore.State.LIVE
                    ? Phase.super.adopted(record, moment, settings)
                    : noted(this, record, moment);
        }

        @Override
        public Phase removed(Record last, Moment moment, SessionSettings settings) {
            return stored().compare(last) == 0 && !served.refused() ? with(served.refuse()) : this;
        }

        @Override
        public Phase ended(RefreshAttempt ended, AttemptResult result, Moment moment, SessionSettings settings) {
            if (ended != look) {
                return Phase.super.ended(ended, result, moment, settings);
            }
            ServedToken anchored = served.anchored(moment);
            LoginRequired looked = new LoginRequired(anchored, error, null, moment.by(anchored.offset()));
            return result instanceof AttemptResult.Adopted adopted
                    ? looked.adopted(adopted.record(), moment, settings)
                    : looked;
        }
    }

    /** Disposed. An attempt that was in flight continues, and its result is saved. No caller waits for it any more. */
    record Closed(ServedToken served, @Nullable RefreshAttempt inFlight) implements Phase {

        @Override
        public Closed with(ServedToken served) {
            return new Closed(served, inFlight);
        }

        @Override
        public boolean isUsable(Moment moment) {
            return false;
        }

        @Override
        public long dueAt() {
            return NEVER;
        }

        @Override
        public Phase asked(Moment moment, SessionSettings settings) {
            return this;
        }

        @Override
        public Phase due(Moment moment, SessionSettings settings) {
            return this;
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
                    ? new Closed(kept.served().with(kept.stored().leased(null)), null)
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
            return stored().isCommanded() || stored().compare(record) <= 0
                    ? this
                    : with(stored().adopted(record, moment.elapsed()));
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

    private static Phase loginRequired(
            ServedToken served,
            String message,
            @Nullable TokenSwapException cause,
            Moment moment,
            SessionSettings settings) {
        return loginRequired(served, new LoginRequiredException(message, cause), moment, settings);
    }

    private static Phase loginRequired(
            ServedToken served, LoginRequiredException error, Moment moment, SessionSettings settings) {
        Token remaining = served.token().refreshToken() == null
                ? served.token()
                : served.token().toBuilder().refreshToken(null).build();
        ServedToken kept = served.with(remaining);
        return settings.login() == null
                ? new LoginRequired(kept, error, null, moment.by(kept.offset()))
                : new SigningIn(kept, RefreshAttempt.signIn(error));
    }
}
