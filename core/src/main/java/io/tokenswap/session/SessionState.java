package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Where a session is, and every step that it can take: pure functions from a state and something that happened to the next
 * state. {@link DefaultTokenSession} puts one in place by compare-and-set and carries out what it entails.
 *
 * <pre>
 *      woken, asked, invalidated             success
 *     Idle ------------------> Refreshing ------------> Idle
 *                               |  ^    |
 *                       failure |  |    | invalid_grant, no refresh token
 *                               v  | woken, asked
 *                             Paused    +---> LoginRequired   (or Refreshing by a login, where a hook offers one)
 *
 *     any but Closed --renewed--> Idle        any --closed--> Closed
 * </pre>
 *
 * <p>How it reads: a session is {@link Idle} while nothing is to be done for its token, {@link Refreshing} while one flight is under
 * way (the same while a hook has the user sign in again), {@link Paused} between a failure and the next attempt, and stays at
 * {@link LoginRequired} or {@link Closed} until a renewal, or for good. Whether a caller gets the token is another question, and the
 * same in all of them: {@link #isUsable} until {@code staleAt}. So a usable token is served throughout a refresh, a pause and after
 * the end of the grant, and a refused one nowhere: its {@code staleAt} is {@code Long.MIN_VALUE}.
 *
 * <p>A step that does not apply returns the same instance, and a step that does returns a new one: the identity of a state is what
 * alarms and events go by. Times are epoch milliseconds by the session's clock: comparing them costs a caller nothing, and
 * {@code Long.MAX_VALUE} stands for never.
 */
sealed interface SessionState {

    long NEVER = Long.MAX_VALUE;

    /** The shortest time between two refreshes by the timer, however short-lived the tokens are. */
    long MIN_INTERVAL = 1_000;

    /** The longest wait after an attempt of unknown outcome: a server's grace for a rotated token may be as short as 5 s. */
    long UNKNOWN_RETRY_LIMIT = 1_500;

    /** The last token. */
    Token token();

    /** When the last token is no longer handed out. */
    long staleAt();

    /** When this state is to be left, if nothing else happens. */
    long wakeAt();

    /** The time for it has come. */
    SessionState woken(SessionSettings settings);

    /** A caller needs a token: goes on if it is time to. */
    default SessionState asked(long now, SessionSettings settings) {
        return now < wakeAt() && isUsable(now) ? this : woken(settings);
    }

    /** A caller wants another token though this one may still be good. */
    default SessionState demanded(long now, SessionSettings settings) {
        return asked(now, settings);
    }

    /** What this state is called in public. */
    TokenSession.State describe(long now);

    /** The token was refused: it is handed out no more. */
    SessionState invalidated(SessionSettings settings);

    /** A flight brought a token. */
    default SessionState succeeded(Flight flight, Token next, long now, SessionSettings settings) {
        return this;
    }

    /** A flight failed. */
    default SessionState failed(Flight flight, TokenSwapException error, long now, SessionSettings settings) {
        return this;
    }

    /** The token of a new login. */
    default SessionState renewed(Token next, long now, SessionSettings settings) {
        return Idle.with(next, now, settings);
    }

    /** The end. */
    default SessionState closed() {
        return new Closed(token(), null);
    }

    /** Whether a caller may have the token now. */
    default boolean isUsable(long now) {
        return now < staleAt();
    }

    /** Nothing is under way. */
    record Idle(Token token, long refreshAt, long staleAt) implements SessionState {

        static Idle with(Token token, long now, SessionSettings settings) {
            long staleAt = millis(settings.policy().staleAt(token));
            long refreshAt = millis(settings.policy().refreshAt(token, settings.nextRandom()));
            if (token.refreshToken() == null) {
                return new Idle(token, staleAt, staleAt); // nothing to do before it ends
            }
            // A token that is stale already, restored from a store for one, is due at once.
            return new Idle(token, staleAt <= now ? refreshAt : Math.max(refreshAt, now + MIN_INTERVAL), staleAt);
        }

        @Override
        public long wakeAt() {
            return refreshAt;
        }

        @Override
        public SessionState woken(SessionSettings settings) {
            return next(staleAt, settings);
        }

        @Override
        public SessionState demanded(long now, SessionSettings settings) {
            return next(staleAt, settings);
        }

        @Override
        public TokenSession.State describe(long now) {
            return now < refreshAt && isUsable(now) ? TokenSession.State.FRESH : TokenSession.State.DUE;
        }

        @Override
        public SessionState invalidated(SessionSettings settings) {
            return next(Long.MIN_VALUE, settings);
        }

        private SessionState next(long staleAt, SessionSettings settings) {
            if (token.refreshToken() != null) {
                return Refreshing.after(this, staleAt, 0, false);
            }
            return loginRequired(token, staleAt, noRefreshToken(), settings);
        }
    }

    /** One flight is under way. */
    record Refreshing(Token token, long staleAt, Flight flight, int failures, boolean repeats) implements SessionState {

        /** An attempt; {@code repeats} one of unknown outcome, or not. */
        static Refreshing after(SessionState previous, long staleAt, int failures, boolean repeats) {
            return new Refreshing(previous.token(), staleAt, Flight.refresh(), failures, repeats);
        }

        @Override
        public long wakeAt() {
            return NEVER;
        }

        @Override
        public SessionState asked(long now, SessionSettings settings) {
            return this;
        }

        @Override
        public SessionState woken(SessionSettings settings) {
            return this;
        }

        @Override
        public TokenSession.State describe(long now) {
            return flight.loginReason() == null ? TokenSession.State.REFRESHING : TokenSession.State.LOGIN_REQUIRED;
        }

        @Override
        public SessionState invalidated(SessionSettings settings) {
            // The flight's result is another token than the one that was refused, so it still counts.
            return staleAt == Long.MIN_VALUE ? this : new Refreshing(token, Long.MIN_VALUE, flight, failures, repeats);
        }

        @Override
        public SessionState succeeded(Flight landed, Token next, long now, SessionSettings settings) {
            if (landed != flight) {
                return this;
            }
            Idle idle = Idle.with(next, now, settings);
            // Born stale: a lifetime of zero, or clocks apart. It is kept, and the next attempt comes after a pause.
            return idle.isUsable(now) ? idle : Paused.after(this, next, Long.MIN_VALUE, bornStale(next), now, settings);
        }

        @Override
        public SessionState failed(Flight landed, TokenSwapException error, long now, SessionSettings settings) {
            if (landed != flight) {
                return this;
            }
            if (flight.loginReason() != null) {
                return new LoginRequired(
                        token,
                        staleAt,
                        new LoginRequiredException("The grant has ended, and so has the new login", error));
            }
            if (error instanceof LoginRequiredException ended) {
                return loginRequired(token, staleAt, ended, settings);
            }
            if (error instanceof OAuthErrorException answer && answer.requiresLogin()) {
                return loginRequired(
                        token,
                        staleAt,
                        new LoginRequiredException("The grant has ended. Sign in again.", answer),
                        settings);
            }
            return Paused.after(this, token, staleAt, error, now, settings);
        }

        @Override
        public SessionState closed() {
            return new Closed(token, flight);
        }

        private static TokenSwapException bornStale(Token token) {
            return new TokenUnavailableException(
                    "The new token is expired already (at " + token.expiresAt()
                            + "): check the clock and the server's expires_in",
                    TokenUnavailableException.Reason.INVALID_RESPONSE,
                    null,
                    null);
        }
    }

    /**
     * The last attempt failed, and the next is due later. An urgent one even if nobody asks: the refresh token may have been
     * replaced without anyone here knowing, and the server's grace is short.
     */
    record Paused(
            Token token, long staleAt, int failures, long since, long retryAt, TokenSwapException error, boolean urgent)
            implements SessionState {

        static Paused after(
                Refreshing attempt,
                Token token,
                long staleAt,
                TokenSwapException error,
                long now,
                SessionSettings settings) {
            int failures = attempt.failures() + 1;
            boolean urgent = isOfUnknownOutcome(error) && !attempt.repeats();
            long wait =
                    settings.policy().backoff(failures, settings.nextRandom()).toMillis();
            if (urgent) {
                wait = Math.min(wait, UNKNOWN_RETRY_LIMIT);
            }
            Instant asked = error instanceof TokenUnavailableException unavailable ? unavailable.retryAt() : null;
            long retryAt = asked == null ? now + wait : Math.max(now + wait, millis(asked));
            return new Paused(token, staleAt, failures, now, retryAt, error, urgent);
        }

        private static boolean isOfUnknownOutcome(TokenSwapException error) {
            return error instanceof TokenUnavailableException unavailable
                    && unavailable.reason() == TokenUnavailableException.Reason.RESPONSE_LOST;
        }

        @Override
        public long wakeAt() {
            return retryAt;
        }

        @Override
        public SessionState asked(long now, SessionSettings settings) {
            boolean clockWasSetBack = now < since; // by how much nobody knows, and callers must not fail for as long
            return now < retryAt && !clockWasSetBack ? this : woken(settings);
        }

        @Override
        public SessionState woken(SessionSettings settings) {
            return token.refreshToken() == null
                    ? loginRequired(token, staleAt, noRefreshToken(), settings)
                    : Refreshing.after(this, staleAt, failures, isOfUnknownOutcome(error));
        }

        @Override
        public TokenSession.State describe(long now) {
            return TokenSession.State.DEGRADED;
        }

        @Override
        public SessionState invalidated(SessionSettings settings) {
            return staleAt == Long.MIN_VALUE
                    ? this
                    : new Paused(token, Long.MIN_VALUE, failures, since, retryAt, error, urgent);
        }
    }

    /** The grant has ended; the refresh token is forgotten. */
    record LoginRequired(Token token, long staleAt, LoginRequiredException error) implements SessionState {

        @Override
        public long wakeAt() {
            return NEVER;
        }

        @Override
        public SessionState woken(SessionSettings settings) {
            return this;
        }

        @Override
        public TokenSession.State describe(long now) {
            return TokenSession.State.LOGIN_REQUIRED;
        }

        @Override
        public SessionState invalidated(SessionSettings settings) {
            return staleAt == Long.MIN_VALUE ? this : new LoginRequired(token, Long.MIN_VALUE, error);
        }
    }

    /** Disposed of, perhaps while a flight was under way. */
    record Closed(Token token, @Nullable Flight flight) implements SessionState {

        @Override
        public long staleAt() {
            return Long.MIN_VALUE;
        }

        @Override
        public long wakeAt() {
            return NEVER;
        }

        @Override
        public SessionState woken(SessionSettings settings) {
            return this;
        }

        @Override
        public TokenSession.State describe(long now) {
            return TokenSession.State.CLOSED;
        }

        @Override
        public SessionState invalidated(SessionSettings settings) {
            return this;
        }

        @Override
        public SessionState renewed(Token next, long now, SessionSettings settings) {
            return this;
        }

        @Override
        public SessionState closed() {
            return this;
        }
    }

    private static SessionState loginRequired(
            Token token, long staleAt, LoginRequiredException error, SessionSettings settings) {
        Token remaining = token.refreshToken() == null
                ? token
                : token.toBuilder().refreshToken(null).build();
        return settings.login() == null
                ? new LoginRequired(remaining, staleAt, error)
                : new Refreshing(remaining, staleAt, Flight.login(error), 0, false);
    }

    private static LoginRequiredException noRefreshToken() {
        return new LoginRequiredException("There is no refresh token. Sign in again.", null);
    }

    /** Cut to a range in which the difference of any two fits too. */
    private static long millis(Instant instant) {
        long longest = NEVER / 2_000;
        return instant.getEpochSecond() > longest
                ? NEVER
                : instant.getEpochSecond() < -longest ? -NEVER / 2 : instant.toEpochMilli();
    }
}
