package io.tokenswap.session;

import io.tokenswap.Token;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/**
 * Engine of a session: one {@link Phase}, put in place by compare-and-set, and the effects of each change.
 *
 * <p>{@link Phase} decides, this class acts. The thread that wins a compare-and-set carries out the effects of that
 * change, in {@link #react} and nowhere else. The session's own effects come before foreign code: timer, attempt,
 * store, then waiting callers, subscribers and events. Threads may win one after another and act at the same time, and
 * foreign code may change the phase again from within or block. So no effect waits for the effects of another thread:
 *
 * <ul>
 * <li>Effects that only the winner has: it starts the attempt and the write that its change began, and wakes the
 *     callers that waited for the attempt that ended. They read the phase again.
 * <li>Events have an order: {@link SessionEvents} restores it.
 * <li>Effects that follow the current phase, whichever it is by now: the timer, and the subscribers, which look for
 *     themselves. Both repeat when something has changed meanwhile.
 * </ul>
 *
 * <p>An attempt is fenced by its identity: {@link Phase#ended} accepts a result only while the phase names the attempt.
 * A token that replaced another one at the server is kept even then, and saved, if its version is the greatest.
 *
 * <p>The schedule cannot die: each way out of an attempt leads to a change, be it a result, a failure, a time limit, or
 * an error that no operator would pass on. Each change sets the timer anew.
 */
@SuppressWarnings("ReferenceEquality") // a step that did not apply returned the same instance
abstract class SessionEngine {

    // Updated in place: an atomic object for each would double the size of a session.
    private static final AtomicReferenceFieldUpdater<SessionEngine, Phase> PHASE =
            AtomicReferenceFieldUpdater.newUpdater(SessionEngine.class, Phase.class, "phase");

    private static final AtomicReferenceFieldUpdater<SessionEngine, @Nullable Object> OBSERVERS =
            AtomicReferenceFieldUpdater.newUpdater(SessionEngine.class, Object.class, "observers");

    private static final AtomicReferenceFieldUpdater<SessionEngine, SessionEvents> EVENTS =
            AtomicReferenceFieldUpdater.newUpdater(SessionEngine.class, SessionEvents.class, "events");
    private static final AtomicIntegerFieldUpdater<SessionEngine> TIMER_CHANGES =
            AtomicIntegerFieldUpdater.newUpdater(SessionEngine.class, "timerChanges");

    private final SessionSettings settings;
    private final SessionLink link;
    private volatile Phase phase;

    /** As {@link Observers} reads it. */
    private volatile @Nullable Object observers;

    /** Null until the first subscription to the events, which few sessions have, or the first event of a log at DEBUG. */
    private volatile @Nullable SessionEvents events;

    private volatile int timerChanges;

    /**
     * The {@link RefreshTimer}, or the exception that the scheduler threw instead, after which no token can come ahead of expiry;
     * null if no timer is needed. Only written by the thread that counts in {@link #timerChanges}.
     */
    private volatile @Nullable Object timer;

    SessionEngine(SessionSettings settings, SessionLink link, Token token, Stored stored) {
        this.settings = settings;
        this.phase = IdlePhase.with(token, stored, settings.moment(), settings);
        this.link = link;
        link.follow(this);
        setTimer(settings.moment());
    }

    // ---- for the parts of the session

    Phase current() {
        return phase;
    }

    SessionSettings settings() {
        return settings;
    }

    SessionLink link() {
        return link;
    }

    Moment moment() {
        return settings.moment();
    }

    /**
     * Returns the reason why no token can come ahead of expiry any more, for example a scheduler that was shut down; else null.
     */
    @Nullable RuntimeException schedulingRefusal() {
        return timer instanceof RuntimeException refusal ? refusal : null;
    }

    /** A new subscriber finds the end of the grant: looks at the store once, if that was not done just now. */
    boolean looksAgain(LoginRequiredPhase ended) {
        change((found, moment) -> found == ended ? found.asked(moment, settings) : found);
        return phase != ended;
    }

    void add(SessionObserver<?> observer) {
        observe(all -> Observers.plus(all, observer));
        link.follow(this);
        setTimer(moment());
    }

    void remove(SessionObserver<?> observer) {
        observe(all -> Observers.minus(all, observer));
        link.follow(this);
        setTimer(moment());
    }

    private void observe(Function<@Nullable Object, @Nullable Object> change) {
        Object before;
        do {
            before = observers;
        } while (!OBSERVERS.compareAndSet(this, before, change.apply(before)));
    }

    final boolean needsTokens() {
        return settings.keepAlive() || Observers.needTokens(observers);
    }

    void storeFailed(Throwable error) {
        link.failed(error);
        SessionEvents heard = events == null && SessionLog.isEnabled() ? heard() : events;
        if (heard != null) {
            heard.storeFailed(error);
        }
    }

