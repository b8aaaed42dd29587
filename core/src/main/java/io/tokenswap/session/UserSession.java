package io.tokenswap.session;

import io.tokenswap.internal.ReadySubscription;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** The session of one user of many: at once if it is open, otherwise when it is loaded. */
final class UserSession extends Mono<TokenSession> implements Scannable {

    private final TokenSessions sessions;
    private final String user;

    private UserSession(TokenSessions sessions, String user) {
        this.sessions = sessions;
        this.user = user;
    }

    /** The Mono of {@link TokenSessions#get(String)}. */
    static Mono<TokenSession> of(TokenSessions sessions, String user) {
        return onAssembly(new UserSession(sessions, user));
    }

    /** Reads the map and the clock, and no more, while the session is open. */
    @Override
    public void subscribe(CoreSubscriber<? super TokenSession> actual) {
        TokenSession open = sessions.use(user);
        if (open != null) {
            actual.onSubscribe(new ReadySubscription<>(actual, open));
        } else {
            sessions.load(user).subscribe(actual);
        }
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
    }
}
