package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/**
 * The session: one {@link Phase}, put in place by compare-and-set, and the effects of each change.
 *
 * <p>{@link Phase} decides, this class acts. The thread that wins a compare-and-set carries out the effects of that change, in
 * {@link #react} and nowhere else. The session's own effects come before foreign code: timer, attempt, store, then waiting callers,
 * subscribers and events. Threads may win one after another and act at the same time, and foreign code may change the phase again from
 * within or block. So no effect waits for the effects of another thread:
 *
 * <ul>
 *   <li>Effects that only the winner has: it starts the attempt and the write that its change began, and wakes the callers that waited
 *       for the attempt that ended. They read the phase again.
 *   <li>Events have an order: {@link SessionEvents} restores it.
 *   <li>Effects that follow the current phase, whichever it is by now: the timer, and the subscribers, which look for themselves. Both
 *       repeat when something has changed meanwhile.
 * </ul>
 *
 * <p>An attempt is fenced by its identity: {@link Phase#ended} accepts a result only while the phase names the attempt. A token that
 * replaced another one at the server is kept even then, and saved, if its version is the greatest.
 *
 * <p>The schedule cannot die: each way out of an attempt leads to a change, be it a result, a failure, a time limit, or an error that no
 * operator would pass on. Each change sets the timer anew.
 */
@SuppressWarnings("ReferenceEquality") // a step that did not apply returned the same instance
final class DefaultTokenSession implements TokenSession {

    /** How long a caller waits for the store to take a login, a sign-out or the last token. */
    static final Duration STORE_PATIENCE = Duration.ofSeconds(10);

    private static final SessionObserver<?>[] NOBODY = new SessionObserver<?>[0];

    // Updated in place: an atomic object for each would double the size of a session.
    private static final AtomicReferenceFieldUpdater<DefaultTokenSession, Phase> PHASE =
            AtomicReferenceFieldUpdater.newUpdater(DefaultTokenSession.class, Phase.class, "phase");

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<DefaultTokenSession, SessionObserver[]> OBSERVERS =
            AtomicReferenceFieldUpdater.newUpdater(DefaultTokenSession.class, SessionObserver[].class, "observers");

    private static final AtomicReferenceFieldUpdater<DefaultTokenSession, SessionEvents> EVENTS =
            AtomicReferenceFieldUpdater.newUpdater(DefaultTokenSession.class, SessionEvents.class, "events");
    private static final AtomicIntegerFieldUpdater<DefaultTokenSession> TIMER_CHANGES =
            AtomicIntegerFieldUpdater.newUpdater(DefaultTokenSession.class, "timerChanges");

    private final SessionSettings settings;
    private final SessionLink link;
    private volatile Phase phase;

    @SuppressWarnings("rawtypes")
    private volatile SessionObserver[] observers = NOBODY;

    /** Null until somebody subscribes to the events, as hardly anybody does. */
    private volatile @Nullable SessionEvents events;

    private volatile int timerChanges;

    /** Only touched by the thread that counts in {@link #timerChanges}. */
    private @Nullable RefreshTimer timer;

    /** What the scheduler threw when it was last needed, so that no token can come ahead of expiry; null if all is well. */
    private volatile @Nullable RuntimeException refusal;

    DefaultTokenSession(SessionSettings settings, SessionLink link, Token token, Stored stored) {
        this.settings = settings;
        this.phase = Phase.Idle.with(token, stored, settings.moment(), settings);
        this.link = link;
        link.follow(this);
        setTimer();
    }

    // ---- for callers

    @Override
    public Mono<Token> token() {
        return new SessionCallers(this).token();
    }

    @Override
    public Flux<Token> tokens() {
        return TokenStream.of(this, false);
    }

    @Override
    public Flux<Token> tokensUntilClosed() {
        return TokenStream.of(this, true);
    }

    @Override
    public Flux<SessionState> states() {
        return StateStream.of(this);
    }

    @Override
    public Flux<SessionEvent> events() {
        return Flux.defer(() -> {
            SessionEvents heard = EVENTS.updateAndGet(this, made -> made == null ? new SessionEvents(settings) : made);
            return heard.flux(this::current);
        });
    }

    @Override
    public SessionState state() {
        Phase found = phase;
        Moment moment = settings.moment();
        return new SessionState(
                found.status(moment),
                found.token().fingerprint(),
                settings.policy().expiresAt(found.token()),
                found instanceof Phase.Paused paused ? Instant.ofEpochMilli(paused.retryAt()) : null,
                settings.policy().grantExpiresAt(found.token()),
                problem(found));
    }