    /** Describes the current phase to the application. */
    public SessionState state() {
        return SessionState.of(phase, moment(), settings.policy());
    }

    /** Returns the events from now on. */
    final SessionEvents heard() {
        SessionEvents heard = keptEvents();
        heard.start(phase); // read when the events are in place, so that every later change comes there
        return heard;
    }

    private SessionEvents keptEvents() {
        return EVENTS.updateAndGet(this, made -> made == null ? new SessionEvents(settings) : made);
    }

    /** Returns the last failure of the store, or null. */
    final @Nullable Throwable lastStoreFailure() {
        return link.lastFailure();
    }

    /** Completes when the phase has a property. */
    final Mono<Void> until(Predicate<Phase> property) {
        return Flux.<Boolean>from(subscriber -> {
                    PhaseObserver observer = new PhaseObserver(this, Operators.toCoreSubscriber(subscriber), property);
                    add(observer);
                    observer.begin();
                })
                .then();
    }

    // ---- effects

    /**
     * Takes a step. The thread that puts the new phase in place carries out its effects. A reading of the clocks costs as much
     * as many steps, so a step and its effects share one.
     *
     * @param step returns the next phase, at the moment of the step, or the same instance if it does not apply
     */
    void change(BiFunction<? super Phase, ? super Moment, Phase> step) {
        Phase before;
        Moment moment;
        do {
            before = phase;
            moment = moment();
        } while (!isTaken(before, step.apply(before, moment), moment, settings.work()));
    }

    /** Returns false if another thread has changed the phase first. */
    private boolean isTaken(Phase before, Phase after, Moment moment, Executor work) {
        if (after == before) {
            return true;
        }
        if (!PHASE.compareAndSet(this, before, after)) {
            return false;
        }
        react(before, after, moment, work);
        return true;
    }

    private void react(Phase before, Phase after, Moment moment, Executor work) {
        if (events == null && SessionLog.isEnabled()) {
            keptEvents().start(before); // ahead of the effects, some of which change the phase again
        }
        RefreshAttempt ended = before.attempt();
        RefreshAttempt begun = after.attempt();
        setTimer(moment);
        if (begun != null && begun != ended) {
            AttemptRun.begin(this, begun, work);
        }
        link.react(this, before, after);
        if (ended != null && ended != begun) {
            if (ended.cancelSignIn(settings.calls())) {
                AttemptRun.finish(this, ended);
            }
            ended.settle(settings.calls());
        }
        Observers.look(observers, before, after, settings.calls());
        SessionEvents heard = events;
        if (heard != null) {
            heard.changed(before, after);
        }
    }

    /**
     * Runs work of the session that calls foreign code. The thread of a caller may hold thread locals of a user, which
     * must not be in force for the session. Foreign code that blocks holds up neither the caller nor the session.
     */
    final void dispatch(Runnable work) {
        settings.work().execute(work);
    }

    /** Sets the timer for the current phase, or no timer if there is no subscriber to serve. */
    void setTimer(Moment moment) {
        if (TIMER_CHANGES.getAndIncrement(this) != 0) {
            return;
        }
        int seen = 1;
        do {
            Phase now = phase;
            setTimerFor(needsTimer(now) ? now : null, moment);
            seen = TIMER_CHANGES.addAndGet(this, -seen);
        } while (seen != 0);
    }

    private void setTimerFor(@Nullable Phase wanted, Moment moment) {
        Object set = timer;
        if (set instanceof RefreshTimer running
                && (!running.isFor(wanted) || settings.scheduler().isDisposed())) {
            running.cancel();
            set = null;
        }
        try {
            if (!(set instanceof RefreshTimer)) {
                set = wanted == null ? null : new RefreshTimer(this, wanted, moment);
            }
            timer = set;
        } catch (RuntimeException refused) {
            timer = refused;
            Observers.look(observers, null, null, settings.calls());
        }
    }

    /** Returns true if the session can be closed without harm: no subscriber, nothing in flight, nothing unsaved. */
    final boolean isQuiet() {
        Phase now = phase;
        return observers == null
                && now.attempt() == null
                && now.stored().unsaved() == null
                && !settings.keepAlive()
                && !needsTimer(now);
    }

    private boolean needsTimer(Phase now) {
        return (now.dueAt() != Phase.NEVER || now.stored().dueAt() != Phase.NEVER)
                && (now.stored().isPending()
                        || needsTokens()
                        || (now instanceof PausedPhase paused && paused.cause() == PausedPhase.Cause.RESPONSE_LOST));
    }

    /**
     * Begins what is due in a phase, unless the session has left it.
     *
     * @param work runs the attempt that begins
     */
    void wake(Phase expected, Moment moment, Executor work) {
        if (phase == expected) {
            isTaken(expected, expected.woken(moment, settings), moment, work);
        }
    }
}
