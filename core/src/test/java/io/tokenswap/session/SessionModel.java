package io.tokenswap.session;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a session is meant to do, said a second time and in another way: by one thread, in plain fields, with one
 * subscriber at most and no jitter. A model gets the events and computes what each caller has seen by then.
 */
final class SessionModel {

    private static final Duration ATTEMPT_LIMIT = Duration.ofSeconds(17);

    /** One who asked, and what came of it. */
    static final class Caller {

        private final boolean wantsNext;

        @Nullable String outcome;

        Caller(boolean wantsNext) {
            this.wantsNext = wantsNext;
        }
    }

    private final RefreshPolicy policy;
    private Instant now;
    private Token token;
    private boolean refused;
    private int rejections;
    private boolean loginRequired;
    private boolean closed;

    private @Nullable Instant flightSince;
    private boolean repeats;
    private int failures;
    private Instant wakeAt;
    private boolean paused;
    private boolean pausedByUnknown;
    private boolean urgent;

    private final List<Caller> waiting = new ArrayList<>();
    private boolean subscribed;
    private @Nullable String emitted;

    final List<String> seen = new ArrayList<>();
    int requests;

    SessionModel(RefreshPolicy policy, Token token, Instant now) {
        this.policy = policy;
        this.now = now;
        become(token);
    }

    boolean isFlying() {
        return flightSince != null;
    }

    Token token() {
        return token;
    }

    SessionState.Status state() {
        if (closed) {
            return SessionState.Status.CLOSED;
        } else if (loginRequired) {
            return SessionState.Status.LOGIN_REQUIRED;
        } else if (flightSince != null) {
            return SessionState.Status.REFRESHING;
        } else if (paused) {
            return SessionState.Status.RETRYING;
        }
        return now.isBefore(wakeAt) && isUsable() ? SessionState.Status.VALID : SessionState.Status.REFRESH_DUE;
    }

    Caller ask() {
        Caller caller = new Caller(false);
        if (isIdleOrPaused() && (!now.isBefore(wakeAt) || (!paused && !isUsable()))) {
            // Who finds a usable token gets that one, though the request is sent.
            if (isUsable()) {
                caller.outcome = name();
            }
            fly();
        }
        waiting.add(caller);
        serve();
        return caller;
    }

    Caller demand() {
        Caller caller = new Caller(true);
        if (isIdleOrPaused() && (!paused || !now.isBefore(wakeAt))) {
            fly();
        }
        waiting.add(caller);
        serve();
        return caller;
    }

    void invalidate(String accessToken) {
        if (closed || !accessToken.equals(name())) {
            return;
        }
        boolean idle = isIdleOrPaused() && !paused;
        refused = true;
        boolean fresh = Duration.between(token.issuedAt(), now).compareTo(Duration.ofMinutes(5)) < 0;
        if (idle) {
            rejections = fresh ? rejections + 1 : 1;
        }
        if (idle && rejections <= 2) {
            fly();
        } else if (idle) { // one refused token after another: refreshes come with backoff
            failures = 0;
            paused = true;
            pausedByUnknown = false;
            urgent = false;
            wakeAt = now.plus(policy.backoff(rejections - 2, 0));
            serve();
        }
    }

    void renew(Token next) {
        if (!closed) {
            flightSince = null;
            loginRequired = false;
            rejections = 0;
            become(next);
            if (!isUsable() && !waiting.isEmpty()) {
                fly(); // those who wait still need one
            }
            wake();
        }
    }

    void dispose() {
        closed = true;
        flightSince = null;
        serve();
    }

    void subscribe() {
        subscribed = true;
        emitted = null;
        serve();
        wake();
    }

    void unsubscribe() {
        subscribed = false;
    }

    void land(Token next) {
        flightSince = null;
        become(TokenSuccession.successor(next, token));
        if (!isUsable()) {
            refused = true;
            pause(false, null);
        }
    }

    void fail(TokenSwapException error) {
        flightSince = null;
        if (error instanceof OAuthErrorException) {
            loginRequired = true;
            serve();
        } else {
            TokenUnavailableException unavailable = (TokenUnavailableException) error;
            pause(unavailable.reason() == TokenUnavailableException.Reason.RESPONSE_LOST, unavailable.retryAt());
        }
    }

    /** Lets time pass, with all that is due meanwhile. */
    void advance(Duration time) {
        Instant end = now.plus(time);
        for (Instant next = nextEvent(); next != null && !next.isAfter(end); next = nextEvent()) {
            now = next.isBefore(now) ? now : next;
            if (flightSince != null) {
                fail(ScriptedEndpoint.responseLost());
            } else {
                fly();
            }
        }
        now = end;
    }

    private @Nullable Instant nextEvent() {
        if (flightSince != null) {
            return flightSince.plus(ATTEMPT_LIMIT);
        }
        return isIdleOrPaused() && (subscribed || urgent) ? wakeAt : null;
    }

    private void wake() {
        advance(Duration.ZERO);
    }

    private void become(Token next) {
        token = next;
        refused = false;
        paused = false;
        urgent = false;
        pausedByUnknown = false;
        failures = isUsable() ? 0 : failures;
        Instant due = policy.refreshAt(next, 0);
        Instant soonest = now.plusMillis(IdlePhase.MIN_INTERVAL);
        wakeAt = due.isBefore(soonest) && isUsable() ? soonest : due;
        if (isUsable()) {
            serve();
        }
    }

    private void pause(boolean unknown, @Nullable Instant retryAt) {
        failures++;
        paused = true;
        pausedByUnknown = unknown;
        urgent = unknown && !repeats;
        Duration wait = policy.backoff(failures, 0);
        Duration soon = Duration.ofMillis(PausedPhase.LOST_RESPONSE_RETRY_LIMIT);
        wakeAt = now.plus(urgent && wait.compareTo(soon) > 0 ? soon : wait);
        if (retryAt != null) {
            long widest = Math.max(5_000, Duration.between(now, retryAt).toMillis() / 5);
            Instant spread = retryAt.plusMillis(widest / 2);
            wakeAt = spread.isAfter(wakeAt) ? spread : wakeAt;
        }
        serve();
    }

    private void fly() {
        requests++;
        repeats = paused && pausedByUnknown;
        failures = paused ? failures : 0;
        flightSince = now;
        paused = false;
        urgent = false;
    }

    private boolean isIdleOrPaused() {
        return !closed && !loginRequired && flightSince == null;
    }

    private boolean isUsable() {
        return !closed && !refused && now.isBefore(policy.staleAt(token));
    }

    private String name() {
        return token.accessToken().secret();
    }

    /** Everyone gets what there is for them. */
    private void serve() {
        for (Caller caller : List.copyOf(waiting)) {
            if (caller.outcome == null) {
                caller.outcome = outcome(caller.wantsNext);
            }
            if (caller.outcome != null) {
                waiting.remove(caller);
            }
        }
        if (!subscribed) {
            return;
        }
        if (closed || loginRequired) {
            seen.add(closed ? "complete" : "LoginRequiredException");
            subscribed = false;
        } else if (isUsable() && !name().equals(emitted)) {
            emitted = name();
            seen.add(name());
        }
    }

    private @Nullable String outcome(boolean wantsNext) {
        if (closed) {
            return "SessionClosedException";
        } else if (isUsable() && (!wantsNext || (isIdleOrPaused() && !paused))) {
            return name();
        } else if (loginRequired) {
            return "LoginRequiredException";
        }
        return paused ? "TokenUnavailableException" : null;
    }
}
