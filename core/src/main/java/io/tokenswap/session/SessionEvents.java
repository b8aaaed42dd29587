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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/**
 * The events of one session, for those who listen: hot, without replay, the oldest dropped for a slow subscriber.
 *
 * <p>They tell the changes of the state one at a time and in the order in which they happened. Threads that change it one after
 * another may come here the other way round, and a listener may change it again from within. So each change names the state that it
 * left, which gives it its place: it waits until the change that led there has been told, and whoever tells that goes on with it.
 */
@SuppressWarnings("ReferenceEquality") // the very state that was left: an equal one may be entered twice
final class SessionEvents {

    private static final int KEPT_FOR_A_SLOW_SUBSCRIBER = 256;

    /** How long before the end of a grant a warning is due. */
    private static final List<Duration> GRANT_WARNINGS = List.of(Duration.ofDays(30), Duration.ofDays(7));

    private final SessionSettings settings;
    private final List<FluxSink<SessionEvent>> listeners = new CopyOnWriteArrayList<>();
    private volatile boolean complete;

    /** Where the last change led that was told, those that arrived and were not, and whether somebody is telling; under lock. */
    private @Nullable Phase told;

    private @Nullable Change arrived;
    private boolean telling;

    /** How many warnings of the end of the current grant have been given; only touched by whoever is telling. */
    private int warnings;

    SessionEvents(SessionSettings settings) {
        this.settings = settings;
    }

    /**
     * Begins with the state that is current, unless it has been called before. Changes that arrived earlier are told from here on;
     * those that led here are not, and stay behind: at most one of each thread that was changing the state just then.
     */
    private void start(Phase current) {
        synchronized (this) {
            if (told != null) {
                return;
            }
            told = current;
        }
        if (current instanceof Phase.Closed) {
            complete();
        }
        tellAll();
    }

    /** Returns the events from the subscription on. */
    Flux<SessionEvent> flux(Supplier<Phase> current) {
        start(current.get()); // read when this object is in place, so that every later change comes here
        return Flux.<SessionEvent>create(this::add, FluxSink.OverflowStrategy.IGNORE)
                .onBackpressureBuffer(KEPT_FOR_A_SLOW_SUBSCRIBER, dropped -> {}, BufferOverflowStrategy.DROP_OLDEST);
    }

    private void add(FluxSink<SessionEvent> listener) {
        listeners.add(listener);
        listener.onDispose(() -> listeners.remove(listener));
        if (complete) { // perhaps since before it was added
            listener.complete();
        }
    }

    /** Tells what the storage of a token came to, which changes no state. */
    void storeFailed(Throwable error) {
        tell(new SessionEvent.StoreFailed(now(), error));
    }

    /** Tells a change of the state; called once for each. */
    void changed(Phase before, Phase after) {
        synchronized (this) {
            arrived = new Change(before, after, now(), arrived);
        }
        tellAll();
    }

    /** One at a time: whoever is telling looks for the next change when it is done with one. */
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

    /** The change that left the state that was told last; none if it has not arrived yet. */
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
        if (!listeners.isEmpty()) {
            tell(change.before, change.after, change.at);
        }
        if (change.after instanceof Phase.Closed) {
            complete();
        }
    }

    private void complete() {
        complete = true;
        for (FluxSink<SessionEvent> listener : listeners) {
            SafeCall.run(listener::complete, listener.contextView());
        }
    }

    private void tell(Phase before, Phase after, Instant at) {
        if (after instanceof Phase.Closed) {
            tell(new SessionEvent.Closed(at));
            return;
        }
        if (after.served().refused() && !before.served().refused()) {
            tell(new SessionEvent.Invalidated(at, after.token().fingerprint()));
        }
        if (after instanceof Phase.Idle && after.token() != before.token()) {
            Token token = after.token();
            tell(new SessionEvent.Refreshed(
                    at, token.fingerprint(), settings.policy().expiresAt(token)));
            tellOfLostScopes(before.token(), token, at);
            warnOfGrantEnd(token, at);
        } else if (after instanceof Phase.Paused paused && before instanceof Phase.Refreshing) {
            if (paused.cause() != Phase.Paused.Cause.POSTPONED) { // another node's turn is no failure
                tell(new SessionEvent.RefreshFailed(at, paused.error(), Instant.ofEpochMilli(paused.retryAt())));
            }
        } else if (after instanceof Phase.Paused paused
                && paused.cause() == Phase.Paused.Cause.REJECTED
                && !(before instanceof Phase.Paused)) {
            tell(new SessionEvent.ApiRejectsTokens(
                    at, after.token().fingerprint(), Instant.ofEpochMilli(paused.retryAt())));
        } else if (after instanceof Phase.LoginRequired ended && !(before instanceof Phase.LoginRequired)) {
            tell(new SessionEvent.LoginRequired(at, ended.error()));
        } else if (after instanceof Phase.SigningIn signingIn && !(before instanceof Phase.SigningIn)) {
            tell(new SessionEvent.LoginRequired(
                    at, Objects.requireNonNull(signingIn.attempt().reason())));
        }
    }

    private void tellOfLostScopes(Token before, Token after, Instant at) {
        Set<String> missing = new LinkedHashSet<>(before.scopes());
        missing.removeAll(after.scopes());
        if (!missing.isEmpty()) {
            tell(new SessionEvent.ScopesReduced(at, Collections.unmodifiableSet(missing)));
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
            tell(new SessionEvent.GrantExpiring(at, end));
        }
        warnings = due; // fewer after a new login
    }

    private void tell(SessionEvent event) {
        for (FluxSink<SessionEvent> listener : listeners) {
            SafeCall.run(() -> listener.next(event), listener.contextView());
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