    private static @Nullable String problem(Phase phase) {
        if (phase instanceof Phase.Paused paused) {
            return paused.error().getMessage();
        }
        if (phase instanceof Phase.LoginRequired ended) {
            return ended.error().getMessage();
        }
        return phase.attempt() != null && phase.attempt().reason() != null
                ? phase.attempt().reason().getMessage()
                : null;
    }

    @Override
    public Mono<Token> refresh() {
        return new SessionCallers(this).next();
    }

    @Override
    public void invalidate(Token rejected) {
        change(found -> found.token().accessToken().equals(rejected.accessToken())
                ? found.invalidated(moment(), settings)
                : found);
    }

    @Override
    public void accept(Token accepted) {
        if (phase.served().rejections() > 0) {
            change(found -> found.token().accessToken().equals(accepted.accessToken()) ? found.accepted() : found);
        }
    }

    @Override
    public Mono<Void> renew(Token next) {
        Objects.requireNonNull(next, "token");
        return Mono.defer(() -> {
            if (isDisposed()) {
                return Mono.error(new SessionClosedException());
            }
            String login = settings.newLogin();
            change(found -> found.renewed(next, login, moment(), settings));
            return saved();
        });
    }

    @Override
    public Mono<Void> signOut() {
        return Mono.defer(() -> {
            String login = settings.newLogin();
            change(found -> found.signedOut(login, moment()));
            return saved();
        });
    }

    @Override
    public void dispose() {
        change(found -> found.closed(moment()));
    }

    @Override
    public boolean isDisposed() {
        return phase instanceof Phase.Closed;
    }

    @Override
    public Mono<Void> disposeLater() {
        return Mono.defer(() -> {
            dispose();
            RefreshAttempt attempt = phase instanceof Phase.Closed closed ? closed.inFlight() : null;
            return (attempt == null ? Mono.<Void>empty() : attempt.finished()).then(Mono.defer(this::saved));
        });
    }

    /** Completes when nothing is unsaved. Fails after a while: the session goes on trying as long as it lives. */
    private Mono<Void> saved() {
        return phase.stored().unsaved() == null
                ? Mono.empty()
                : AttemptLimit.apply(until(found -> found.stored().unsaved() == null), STORE_PATIENCE, settings)
                        .onErrorMap(
                                TimeoutException.class,
                                late -> TokenRequests.unavailable(
                                        "The store did not take the token within " + STORE_PATIENCE.toSeconds()
                                                + " s. It is saved as soon as the store is reachable, while this program runs.",
                                        Reason.STORE_FAILED,
                                        link.lastFailure()));
    }

    /** Completes when the phase has a property. */
    private Mono<Void> until(Predicate<Phase> property) {
        return Flux.<Boolean>from(subscriber -> {
                    PhaseObserver observer = new PhaseObserver(this, Operators.toCoreSubscriber(subscriber), property);
                    add(observer);
                    observer.begin();
                })
                .then();
    }

    // ---- for the parts of the session

    Phase current() {
        return phase;
    }

    SessionSettings settings() {
        return settings;
    }

    Moment moment() {
        return settings.moment();
    }

    /** Returns why no token can come ahead of expiry any more, for example because the scheduler was shut down; else null. */
    @Nullable RuntimeException schedulingRefusal() {
        return refusal;
    }

    /** A new subscriber finds the end of the grant: looks at the store once, if that was not done just now. */
    boolean looksAgain(Phase.LoginRequired ended) {
        change(found -> found == ended ? found.asked(moment(), settings) : found);
        return phase != ended;
    }

    void add(SessionObserver<?> observer) {
        OBSERVERS.updateAndGet(this, all -> {
            SessionObserver<?>[] more = Arrays.copyOf(all, all.length + 1);
            more[all.length] = observer;
            return more;
        });
        link.follow(this);
        setTimer();
    }

    void remove(SessionObserver<?> observer) {
        OBSERVERS.updateAndGet(
                this,
                all -> Arrays.stream(all).filter(other -> other != observer).toArray(SessionObserver[]::new));
        link.follow(this);
        setTimer();
    }

    boolean needsTokens() {
        for (SessionObserver<?> observer : observers) {
            if (observer.needsTokens()) {
                return true;
            }
        }
        return settings.keepAlive();
    }

