package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.SignalType;
import reactor.util.retry.Retry;

/**
 * The session: one state, put in place by compare-and-set, and what each change of it entails.
 *
 * <p>{@link SessionState} decides, this class acts. Whoever wins a compare-and-set carries out the effects of that change, in
 * {@link #react} and nowhere else. Threads may win one after another and act at the same time, and each of them runs foreign code
 * that may change the state again from within, or block until somebody else does. So no effect waits for another thread's, and
 * what the effects of two changes look like does not depend on who is faster:
 *
 * <ul>
 *   <li>Effects of one change that only its winner has: launching the flight that it created, and releasing those who waited for
 *       the flight that it ended, who then look at the state for themselves.
 *   <li>The events, which have an order: {@link SessionEvents} brings the changes back into it.
 *   <li>Effects that bring something in line with the current state, whichever that is by now: each subscriber of the tokens
 *       looks for itself, and the alarm is set for the state that it finds. Both run under a guard of their own that repeats
 *       them when something has changed meanwhile.
 * </ul>
 *
 * <p>Flights are fenced by their identity. A result goes through {@link SessionState#succeeded}, which takes it only while the
 * state still names that flight: after a renewal or disposal it changes nothing. What must not be lost even then, a token that
 * replaced another at the server, is in the store before the result comes here: {@link StoredToken} sees to that.
 *
 * <p>The schedule cannot die, because every way out of a flight leads to a change: its result, its failure, its time limit, and
 * errors that no operator would pass on. And every change sets the alarm anew.
 */
@SuppressWarnings(
        "ReferenceEquality") // a step that did not apply returned the same instance; an equal one is another step
final class DefaultTokenSession implements TokenSession {

    /** How long the endpoint may take before its answer is taken for lost; its own limits are shorter. */
    private static final Duration FLIGHT_LIMIT = Duration.ofMinutes(1);

    private static final SessionTokens.Inner[] NOBODY = new SessionTokens.Inner[0];

    // Updated in place: an atomic object for each would double the size of a session.
    private static final AtomicReferenceFieldUpdater<DefaultTokenSession, SessionState> STATE =
            AtomicReferenceFieldUpdater.newUpdater(DefaultTokenSession.class, SessionState.class, "state");
    private static final AtomicReferenceFieldUpdater<DefaultTokenSession, SessionTokens.Inner[]> SUBSCRIBERS =
            AtomicReferenceFieldUpdater.newUpdater(
                    DefaultTokenSession.class, SessionTokens.Inner[].class, "subscribers");
    private static final AtomicReferenceFieldUpdater<DefaultTokenSession, SessionEvents> EVENTS =
            AtomicReferenceFieldUpdater.newUpdater(DefaultTokenSession.class, SessionEvents.class, "events");
    private static final AtomicIntegerFieldUpdater<DefaultTokenSession> ALARM_CHANGES =
            AtomicIntegerFieldUpdater.newUpdater(DefaultTokenSession.class, "alarmChanges");

    private final SessionSettings settings;
    private final @Nullable StoredToken stored;
    private volatile SessionState state;
    private volatile SessionTokens.Inner[] subscribers = NOBODY;

    /** Null until somebody wants to hear of them, as hardly anybody does. */
    private volatile @Nullable SessionEvents events;

    private volatile int alarmChanges;

    /** Only touched by the thread that counts in {@link #alarmChanges}. */
    private @Nullable SessionAlarm alarm;

    /** What the scheduler threw when it was last needed, so that no token can come ahead of expiry; null if all is well. */
    private volatile @Nullable RuntimeException refusal;

    DefaultTokenSession(SessionSettings settings, @Nullable StoredToken stored, Token token) {
        this.settings = settings;
        this.stored = stored;
        this.state = SessionState.Idle.with(token, settings.now(), settings);
        setAlarm();
    }

    // ---- for callers

    @Override
    public Mono<Token> token() {
        return new CurrentToken();
    }

    @Override
    public Flux<Token> tokens() {
        return new SessionTokens(this);
    }

    @Override
    public Flux<SessionEvent> events() {
        SessionEvents heard = EVENTS.updateAndGet(this, made -> made == null ? new SessionEvents(settings) : made);
        heard.start(current()); // looked up when they are there to be told of whatever comes next
        return heard.flux();
    }

    @Override
    public State state() {
        return current().describe(now());
    }

    @Override
    public Mono<Token> refresh() {
        return Mono.defer(() -> {
            change(s -> s.demanded(now(), settings));
            return current() instanceof SessionState.Refreshing refreshing
                    ? refreshing.flight().settled().then(Mono.defer(() -> outcome(false)))
                    : outcome(false);
        });
    }

    @Override
    public void invalidate(Token rejected) {
        change(s -> s.token().accessToken().equals(rejected.accessToken()) ? s.invalidated(settings) : s);
    }

