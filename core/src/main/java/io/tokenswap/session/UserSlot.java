package io.tokenswap.session;

import io.tokenswap.SessionClosedException;
import io.tokenswap.session.TokenSessions.UserEvent;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Place of one user in {@link TokenSessions}, and the link of the user's session with the store: one object for both, because
 * a process may hold a million of them. The session is loading, open, closing or ended.
 *
 * <pre>
 *  loading --loaded--> open --evicted--> closing --closed--> ended
 *     +--failed, or nothing is stored--> ended     open --disposed by the application, or signed out--> ended
 * </pre>
 *
 * <p>Use and eviction exclude each other by {@link #lastUse}: a use puts {@link #USED} there, and an eviction {@link #EVICTED},
 * each by compare-and-set. So a session that was just returned to a caller is not closed. A use reads no clock: the next sweep
 * notes its time.
 */
final class UserSlot extends StoreLink {

    private static final int EVICTED = -2;
    private static final int USED = -1;

    /** The session could not be loaded, or is closed. */
    private static final Object ENDED = new Object();

    private static final AtomicIntegerFieldUpdater<UserSlot> LAST_USE =
            AtomicIntegerFieldUpdater.newUpdater(UserSlot.class, "lastUse");

    final String user;
    private final TokenSessions sessions;

    /** A sink while the session is loading, the open session, a {@link Closing}, or {@link #ENDED}. */
    private volatile Object state = Sinks.<TokenSession>one();

    /** A time of {@link TokenSessions#seconds()}, {@link #USED} or {@link #EVICTED}. */
    private volatile int lastUse;

    UserSlot(TokenSessions sessions, String user) {
        this.sessions = sessions;
        this.user = user;
        this.lastUse = sessions.seconds();
    }

    /**
     * A session that is about to be closed.
     *
     * @param session the session
     * @param end completes when the session is closed, or stays open after all
     */
    private record Closing(DefaultTokenSession session, Sinks.One<TokenSession> end) {}

    @Override
    RecordStore records() {
        return sessions.recordStore(user);
    }

    /** Returns the time of the last use. A use that no sweep has seen yet happens now. */
    int lastUse(int now) {
        return LAST_USE.compareAndSet(this, USED, now) ? now : lastUse;
    }

    /** Returns the session, which may be closing; null while it is loading and after it has ended. */
    @Nullable DefaultTokenSession session() {
        return session(state);
    }

    private static @Nullable DefaultTokenSession session(Object state) {
        if (state instanceof DefaultTokenSession open) {
            return open;
        }
        return state instanceof Closing closing ? closing.session : null;
    }

    /** Returns what ends with the loading or closing; null if neither is in progress. */
    @SuppressWarnings("unchecked") // the only sink
    private Sinks.@Nullable One<TokenSession> pending() {
        Object now = state;
        if (now instanceof Closing closing) {
            return closing.end;
        }
        return now instanceof Sinks.One ? (Sinks.One<TokenSession>) now : null;
    }

    /** Returns true if the user has no session here any more. */
    @SuppressWarnings("ReferenceEquality") // a constant
    boolean hasEnded() {
        Object now = state;
        DefaultTokenSession opened = session(now);
        return now == ENDED || (opened != null && lastUse != EVICTED && opened.isDisposed());
    }

    /** Returns the session and notes its use; null unless it is open. */
    @Nullable TokenSession use() {
        DefaultTokenSession opened = session();
        if (opened == null || opened.isDisposed()) {
            return null;
        }
        while (true) {
            int last = lastUse;
            if (last == EVICTED) {
                return null;
            }
            if (last == USED || LAST_USE.compareAndSet(this, last, USED)) {
                return opened;
            }
        }
    }

    /** Loads the session on a separate subscription. */
    Mono<TokenSession> begin(Mono<TokenSession> opening) {
        Sinks.One<TokenSession> result = pending();
        if (result == null) {
            throw new IllegalStateException("A slot loads one session");
        }
        opening.subscribe(loaded -> loaded(result, (DefaultTokenSession) loaded), error -> failed(result, error));
        return result.asMono();
    }

    private void loaded(Sinks.One<TokenSession> result, DefaultTokenSession loaded) {
        lastUse = sessions.seconds() + 1; // rounded up, so that no session is closed too early
        state = loaded;
        if (sessions.isDisposed()) {
            loaded.dispose();
            result.tryEmitError(new SessionClosedException());
            return;
        }
        if (sessions.hasListeners()) {
            listen();
        }
        result.tryEmitValue(loaded);
        sessions.opened();
    }

    private void failed(Sinks.One<TokenSession> result, Throwable error) {
        state = ENDED;
        sessions.remove(user, this);
        result.tryEmitError(error);
    }

    /** The session that is loading, or after the closing of this one the next. */
    Mono<TokenSession> opened(TokenSessions sessions, String user) {
        Sinks.One<TokenSession> waiting = pending();
        return waiting == null
                ? sessions.get(user)
                : waiting.asMono().switchIfEmpty(Mono.defer(() -> sessions.get(user)));
    }

    /** Completes when the session is neither loading nor closing. */
    Mono<Void> settled() {
        Sinks.One<TokenSession> waiting = pending();
        return waiting == null ? Mono.empty() : waiting.asMono().then().onErrorComplete();
    }

    /**
     * Closes the session unless it is busy, or was used after a sweep has noted its last use. Called by one thread at a time.
     *
     * @param noted the result of {@link #lastUse(int)}
     * @return true if the session is closed
     */
    boolean evict(int noted) {
        if (!(state instanceof DefaultTokenSession opened) || !opened.isQuiet()) {
            return false;
        }
        Closing closing = new Closing(opened, Sinks.one());
        state = closing;
        if (!LAST_USE.compareAndSet(this, noted, EVICTED)) {
            state = opened;
            closing.end.tryEmitEmpty();
            return false;
        }
        opened.disposeLater().onErrorComplete().subscribe(nothing -> {}, error -> {}, () -> {
            state = ENDED;
            sessions.remove(user, this);
            closing.end.tryEmitEmpty();
        });
        return true;
    }

    Mono<Void> disposeLater() {
        return settled().then(Mono.defer(() -> {
            DefaultTokenSession opened = session();
            return opened == null
                    ? Mono.<Void>empty()
                    : opened.disposeLater().doOnSuccess(closed -> sessions.remove(user, this));
        }));
    }

    /** Passes the events of the session on, from now until it is closed. */
    void listen() {
        DefaultTokenSession opened = session();
        if (opened != null && beginsToListen()) {
            opened.events().subscribe(event -> sessions.publish(new UserEvent(user, event)));
        }
    }
}
