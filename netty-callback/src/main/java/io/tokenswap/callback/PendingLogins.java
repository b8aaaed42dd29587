package io.tokenswap.callback;

import io.netty.handler.codec.http.HttpResponseStatus;
import io.tokenswap.RedirectParameters;
import io.tokenswap.callback.CallbackPage.Outcome;
import io.tokenswap.callback.RequestFilter.Target;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/** Logins that wait on one port, distinguished by their states, and logins that ended there a moment ago. */
final class PendingLogins {

    private static final int MOST_ENDED = 64;
    private static final long NEVER = Long.MIN_VALUE;

    private final List<PendingLogin> waiting = new CopyOnWriteArrayList<>();
    private final Deque<PendingLogin> ended = new ConcurrentLinkedDeque<>();
    private volatile long lastGrant = NEVER;

    /** Adds a login, until the result is disposed of. */
    Disposable add(PendingLogin login, Scheduler scheduler) {
        waiting.add(login);
        return () -> {
            remove(login, scheduler);
            // Known already unless the login was cancelled.
            login.end(Outcome.FAILED);
        };
    }

    /** Removes a login. One that got its response is remembered for repetitions of its redirect. */
    private void remove(PendingLogin login, Scheduler scheduler) {
        if (login.isGranted()) {
            lastGrant = scheduler.now(TimeUnit.MILLISECONDS);
        }
        if (login.hasResponse()) {
            // First into the one list, then out of the other: a reload in between must find the login.
            ended.addFirst(login);
            if (ended.size() > MOST_ENDED) {
                ended.pollLast();
            }
        }
        waiting.remove(login);
    }

    void forgetEnded() {
        ended.clear();
    }

    /** Returns the time since a login got its code, after which a browser may reload the page. */
    Duration sinceLastGrant(Scheduler scheduler) {
        long at = lastGrant;
        return at == NEVER
                ? ChronoUnit.FOREVER.getDuration()
                : Duration.ofMillis(Math.max(0, scheduler.now(TimeUnit.MILLISECONDS) - at));
    }

    /** Passes on what may keep a redirect from arriving. */
    void hint(String problem) {
        waiting.forEach(login -> login.hint(problem));
    }

    boolean areOn(String path) {
        return onPath(waiting, path) != null || onPath(ended, path) != null;
    }

    /** Reads a redirect, once, and passes it to its login. Returns null if there is none. */
    PendingLogin.@Nullable Redirect receive(Target target) {
        RedirectParameters parameters = RedirectParameters.parse(target.query());
        PendingLogin.Redirect redirect = receive(waiting, target.path(), parameters);
        return redirect == null ? receive(ended, target.path(), parameters) : redirect;
    }

    private static PendingLogin.@Nullable Redirect receive(
            Iterable<PendingLogin> logins, String path, RedirectParameters parameters) {
        for (PendingLogin login : logins) {
            if (login.path().equals(path)) {
                PendingLogin.Redirect redirect = login.receive(parameters);
                if (redirect != null) {
                    return redirect;
                }
            }
        }
        return null;
    }

    /** Returns the response to a redirect that belongs to no login. */
    PageResponse unknown(Target target) {
        PendingLogin over = onPath(ended, target.path());
        // The page has removed the query from its address, so that its reload comes without one.
        Outcome outcome = over != null && target.query() == null ? Outcome.LINK_USED : Outcome.INVALID_LINK;
        PendingLogin login = onPath(waiting, target.path());
        PendingLogin any = login == null ? over : login;
        // All logins of this path may have gone since the request was accepted.
        return any == null ? CallbackPage.create().response(outcome) : any.page(outcome);
    }

    /** Returns the response to a request that the filter refused, in the style of the login that it may have been meant for. */
    PageResponse refusal(HttpResponseStatus status, Target target) {
        PendingLogin login = onPath(waiting, target.path());
        if (login == null && !waiting.isEmpty()) {
            login = first(waiting);
        }
        return login == null ? CallbackPage.create().refusal(status, "localhost") : login.refusal(status);
    }

    private static @Nullable PendingLogin onPath(Iterable<PendingLogin> logins, String path) {
        for (PendingLogin login : logins) {
            if (login.path().equals(path)) {
                return login;
            }
        }
        return null;
    }

    private static @Nullable PendingLogin first(Iterable<PendingLogin> logins) {
        for (PendingLogin login : logins) {
            return login;
        }
        return null;
    }
}