    @Override
    public Mono<Void> renew(Token next) {
        Objects.requireNonNull(next, "token");
        return Mono.defer(() -> {
            if (isDisposed()) {
                return Mono.error(new SessionClosedException());
            }
            Mono<Token> saved = stored == null ? Mono.just(next) : stored.replace(next);
            return saved.doOnNext(token -> change(s -> s.renewed(token, now(), settings)))
                    .then();
        });
    }

    @Override
    public void dispose() {
        change(SessionState::closed);
    }

    @Override
    public boolean isDisposed() {
        return current() instanceof SessionState.Closed;
    }

    @Override
    public Mono<Void> disposeLater() {
        return Mono.defer(() -> {
            dispose();
            Flight flight = current() instanceof SessionState.Closed closed ? closed.flight() : null;
            return flight == null ? Mono.empty() : flight.finished();
        });
    }

    /** The mono of {@link #token()}: no more than a look at state and clock while the token is good. */
    private final class CurrentToken extends Mono<Token> {

        @Override
        public void subscribe(CoreSubscriber<? super Token> actual) {
            SessionState now = current();
            long time = now();
            if (now.isUsable(time)) {
                if (time >= now.wakeAt()) {
                    change(s -> s.asked(time, settings));
                }
                actual.onSubscribe(Operators.scalarSubscription(actual, now.token()));
            } else {
                change(s -> s.asked(time, settings));
                Mono.defer(() -> outcome(true)).subscribe(actual);
            }
        }
    }

    /** What a caller gets in the current state, after a flight if one is under way. */
    private Mono<Token> outcome(boolean any) {
        SessionState found = current();
        long time = now();
        if (found instanceof SessionState.Closed) {
            return Mono.error(new SessionClosedException());
        }
        if (found.isUsable(time) && (any || found instanceof SessionState.Idle)) {
            return Mono.just(found.token());
        }
        if (found instanceof SessionState.Idle) { // it went stale while others were served before
            change(s -> s.asked(time, settings));
            return Mono.defer(() -> outcome(any));
        }
        if (found instanceof SessionState.Refreshing refreshing) {
            return refreshing.flight().settled().then(Mono.defer(() -> outcome(any)));
        }
        if (found instanceof SessionState.Paused paused) {
            return Mono.error(new TokenUnavailableException(
                    "No token can be had before the next attempt, for the last one failed: "
                            + paused.error().getMessage(),
                    paused.error() instanceof TokenUnavailableException unavailable
                            ? unavailable.reason()
                            : TokenUnavailableException.Reason.REJECTED,
                    Instant.ofEpochMilli(paused.retryAt()),
                    paused.error()));
        }
        return Mono.error(copy(((SessionState.LoginRequired) found).error()));
    }

    // ---- for subscribers of the tokens

    SessionState current() {
        return state;
    }

    long now() {
        return settings.now();
    }

    SharedTimer timer() {
        return settings.timer();
    }

    /** Why no token can come ahead of expiry any more: the scheduler has been shut down, say; null if all is well. */
    @Nullable RuntimeException schedulingRefusal() {
        return refusal;
    }

    void add(SessionTokens.Inner subscriber) {
        SUBSCRIBERS.updateAndGet(this, all -> {
            SessionTokens.Inner[] more = Arrays.copyOf(all, all.length + 1);
            more[all.length] = subscriber;
            return more;
        });
        setAlarm();
    }

    void remove(SessionTokens.Inner subscriber) {
        SUBSCRIBERS.updateAndGet(
                this,
                all -> Arrays.stream(all).filter(other -> other != subscriber).toArray(SessionTokens.Inner[]::new));
        setAlarm();
    }

    /** An error of its own for each who gets it: subscribers add traces to what they get, and the original lives long. */
    static LoginRequiredException copy(LoginRequiredException error) {
        return new LoginRequiredException(String.valueOf(error.getMessage()), (TokenSwapException) error.getCause());
    }

    // ---- effects

    /** Takes a step; whoever puts the new state in place carries out what it entails. */
    private void change(UnaryOperator<SessionState> step) {
        SessionState before;
        SessionState after;
        do {
            before = state;
            after = step.apply(before);
            if (after == before) {
                return;
            }
        } while (!STATE.compareAndSet(this, before, after));
        react(before, after);
    }

    private void react(SessionState before, SessionState after) {
        SessionEvents heard = events;
        if (heard != null) {
            heard.changed(before, after);
        }
        Flight ended = flightOf(before);
        Flight begun = flightOf(after);
        if (ended != null && ended != begun) {
            ended.cancelLogin();
            ended.settle();
        }
        tellSubscribers();
        setAlarm();
        if (begun != null && begun != ended) {
            launch(begun, after.token());
        }
    }

    private static @Nullable Flight flightOf(SessionState state) {
        return state instanceof SessionState.Refreshing refreshing ? refreshing.flight() : null;
    }

    private void tellSubscribers() {
        for (SessionTokens.Inner subscriber : subscribers) {
            subscriber.look();
        }
    }

