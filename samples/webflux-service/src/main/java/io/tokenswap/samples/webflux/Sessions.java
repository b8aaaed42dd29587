package io.tokenswap.samples.webflux;

import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** Sessions of the signed-in browsers, by an id that only the browser knows. */
@Component
final class Sessions {

    private static final Duration ROUND = Duration.ofMinutes(1);

    private final ExpiringMap<TokenSession> sessions;
    private final Disposable rounds;
    private final Ids ids;

    Sessions(Settings settings, InstantSource clock, Ids ids) {
        this.ids = ids;
        Settings.Service service = settings.service();
        this.sessions = new ExpiringMap<>(service.maxSessions(), service.idleTimeout(), clock, TokenSession::dispose);
        // An idle service, too, drops tokens that are not used any more.
        this.rounds = Flux.interval(ROUND).subscribe(round -> sessions.evict());
    }

    /** Keeps a session under a new id, which was not known before the login. */
    String open(TokenSession session) {
        String id = ids.random();
        sessions.put(id, session);
        return id;
    }

    /** Returns the session of a browser, which then counts as used. */
    @Nullable TokenSession find(@Nullable String id) {
        TokenSession session = id == null ? null : sessions.touch(id);
        return session == null || session.isDisposed() ? null : session;
    }

    void close(@Nullable String id) {
        TokenSession session = id == null ? null : sessions.remove(id);
        if (session != null) {
            session.dispose();
        }
    }

    /** Closes all sessions before the web server is stopped, which would wait for the open event streams. */
    @EventListener(ContextClosedEvent.class)
    void closeAll() {
        rounds.dispose();
        sessions.clear();
    }
}
