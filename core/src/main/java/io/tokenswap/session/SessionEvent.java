package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Event of a {@link TokenSession}, for logs, screens and alarms. No event holds a secret. */
public sealed interface SessionEvent {

    /**
     * Returns the time of the event.
     *
     * @return the time by the session's clock
     */
    Instant at();

    /**
     * Names the kind of the event for logs, metrics and pages.
     *
     * @return a name in lower case with underscores; it does not change in later releases
     */
    String name();

    /**
     * A new token is current, by a refresh, a new login or {@link TokenSession#renew(Token)}.
     *
     * @param at when
     * @param fingerprint the {@linkplain Token#fingerprint() name} of the new token
     * @param expiresAt when it expires, or null when that is unknown
     */
    record Refreshed(
            Instant at, String fingerprint, @Nullable Instant expiresAt) implements SessionEvent {

        @Override
        public String name() {
            return "refreshed";
        }
    }

    /**
     * The new token, which {@link Refreshed} has just reported, has fewer scopes than the one before it. For example, the user
     * has revoked some of them. The API refuses calls that need a missing scope, and only a new login restores it.
     *
     * @param at the time
     * @param missing the scopes that are missing, at least one
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749 section 5.1</a>
     */
    record ScopesReduced(Instant at, Set<String> missing) implements SessionEvent {

        @Override
        public String name() {
            return "scopes_reduced";
        }
    }

    /**
     * A refresh failed and will be repeated.
     *
     * @param at when
     * @param error why
     * @param retryAt when it is repeated at the earliest
     */
    record RefreshFailed(Instant at, TokenSwapException error, Instant retryAt) implements SessionEvent {

        @Override
        public String name() {
            return "refresh_failed";
        }
    }

    /**
     * The current token was reported as refused.
     *
     * @param at when
     * @param fingerprint the name of the refused token
     */
    record Invalidated(Instant at, String fingerprint) implements SessionEvent {

        @Override
        public String name() {
            return "invalidated";
        }
    }

    /**
     * The API refuses one token after another, although refreshes succeed. Further refreshes come with backoff. A call
     * that succeeds resets it.
     *
     * @param at when
     * @param fingerprint the name of the token that was refused last
     * @param retryAt when the next token is requested
     */
    record ApiRejectsTokens(Instant at, String fingerprint, Instant retryAt) implements SessionEvent {

        @Override
        public String name() {
            return "api_rejects_tokens";
        }
    }

    /**
     * The store could not save the current token, which is kept in memory and saved again later.
     *
     * @param at when
     * @param error why
     */
    record StoreFailed(Instant at, Throwable error) implements SessionEvent {

        @Override
        public String name() {
            return "store_failed";
        }
    }

    /**
     * The user's consent ends soon: ask for a new login while the present one still works.
     *
     * <p>Emitted with the first token that a session obtains within 30 days of the end, and with the first within 7 days, so a
     * session that is restored late emits it too. It needs a {@link RefreshPolicy.Builder#grantLifetime(java.time.Duration)},
     * or a provider that {@linkplain Token#grantExpiresAt() names} the end.
     *
     * @param at the time
     * @param grantExpiresAt the time at which the provider ends the grant
     */
    record GrantExpiring(Instant at, Instant grantExpiresAt) implements SessionEvent {

        @Override
        public String name() {
            return "grant_expiring";
        }
    }

    /**
     * The grant has ended. Nothing is refreshed until {@link TokenSession#renew(Token)} or the hook for logins supplies the
     * token of a new login. If the hook fails, the event is emitted once more.
     *
     * @param at when
     * @param error why
     */
    record LoginRequired(Instant at, LoginRequiredException error) implements SessionEvent {

        @Override
        public String name() {
            return "login_required";
        }
    }

    /**
     * The session was disposed. This is the last event.
     *
     * @param at when
     */
    record Closed(Instant at) implements SessionEvent {

        @Override
        public String name() {
            return "closed";
        }
    }
}
