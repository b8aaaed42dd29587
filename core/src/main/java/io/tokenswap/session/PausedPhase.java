package io.tokenswap.session;

import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionState.Status;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Phase in which the next attempt is due later: the last one failed, or it is another node's turn.
 *
 * @param error what callers without a usable token get
 */
record PausedPhase(ServedToken served, int failures, long retryAt, TokenSwapException error, Cause cause)
        implements Phase {

    /** The longest wait after a lost response: a server's grace for a rotated refresh token may be as short as 5 s. */
    static final long LOST_RESPONSE_RETRY_LIMIT = 1_500;

    /** The longest time by which attempts are spread after a short pause that a server asked for. */
    private static final long SHORTEST_SPREAD = 5_000;

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

    static PausedPhase rejected(ServedToken refused, Moment moment, SessionSettings settings) {
        ServedToken anchored = refused.anchored(moment);
        long wait = settings.policy()
                .backoff(refused.rejections() - IdlePhase.REPLACED_AT_ONCE, settings.nextRandom())
                .toMillis();
        TokenSwapException error = new TokenUnavailableException(
                "The API refuses every token, although refreshes succeed. Does it accept tokens of this provider and of"
                        + " these scopes?",
                TokenUnavailableException.Reason.REJECTED,
                null,
                null);
        return new PausedPhase(anchored, 0, moment.by(anchored.offset()) + wait, error, Cause.REJECTED);
    }

    static PausedPhase after(
            RefreshingPhase attempt,
            ServedToken served,
            TokenSwapException error,
            Moment moment,
            SessionSettings settings) {
        int failures = attempt.failures() + 1;
        boolean urgent = isResponseLost(error) && !attempt.repeats();
        ServedToken anchored = served.anchored(moment);
        long now = moment.by(anchored.offset());
        long wait = settings.policy().backoff(failures, settings.nextRandom()).toMillis();
        if (urgent) {
            wait = Math.min(wait, LOST_RESPONSE_RETRY_LIMIT);
        }
        Instant asked = error instanceof TokenUnavailableException unavailable ? unavailable.retryAt() : null;
        long retryAt = asked == null
                ? now + wait
                : Math.max(now + wait, later(ServedToken.millis(asked), urgent, now, settings));
        return new PausedPhase(anchored, failures, retryAt, error, urgent ? Cause.RESPONSE_LOST : Cause.FAILED);
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
    public PausedPhase with(ServedToken served) {
        return new PausedPhase(served, failures, retryAt, error, cause);
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
                ? EndedPhase.of(served, "There is no refresh token. Sign in again.", null, moment, settings)
                : new RefreshingPhase(served, RefreshAttempt.refresh(), failures, isResponseLost(error));
    }

    @Override
    public Status status(Moment moment) {
        return cause == Cause.POSTPONED && isUsable(moment) ? Status.REFRESH_DUE : Status.RETRYING;
    }

    @Override
    public @Nullable String problem() {
        return error.getMessage();
    }
}
