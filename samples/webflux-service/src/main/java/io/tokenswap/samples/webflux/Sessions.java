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

/** The signed-in browsers and their sessions, by an id that only the browser knows. */
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
        // An idle service, too, lets go of tokens that nobody uses any more.
        this.rounds = Flux.interval(ROUND).subscribe(round -> sessions.evict());
    }

    /** Keeps a session; its id is a new one, so that nobody can have known it before the login. */
    String open(TokenSession session) {
        String id = ids.random();
        sessions.put(id, session);
        return id;
    }

    /** The session of a browser, which counts as used. */
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

    /** Before the web server is stopped, which would wait for the open event streams to end. */
    @EventListener(ContextClosedEvent.class)
    void closeAll() {
        rounds.dispose();
        sessions.clear();
    }
}