    void storeFailed(Throwable error) {
        link.failed(error);
        SessionEvents heard = events;
        if (heard != null) {
            heard.storeFailed(error);
        }
    }

    // ---- effects

    /** Takes a step. The thread that puts the new phase in place carries out its effects. */
    void change(UnaryOperator<Phase> step) {
        Phase before;
        Phase after;
        do {
            before = phase;
            after = step.apply(before);
            if (after == before) {
                return;
            }
        } while (!PHASE.compareAndSet(this, before, after));
        react(before, after);
    }

    private void react(Phase before, Phase after) {
        RefreshAttempt ended = before.attempt();
        RefreshAttempt begun = after.attempt();
        setTimer();
        if (begun != null && begun != ended) {
            launch(begun);
        }
        link.react(this, before, after);
        if (ended != null && ended != begun) {
            ended.cancelSignIn();
            ended.settle();
        }
        for (SessionObserver<?> observer : observers) {
            observer.look();
        }
        SessionEvents heard = events;
        if (heard != null) {
            heard.changed(before, after);
        }
    }

    /** Runs an attempt on a subscription of its own. Its result reaches the phase however many callers have gone. */
    private void launch(RefreshAttempt attempt) {
        if (phase.attempt() != attempt) { // renewed or disposed since: nothing needs to be sent
            attempt.finish();
            return;
        }
        try {
            attempt.runsOn(run(attempt)
                    .doFinally(signal -> attempt.finish())
                    .subscribe(result -> end(attempt, result), error -> end(attempt, AttemptRunner.failed(error))));
        } catch (Throwable fatal) { // what Reactor takes for fatal comes out here, and callers must not wait for ever
            end(attempt, AttemptRunner.failed(fatal));
            attempt.finish();
        }
    }

    private Mono<AttemptResult> run(RefreshAttempt attempt) {
        return Mono.defer(() -> switch (attempt.kind()) {
                    case REFRESH -> link.refresh(this);
                    case LOOK -> link.look(this);
                    case SIGN_IN -> signIn(Objects.requireNonNull(attempt.reason()));
                })
                .switchIfEmpty(Mono.error(() ->
                        TokenRequests.unavailable("The attempt ended without a token", Reason.INVALID_RESPONSE, null)));
    }

    private Mono<AttemptResult> signIn(LoginRequiredException reason) {
        return Mono.<Token>from(Objects.requireNonNull(settings.login()).apply(reason))
                .map(AttemptResult.Issued::new);
    }

    /** A look at the store, outside of an attempt, has found something. */
    void found(AttemptResult result) {
        if (result instanceof AttemptResult.Adopted adopted) {
            change(found -> found.adopted(adopted.record(), moment(), settings));
        } else if (result instanceof AttemptResult.Removed removed) {
            change(found -> found.removed(removed.last(), moment(), settings));
        }
    }

    private void end(RefreshAttempt attempt, AttemptResult result) {
        change(found -> found.ended(attempt, result, moment(), settings));
    }

    /** Sets the timer for the phase that is current by the time of looking, or none if nobody is there to be served. */
    void setTimer() {
        if (TIMER_CHANGES.getAndIncrement(this) != 0) {
            return;
        }
        int seen = 1;
        do {
            Phase now = phase;
            setTimerFor(needsTimer(now) ? now : null);
            seen = TIMER_CHANGES.addAndGet(this, -seen);
        } while (seen != 0);
    }

    private void setTimerFor(@Nullable Phase wanted) {
        if (timer != null && (!timer.isFor(wanted) || settings.scheduler().isDisposed())) {
            timer.cancel();
            timer = null;
        }
        try {
            if (timer == null && wanted != null) {
                timer = new RefreshTimer(this, wanted);
            }
            refusal = null;
        } catch (RuntimeException refused) {
            refusal = refused;
            for (SessionObserver<?> observer : observers) {
                observer.look();
            }
        }
    }

    private boolean needsTimer(Phase now) {
        return (now.dueAt() != Phase.NEVER || now.stored().dueAt() != Phase.NEVER)
                && (now.stored().isPending()
                        || needsTokens()
                        || (now instanceof Phase.Paused paused && paused.cause() == Phase.Paused.Cause.RESPONSE_LOST));
    }

    void wake(Phase expected) {
        change(found -> found == expected ? found.woken(moment(), settings) : found);
    }
}
