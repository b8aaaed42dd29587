package io.tokenswap.samples.webflux;

import io.tokenswap.session.SessionEvent;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Event of a session as a browser sees it.
 *
 * @param type the kind of the event
 * @param at the time
 * @param text the token or the scopes, or the reason
 * @param until the time that the event announces
 */
record EventView(
        Type type,
        Instant at,
        @Nullable String text,
        @Nullable Instant until) {

    enum Type {
        REFRESHED,
        SCOPES_REDUCED,
        REFRESH_FAILED,
        INVALIDATED,
        STORE_FAILED,
        GRANT_EXPIRING,
        LOGIN_REQUIRED,
        CLOSED
    }

    static EventView of(SessionEvent event) {
        Instant at = event.at();
        if (event instanceof SessionEvent.Refreshed refreshed) {
            return new EventView(Type.REFRESHED, at, refreshed.fingerprint(), refreshed.expiresAt());
        }
        if (event instanceof SessionEvent.ScopesReduced reduced) {
            return new EventView(Type.SCOPES_REDUCED, at, String.join(" ", reduced.missing()), null);
        }
        if (event instanceof SessionEvent.RefreshFailed failed) {
            return new EventView(Type.REFRESH_FAILED, at, failed.error().getMessage(), failed.retryAt());
        }
        if (event instanceof SessionEvent.Invalidated invalidated) {
            return new EventView(Type.INVALIDATED, at, invalidated.fingerprint(), null);
        }
        if (event instanceof SessionEvent.StoreFailed failed) {
            return new EventView(
                    Type.STORE_FAILED, at, failed.error().getClass().getSimpleName(), null);
        }
        if (event instanceof SessionEvent.GrantExpiring expiring) {
            return new EventView(Type.GRANT_EXPIRING, at, null, expiring.grantExpiresAt());
        }
        if (event instanceof SessionEvent.LoginRequired required) {
            return new EventView(Type.LOGIN_REQUIRED, at, required.error().getMessage(), null);
        }
        return new EventView(Type.CLOSED, at, null, null);
    }
}
