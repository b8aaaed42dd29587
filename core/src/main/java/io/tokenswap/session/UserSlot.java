package io.tokenswap.session;

import io.tokenswap.SessionClosedException;
import io.tokenswap.session.TokenSessions.UserEvent;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Place of one user in {@link TokenSessions}. The session is loading, open, closing or over.
 *
 * <pre>
 *  loading --loaded--> open --evicted--> closing --closed--> over
 *     +--failed, or nothing is stored--> over      open --disposed by the application, or signed out--> over
 * </pre>
 *
 * <p>Use and eviction exclude each other by {@link #lastUse}: a use moves it on, and an eviction puts {@link #EVICTED}
 * in its place, each by compare-and-set. So a session that was just returned to a caller is not closed.
 */
final class UserSlot {

    private static final long EVICTED = Long.MIN_VALUE;

    private static final AtomicLongFieldUpdater<UserSlot> LAST_USE =
            AtomicLongFieldUpdater.newUpdater(UserSlot.class, "lastUse");

    final String user;
    private final TokenSessions sessions;

    /** Null while the session is loading, and also later if the loading fails. */
    volatile @Nullable DefaultTokenSession session;

    /** Ends with the loading, then with the closing; null while the session is open. */
    private volatile Sinks.@Nullable One<TokenSession> pending = Sinks.one();

    private volatile boolean over;
    private volatile boolean listening;
    private volatile long lastUse;

    UserSlot(TokenSessions sessions, String user) {
        this.sessions = sessions;
        this.user = user;
        this.lastUse = sessions.settings().elapsed();
    }

    long lastUse() {
        return lastUse;
    }

    /** Returns true if the user has no session here any more. */
    boolean hasEnded() {
        DefaultTokenSession opened = session;
        return over || (opened != null && lastUse != EVICTED && opened.isDisposed());
    }

    /** Returns the session and notes its use; null unless it is open. */
    @Nullable TokenSession use(long now) {
        DefaultTokenSession opened = session;
        if (opened == null || opened.isDisposed()) {
            return null;
        }
        while (true) {
            long last = lastUse;
            if (last == EVICTED) {
                return null;
            }
            if (last == now || LAST_USE.compareAndSet(this, last, now)) {
                return opened;
            }
        }
    }

    /** Loads the session on a separate subscription. */
    Mono<TokenSession> begin(Mono<TokenSession> opening) {
        Sinks.One<TokenSession> result = Objects.requireNonNull(pending);
        opening.subscribe(loaded -> loaded(result, (DefaultTokenSession) loaded), error -> failed(result, error));
        return result.asMono();
    }

    private void loaded(Sinks.One<TokenSession> result, DefaultTokenSession loaded) {
        session = loaded;
        lastUse = sessions.settings().elapsed();
        pending = null;
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
        over = true;
        sessions.remove(user, this);
        result.tryEmitError(error);
    }

    /** The session that is loading, or after the closing of this one the next. */
    Mono<TokenSession> opened(TokenSessions sessions, String user) {
        Sinks.One<TokenSession> waiting = pending;
        return waiting == null
                ? sessions.get(user)
                : waiting.asMono().switchIfEmpty(Mono.defer(() -> sessions.get(user)));
    }

    /** Completes when the session is neither loading nor closing. */
    Mono<Void> settled() {
        Sinks.One<TokenSession> waiting = pending;
        return waiting == null ? Mono.empty() : waiting.asMono().then().onErrorComplete();
    }

    /** Closes the session unless it is in use. Returns whether it is closed. */
    boolean evict() {
        DefaultTokenSession opened = session;
        long last = lastUse;
        if (opened == null || last == EVICTED || !opened.isQuiet()) {
            return false;
        }
        Sinks.One<TokenSession> closing = Sinks.one();
        pending = closing;
        if (!LAST_USE.compareAndSet(this, last, EVICTED)) {
            pending = null;
            closing.tryEmitEmpty();
            return false;
        }
        opened.disposeLater().onErrorComplete().subscribe(nothing -> {}, error -> {}, () -> {
            over = true;
            sessions.remove(user, this);
            closing.tryEmitEmpty();
        });
        return true;
    }

    Mono<Void> disposeLater() {
        return settled().then(Mono.defer(() -> {
            DefaultTokenSession opened = session;
            return opened == null
                    ? Mono.<Void>empty()
                    : opened.disposeLater().doOnSuccess(closed -> sessions.remove(user, this));
        }));
    }

    /** Passes the events of the session on, from now until it is closed. */
    void listen() {
        DefaultTokenSession opened = session;
        synchronized (this) {
            if (listening || opened == null) {
                return;
            }
            listening = true;
        }
        opened.events().subscribe(event -> sessions.publish(new UserEvent(user, event)));
    }
}
