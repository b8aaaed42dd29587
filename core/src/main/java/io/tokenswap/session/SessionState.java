package io.tokenswap.session;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Snapshot of a {@link TokenSession} for pages, health checks and metrics. It holds no secret and no exception, so that it can
 * be written as JSON. Immutable and safe for use by any thread.
 *
 * <p>Applications only read snapshots. Components may be added in later releases, so the constructor is not part of the API.
 *
 * @param status the status of the session
 * @param fingerprint the {@linkplain io.tokenswap.Token#fingerprint() name} of the current token
 * @param expiresAt when the current token expires, or null if that is not known
 * @param retryAt when the next attempt is due after a failure, or null if none is
 * @param grantExpiresAt when the provider ends the grant, or null if that is not known
 * @param problem the problem that prevents a new token, or null if there is none
 */
public record SessionState(
        Status status,
        String fingerprint,
        @Nullable Instant expiresAt,
        @Nullable Instant retryAt,
        @Nullable Instant grantExpiresAt,
        @Nullable String problem) {

    static SessionState of(Phase phase, Moment moment, RefreshPolicy policy) {
        return new SessionState(
                phase.status(moment),
                phase.token().fingerprint(),
                policy.expiresAt(phase.token()),
                phase instanceof PausedPhase paused ? Instant.ofEpochMilli(paused.retryAt()) : null,
                policy.grantExpiresAt(phase.token()),
                phase.problem());
    }

    /** Status of a session. */
    public enum Status {
        /** The current token is good: callers get it at once. */
        VALID,
        /**
         * The token should be refreshed and nothing is in flight: the next caller gets the token at once and starts the
         * refresh.
         */
        REFRESH_DUE,
        /** A refresh is in flight. Callers get the current token until it is stale, then wait for the next one. */
        REFRESHING,
        /**
         * The last attempt failed and another one is due later. Callers get the current token until it is stale, then
         * fail at once with {@link io.tokenswap.TokenUnavailableException}.
         */
        RETRYING,
        /**
         * The grant has ended and the application's hook asks the user to sign in. Callers without a usable token wait
         * for it.
         */
        SIGNING_IN,
        /**
         * The grant has ended and nothing is sent to the server. Callers get the current token until it is stale, then fail with
         * {@link io.tokenswap.LoginRequiredException}. {@link TokenSession#renew} leads back.
         */
        LOGIN_REQUIRED,
        /** The session was disposed. Callers fail with {@link io.tokenswap.SessionClosedException}. */
        CLOSED
    }
}
