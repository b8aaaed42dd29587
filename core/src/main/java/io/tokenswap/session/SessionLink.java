package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Connection of a session with its store, or with none. The session calls it in the same way in both cases. Its methods
 * get the session, so that all sessions without a store share {@link #NONE}.
 */
abstract class SessionLink {

    static final SessionLink NONE = new SessionLink() {};

    /** Obtains the next token. Errors are possible only where foreign code breaks the rules of Reactive Streams. */
    Mono<AttemptResult> refresh(SessionEngine session) {
        Token current = session.current().token();
        RefreshToken refreshToken = Objects.requireNonNull(current.refreshToken());
        return TokenRequests.refresh(current, refreshToken, session.settings(), AttemptResult.Issued::new);
    }

    /** Looks at the store for what other nodes have written. */
    Mono<AttemptResult> look(SessionEngine session) {
        return Mono.just(new AttemptResult.Unchanged());
    }

    /** Carries out the effects of a change of phase on the store. */
    void react(SessionEngine session, Phase before, Phase after) {}

    /** Starts or stops to follow the changes that the store reports. */
    void follow(SessionEngine session) {}

    /** Notes a failure of the store. */
    void failed(Throwable error) {}

    /** Returns the last failure of the store, or null. */
    @Nullable Throwable lastFailure() {
        return null;
    }
}
