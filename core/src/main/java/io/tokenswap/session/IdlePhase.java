package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.Record;
import java.util.Objects;

/** Phase in which nothing is in flight. The next refresh is due at a time. */
@SuppressWarnings("ReferenceEquality") // an unchanged value is the same object
record IdlePhase(ServedToken served, long refreshAt) implements Phase {

    /** The shortest time between two refreshes by the timer, however short-lived the tokens are. */
    static final long MIN_INTERVAL = 1_000;

    /** The age up to which a refused token says that a refresh does not help. */
    private static final long FRESH = 300_000;

    /** Number of refused tokens in a row that are replaced at once. */
    static final int REPLACED_AT_ONCE = 2;

    /** Time by which the wall clock may be before the start of a token and still be trusted. */
    private static final long CLOCK_TOLERANCE = 120_000;

    /** Time for which a token of another node is served whose start is in the future by the clock of this node. */
    private static final long DOUBTFUL_INTERVAL = 30_000;

    /** The token of a login, or one that was kept while there was no session. */
    static IdlePhase with(Token token, Stored stored, Moment moment, SessionSettings settings) {
        return with(ServedToken.of(token, 0, stored, moment, settings), 0, moment, settings);
    }

    /**
     * The token of another node, whose clock may be ahead: two such nodes must not drive each other to one refresh
     * after another.
     */
    static IdlePhase adopted(Token token, Stored stored, Moment moment, SessionSettings settings) {
        return with(ServedToken.of(token, 0, stored, moment, settings), DOUBTFUL_INTERVAL, moment, settings);
    }

    /** The token of a refresh that has just ended here. */
    static IdlePhase issued(Token token, int rejections, Stored stored, Moment moment, SessionSettings settings) {
        ServedToken served = ServedToken.of(token, rejections, stored, moment, settings);
        return with(served.startedBy(moment), 0, moment, settings);
    }

    private static IdlePhase with(ServedToken served, long doubtful, Moment moment, SessionSettings settings) {
        Token token = served.token();
        if (token.refreshToken() == null) {
            return new IdlePhase(served, served.staleAt()); // nothing to do before the token ends
        }
        long refreshAt = ServedToken.millis(
                settings.policy().refreshAt(token, served.stored().placeInJitter(settings.nextRandom())));
        if (!served.isUsable(moment)) {
            return new IdlePhase(served, refreshAt); // a stale token, for example a restored one, is due at once
        }
        long now = moment.by(served.offset());
        if (now < ServedToken.millis(token.issuedAt()) - CLOCK_TOLERANCE) {
            // The clock stands before the token's start, so the age of the token is not known.
            return new IdlePhase(served, now + doubtful);
        }
        return new IdlePhase(served, Math.max(refreshAt, now + MIN_INTERVAL));
    }

    @Override
    public IdlePhase with(ServedToken served) {
        return new IdlePhase(served, refreshAt);
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
                : PausedPhase.rejected(refused, moment, settings);
    }

    private static Phase next(ServedToken served, Moment moment, SessionSettings settings) {
        return served.token().refreshToken() != null
                ? new RefreshingPhase(served, RefreshAttempt.refresh(), 0, false)
                : EndedPhase.of(served, "There is no refresh token. Sign in again.", null, moment, settings);
    }
}
