package io.tokenswap.samples.desktop;

import io.tokenswap.Token;
import io.tokenswap.session.SessionEvent;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** One JSON object a line. */
final class JsonLines implements Reporter {

    private final JsonMapper json = new JsonMapper();
    private final PrintWriter out;
    private final InstantSource clock;

    JsonLines(PrintWriter out, InstantSource clock) {
        this.out = out;
        this.clock = clock;
    }

    @Override
    public void note(String text) {
        line("note", "message", text);
    }

    @Override
    public void authorize(URI uri, boolean person) {
        line("authorize", "url", uri.toString());
    }

    @Override
    public void token(Token token, long refresh, @Nullable Instant refreshAt) {
        Instant expiresAt = token.expiresAt();
        line(
                "token",
                "fingerprint",
                token.fingerprint(),
                "scopes",
                token.scopes(),
                "expires_in",
                expiresAt == null ? null : Math.round((expiresAt.toEpochMilli() - clock.millis()) / 1000.0),
                "refresh",
                refresh);
    }

    @Override
    public void event(SessionEvent event) {
        if (event instanceof SessionEvent.RefreshFailed failed) {
            line(
                    "refresh_failed",
                    "message",
                    failed.error().getMessage(),
                    "retry_at",
                    failed.retryAt().toString());
        } else if (event instanceof SessionEvent.LoginRequired ended) {
            line("login_required", "message", ended.error().getMessage());
        } else if (event instanceof SessionEvent.Invalidated refused) {
            line("invalidated", "fingerprint", refused.fingerprint());
        } else if (event instanceof SessionEvent.ScopesReduced reduced) {
            line("scopes_reduced", "missing", String.join(" ", reduced.missing()));
        } else if (event instanceof SessionEvent.GrantExpiring expiring) {
            line("grant_expiring", "grant_expires_at", expiring.grantExpiresAt().toString());
        } else if (event instanceof SessionEvent.StoreFailed failed) {
            line("store_failed", "message", failed.error().getMessage());
        }
        // A refresh is reported with its token, the end of the session by the end of the program.
    }

    @Override
    public void me(int status, String body) {
        Object user;
        try {
            user = json.readTree(body);
        } catch (JacksonException notJson) {
            user = null;
        }
        line("me", "status", status, "user", user);
    }

    @Override
    public void error(String kind, String message) {
        print("error", "kind", kind, "message", message);
    }

    private void line(String event, @Nullable Object... members) {
        print(event, members);
        Reporter.requireReader(out);
    }

    private synchronized void print(String event, @Nullable Object... members) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("event", event);
        for (int i = 0; i < members.length; i += 2) {
            object.put(String.valueOf(members[i]), members[i + 1]);
        }
        out.println(json.writeValueAsString(object));
        out.flush();
    }

    @Override
    public void close() {
        out.flush();
    }
}
