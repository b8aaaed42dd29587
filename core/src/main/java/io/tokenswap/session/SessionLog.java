package io.tokenswap.session;

import io.tokenswap.Token;
import org.jspecify.annotations.Nullable;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * Writes the events of the sessions to the log, at DEBUG: a session fails as often as its server or its API likes. Tokens are
 * named by their fingerprints.
 */
final class SessionLog {

    private static final Logger log = Loggers.getLogger(TokenSession.class);

    private SessionLog() {}

    static boolean isEnabled() {
        return log.isDebugEnabled();
    }

    /**
     * Writes one event.
     *
     * @param token the token of the session, or null if it is not known
     */
    static void write(SessionEvent event, @Nullable Token token) {
        if (log.isDebugEnabled()) {
            log.debug("[{}] {}: {}", token == null ? "-" : token.fingerprint(), event.name(), details(event));
        }
    }

    private static String details(SessionEvent event) {
        if (event instanceof SessionEvent.Refreshed refreshed) {
            return "the token expires at " + refreshed.expiresAt();
        } else if (event instanceof SessionEvent.ScopesReduced reduced) {
            return "the token lacks " + reduced.missing();
        } else if (event instanceof SessionEvent.RefreshFailed failed) {
            return "next attempt at " + failed.retryAt() + ". " + failed.error().getMessage();
        } else if (event instanceof SessionEvent.Invalidated) {
            return "the API rejected the token";
        } else if (event instanceof SessionEvent.ApiRejectsTokens rejected) {
            return "next attempt at " + rejected.retryAt();
        } else if (event instanceof SessionEvent.StoreFailed failed) {
            // Without the message, which is of a foreign driver and may quote what it could not save.
            return failed.error().getClass().getName();
        } else if (event instanceof SessionEvent.GrantExpiring expiring) {
            return "the grant ends at " + expiring.grantExpiresAt();
        } else if (event instanceof SessionEvent.LoginRequired required) {
            return String.valueOf(required.error().getMessage());
        }
        return "the session was disposed";
    }
}