    /**
     * Runs a flight on a subscription of its own: its result reaches the store, and the state if it is still wanted, however
     * many callers have gone.
     */
    private void launch(Flight flight, Token current) {
        if (flightOf(current()) != flight) { // renewed or disposed of since: nothing needs to be sent
            flight.finish();
            return;
        }
        LoginRequiredException loginReason = flight.loginReason();
        Mono<Token> attempt =
                loginReason == null ? Mono.defer(() -> refreshed(current)) : Mono.defer(() -> signedIn(loginReason));
        try {
            flight.runsOn(attempt.switchIfEmpty(
                            Mono.error(() -> unavailable("The token endpoint answered with nothing", null)))
                    .doFinally(signal -> flight.finish())
                    .subscribe(next -> landed(flight, next), error -> crashed(flight, error)));
        } catch (Throwable fatal) { // what Reactor takes for fatal comes out here, and callers must not wait for ever
            crashed(flight, fatal);
            flight.finish();
        }
    }

    private void landed(Flight flight, Token next) {
        change(s -> s.succeeded(flight, next, now(), settings));
        saveUnsaved();
    }

    private void crashed(Flight flight, Throwable error) {
        TokenSwapException typed = typed(error);
        change(s -> s.failed(flight, typed, now(), settings));
    }

    private Mono<Token> refreshed(Token token) {
        return stored == null
                ? request(token).map(next -> TokenSuccession.successor(next, token))
                : stored.refresh(token, this::isFresh, this::request, this::storeFailed);
    }

    private Mono<Token> request(Token token) {
        return settings.endpoint()
                .refresh(Objects.requireNonNull(token.refreshToken()))
                .or(settings.timer().timeout(FLIGHT_LIMIT));
    }

    private Mono<Token> signedIn(LoginRequiredException reason) {
        Function<? super LoginRequiredException, ? extends Mono<Token>> login =
                Objects.requireNonNull(settings.login());
        Mono<Token> next = login.apply(reason);
        return stored == null ? next : next.flatMap(token -> stored.replaceOrKeep(token, this::storeFailed));
    }

    private boolean isFresh(Token token) {
        return settings.policy().refreshAt(token, 0).isAfter(Instant.ofEpochMilli(now()));
    }

    /** Goes on saving what the store could not take, until it has it or something else has taken its place. */
    private void saveUnsaved() {
        if (stored != null && stored.beginSaving()) {
            stored.saveUnsaved()
                    .retryWhen(Retry.from(failures -> failures.concatMap(this::pauseAfter)))
                    .doFinally(signal -> {
                        stored.endSaving();
                        if (signal == SignalType.ON_COMPLETE) {
                            saveUnsaved(); // of what was left unsaved while this came to its end
                        }
                    })
                    .subscribe(nothing -> {}, this::storeFailed);
        }
    }

    private Mono<Long> pauseAfter(Retry.RetrySignal failed) {
        int failures = (int) Math.min(failed.totalRetries() + 1, Integer.MAX_VALUE);
        return isDisposed()
                ? Mono.error(failed.failure())
                : Mono.delay(settings.policy().backoff(failures, settings.nextRandom()), settings.scheduler());
    }

    private void storeFailed(Throwable error) {
        SessionEvents heard = events;
        if (heard != null) {
            heard.storeFailed(error);
        }
    }

    /** Sets the alarm for the state that is current by the time of looking, or none if nobody is there to be served. */
    void setAlarm() {
        if (ALARM_CHANGES.getAndIncrement(this) != 0) {
            return;
        }
        int seen = 1;
        do {
            SessionState now = current();
            setAlarmFor(needsAlarm(now) ? now : null);
            seen = ALARM_CHANGES.addAndGet(this, -seen);
        } while (seen != 0);
    }

    private void setAlarmFor(@Nullable SessionState wanted) {
        if (alarm != null && (!alarm.isFor(wanted) || settings.scheduler().isDisposed())) {
            alarm.cancel();
            alarm = null;
        }
        try {
            if (alarm == null && wanted != null) {
                alarm = new SessionAlarm(this, wanted);
            }
            refusal = null;
        } catch (RuntimeException refused) {
            refusal = refused;
            tellSubscribers();
        }
    }

    private boolean needsAlarm(SessionState state) {
        return state.wakeAt() != SessionState.NEVER
                && (settings.keepAlive()
                        || subscribers.length > 0
                        || (state instanceof SessionState.Paused paused && paused.urgent()));
    }

    void wake(SessionState expected) {
        change(s -> s == expected ? s.woken(settings) : s);
    }

    private static TokenSwapException typed(Throwable error) {
        return error instanceof TokenSwapException said
                ? said
                : unavailable(
                        "The token endpoint or the store failed with "
                                + error.getClass().getName(),
                        error);
    }

    static TokenUnavailableException unschedulable(RuntimeException refusal) {
        return unavailable(
                "The session's scheduler takes no timers, being shut down or full: no token can come ahead of expiry",
                refusal);
    }

    private static TokenUnavailableException unavailable(String message, @Nullable Throwable cause) {
        return new TokenUnavailableException(message, TokenUnavailableException.Reason.RESPONSE_LOST, null, cause);
    }
}
