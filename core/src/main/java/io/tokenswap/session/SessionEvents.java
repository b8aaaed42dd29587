package io.tokenswap.session;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Events of one session for its listeners. Each listener has a queue, which threads for calls empty, so that no thread of the
 * session waits for a listener.
 *
 * <p>Changes of the state are reported one at a time and in the order in which they happened. Threads that change the state one
 * after another may arrive here in the opposite order, and a listener may change the state again from within. Each change
 * therefore names the state that it left. It waits until the change that led to that state has been reported, and the thread
 * that reported that change then reports this one.
 */
@SuppressWarnings("ReferenceEquality") // the very state that was left: an equal one may be entered twice
final class SessionEvents {

    /** Times before the end of a grant at which a warning is due. */
    private static final List<Duration> GRANT_WARNINGS = List.of(Duration.ofDays(30), Duration.ofDays(7));

    private final SessionSettings settings;
    private final List<EventStream.Listener> listeners = new CopyOnWriteArrayList<>();
    private volatile boolean complete;

    /**
     * State to which the last reported change led. Guarded by the lock, as are the changes that wait and the flag of the
     * reporting thread.
     */
    private @Nullable Phase told;

    private @Nullable Change arrived;
    private boolean telling;

    /** Number of warnings of the end of the current grant; only touched by the thread that reports. */
    private int warnings;

    SessionEvents(SessionSettings settings) {
        this.settings = settings;
    }

    /**
     * Begins with the current state, unless it has been called before. Changes from this state on are reported. Changes that
     * led to it are not, and stay in the list: at most one of each thread that was changing the state at that time.
     */
    void start(Phase current) {
        synchronized (this) {
            if (told != null) {
                return;
            }
            told = current;
        }
        if (current instanceof ClosedPhase) {
            complete();
        }
        tellAll();
    }

    void add(EventStream.Listener listener) {
        listeners.add(listener);
        if (complete) { // perhaps since before it was added
            listener.complete();
            listener.look();
        }
    }

    void remove(EventStream.Listener listener) {
        listeners.remove(listener);
    }

    /** Reports a failure of the store, which changes no state. */
    void storeFailed(Throwable error) {
        tell(new SessionEvent.StoreFailed(now(), error), null);
    }

    /** Reports a change of the state; called once for each. */
    void changed(Phase before, Phase after) {
        synchronized (this) {
            arrived = new Change(before, after, now(), arrived);
        }
        tellAll();
    }

    /** Reports one change at a time. The thread that has reported a change looks for the next one. */
    private void tellAll() {
        synchronized (this) {
            if (telling) {
                return;
            }
            telling = true;
        }
        for (Change change = next(); change != null; change = next()) {
            tell(change);
        }
    }

    /** Returns the change that left the state that was reported last, or null if it has not arrived yet. */
    private synchronized @Nullable Change next() {
        Change later = null;
        for (Change change = arrived; change != null; change = change.earlier) {
            if (change.before == told) {
                if (later == null) {
                    arrived = change.earlier;
                } else {
                    later.earlier = change.earlier;
                }
                told = change.after;
                return change;
            }
            later = change;
        }
        telling = false;
        return null;
    }

    private void tell(Change change) {
        if (!listeners.isEmpty() || SessionLog.isEnabled()) {
            tell(change.before, change.after, change.at);
        }
        if (change.after instanceof ClosedPhase) {
            complete();
        }
    }

    private void complete() {
        complete = true;
        for (EventStream.Listener listener : listeners) {
            listener.complete();
            wake(listener);
        }
    }

    private void tell(Phase before, Phase after, Instant at) {
        if (after instanceof ClosedPhase) {
            tell(new SessionEvent.Closed(at), after.token());
            return;
        }
        if (after.served().refused() && !before.served().refused()) {
            tell(new SessionEvent.Invalidated(at, after.token().fingerprint()), after.token());
        }
        if (after instanceof IdlePhase && after.token() != before.token()) {
            Token token = after.token();
            tell(
                    new SessionEvent.Refreshed(
                            at, token.fingerprint(), settings.policy().expiresAt(token)),
                    token);
            tellOfLostScopes(before.token(), token, at);
            warnOfGrantEnd(token, at);
        } else if (after instanceof PausedPhase paused && before instanceof RefreshingPhase) {
            if (paused.cause() != PausedPhase.Cause.POSTPONED) { // another node's turn is no failure
                tell(
                        new SessionEvent.RefreshFailed(at, paused.error(), Instant.ofEpochMilli(paused.retryAt())),
                        after.token());
            }
        } else if (after instanceof PausedPhase paused
                && paused.cause() == PausedPhase.Cause.REJECTED
                && !(before instanceof PausedPhase)) {
            tell(
                    new SessionEvent.ApiRejectsTokens(
                            at, after.token().fingerprint(), Instant.ofEpochMilli(paused.retryAt())),
                    after.token());
        } else if (after instanceof LoginRequiredPhase ended && !(before instanceof LoginRequiredPhase)) {
            tell(new SessionEvent.LoginRequired(at, ended.error()), after.token());
        } else if (after instanceof SigningInPhase signingIn && !(before instanceof SigningInPhase)) {
            tell(
                    new SessionEvent.LoginRequired(
                            at, Objects.requireNonNull(signingIn.attempt().reason())),
                    after.token());
        }
    }

    private void tellOfLostScopes(Token before, Token after, Instant at) {
        Set<String> missing = new LinkedHashSet<>(before.scopes());
        missing.removeAll(after.scopes());
        if (!missing.isEmpty()) {
            tell(new SessionEvent.ScopesReduced(at, Collections.unmodifiableSet(missing)), after);
        }
    }

    /** Warns with the first token that is obtained within 30 days of the grant's end, and with the first within 7 days. */
    private void warnOfGrantEnd(Token token, Instant at) {
        Instant end = settings.policy().grantExpiresAt(token);
        if (end == null) {
            return;
        }
        int due = (int) GRANT_WARNINGS.stream()
                .filter(ahead -> !at.plus(ahead).isBefore(end))
                .count();
        if (due > warnings) {
            tell(new SessionEvent.GrantExpiring(at, end), token);
        }
        warnings = due; // fewer after a new login
    }

    private void tell(SessionEvent event, @Nullable Token token) {
        SessionLog.write(event, token);
        for (EventStream.Listener listener : listeners) {
            listener.add(event);
            wake(listener);
        }
    }

    private void wake(EventStream.Listener listener) {
        if (listener.beginsLook()) {
            settings.calls().execute(listener);
        }
    }

    private Instant now() {
        return Instant.ofEpochMilli(settings.moment().wall());
    }

    /** A change that has arrived, on top of the one that arrived before it. */
    private static final class Change {

        private final Phase before;
        private final Phase after;
        private final Instant at;
        private @Nullable Change earlier;

        Change(Phase before, Phase after, Instant at, @Nullable Change earlier) {
            this.before = before;
            this.after = after;
            this.at = at;
            this.earlier = earlier;
        }
    }
}
