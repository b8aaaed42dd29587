package io.tokenswap.session;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.session.RecordStore.StoreFailure;
import io.tokenswap.session.Stored.Lease;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.Rotates;
import io.tokenswap.session.TokenStore.State;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A refresh with a store that others share: the decisions of a node. At most one node presents a refresh token, and no token
 * that was obtained is lost.
 *
 * <pre>
 *  acquire --granted--> present --issued--> (the session saves the record, which ends the lease)
 *     |  |                 |---- not sent, not processed --> release, pause for all nodes
 *     |  |                 |---- response lost ------------> keep the lease, repeat under it
 *     |  |                 '---- invalid_grant ------------> mark the record as dead, or look whether a successor exists
 *     |  '--busy---> wait for the other node, then acquire again
 *     '--moved--> adopt the record of the other node; no request
 * </pre>
 *
 * <p>A mark of another attempt means that a successor may exist that is not saved yet. The node then presents at once if the
 * provider still accepts the consumed refresh token, and otherwise gives the holder time to come back.
 */
final class StoredRefresh {

    /** A takeover needs that much time before the end of the provider's grace. */
    private static final long TAKEOVER = 3_000;

    /** A grace must exceed the length of a lease by this much to be of use. */
    private static final Duration GRACE_BEYOND_LEASE = Duration.ofSeconds(5);

    /** The longest time between two looks while another node has the lease. */
    private static final long POLL = 250;

    /** The time between two looks while the holder of a mark may come back. */
    private static final long PATIENT_POLL = 5_000;

    /**
     * Time for which the store must have been reachable before a mark is passed over, and time left to the end of the token.
     */
    private static final long CALM = 10_000;

    /** Time after which an absent record counts as removed in a store that can lose writes: half the lifetime of a sign-out. */
    private static final long REPAIRABLE = Duration.ofHours(12).toMillis();

    private final SessionEngine session;
    private final RecordStore store;

    /** The record that this attempt set out to refresh. If the session has a newer one, there is nothing left to do. */
    private final @Nullable Record target;

    StoredRefresh(SessionEngine session, RecordStore store) {
        this.session = session;
        this.store = store;
        this.target = session.current().stored().best();
    }

    Mono<AttemptResult> refresh() {
        Stored stored = stored();
        Record best = stored.best();
        if (stored.unsaved() != null) {
            // The token was issued or the user signed in here, and no other node knows: presenting it would leave the
            // store behind.
            return isKnownNotToRotate()
                    ? presentWithoutLease(
                            Objects.requireNonNull(session.current().token()))
                    : Mono.just(new AttemptResult.Failed(TokenRequests.unavailable(
                            "The current token could not be saved in the store yet. Is the store reachable?",
                            Reason.STORE_FAILED,
                            null)));
        }
        if (best == null || best.state() != State.LIVE) {
            return look();
        }
        Lease lease = stored.lease();
        return lease == null ? acquire() : repeat(lease);
    }

    /** Looks at the store for what other nodes have written. A store that fails is no result: it is asked again later. */
    Mono<AttemptResult> look() {
        return reached(store.load())
                .flatMap(entry -> seen(entry.record()).switchIfEmpty(Mono.just(new AttemptResult.Unchanged())))
                .onErrorResume(StoreFailure.class, failure -> Mono.just(new AttemptResult.Unchanged()));
    }

    // ---- before the request

    /**
     * Asks for the lease, again and again while another node has it. A loop: a chain of so many operators overflows the
     * stack.
     */
    private Mono<AttemptResult> acquire() {
        long waitingSince = elapsed();
        return Mono.defer(() -> ask(waitingSince))
                .repeatWhenEmpty(
                        rounds -> rounds.concatMap(round -> pause(POLL, true).thenReturn(round)));
    }

    /** Asks for the lease once. Empty if it is to be asked for again. */
    private Mono<AttemptResult> ask(long waitingSince) {
        if (hasNewerRecord() || isClosed()) {
            return Mono.just(new AttemptResult.Unchanged());
        }
        long begunAt = elapsed();
        return reached(store.acquire(Objects.requireNonNull(target).version()))
                .flatMap(acquired -> switch (acquired.outcome()) {
                    case GRANTED -> apart(() -> granted(acquired, begunAt));
                    case BUSY -> busy(waitingSince);
                    case PAUSED ->
                        Mono.just(new AttemptResult.Postponed(
                                paused(), Math.max(1, acquired.remaining().toMillis())));
                    case MOVED -> seen(acquired.record()).switchIfEmpty(Mono.defer(() -> busy(waitingSince)));
                })
                .onErrorResume(StoreFailure.class, failure -> apart(() -> unreachable(failure)));
    }

    /** A look that a change in the store caused may have found the record of another node while this attempt waited. */
    private boolean hasNewerRecord() {
        return !isTarget(stored().best());
    }

    private boolean isTarget(@Nullable Record record) {
        return target != null && record != null && record.version().equals(target.version());
    }

    /** Waits for the node that has the lease. A caller never waits longer than a request and a lease together. */
    private Mono<AttemptResult> busy(long waitingSince) {
        long most = settings().leaseLength().plus(settings().deadline()).toMillis();
        return elapsed() - waitingSince < most
                ? Mono.empty()
                : Mono.just(new AttemptResult.Postponed(
                        TokenRequests.unavailable(
                                "Another instance is refreshing this token and has not finished",
                                Reason.NOT_SENT,
                                null),
                        PATIENT_POLL));
    }

    /** Whatever was seen in the store: adopts a greater record, and puts back a lost one. Empty if the best one is there. */
    private Mono<AttemptResult> seen(@Nullable Record record) {
        Stored stored = stored();
        int compared = stored.compare(record);
        if (stored.isCommanded()) {
            return Mono.empty();
        }
        if (record != null && compared > 0) {
            return Mono.just(new AttemptResult.Adopted(record));
        }
        Record best = Objects.requireNonNull(stored.best());
        if (compared == 0) {
            update(seen -> seen.seen(elapsed()));
            return inForce(best);
        }
        boolean lost = record != null || (store.engine().mayLoseWrites() && elapsed() - stored.seenAt() < REPAIRABLE);
        if (!lost) {
            // An absent record says nothing of a login that was made here after the question.
            return Mono.just(new AttemptResult.Removed(Objects.requireNonNull(target)));
        }
        return reached(store.put(best, Kind.REPAIR, 0)).flatMap(entry -> {
            Record now = entry.record();
            return now != null && stored().compare(now) > 0 ? Mono.just(new AttemptResult.Adopted(now)) : inForce(best);
        });
    }

    /** Our own record is in the store. A live one can be acquired; with another one nothing is left to do. */
    private Mono<AttemptResult> inForce(Record best) {
        return best.state() == State.LIVE ? Mono.empty() : Mono.just(new AttemptResult.Unchanged());
    }

    private Mono<AttemptResult> granted(Acquired acquired, long begunAt) {
        Lease lease = Lease.granted(
                acquired.attempt(), begunAt, settings().leaseLength(), acquired.until() == null, otherMark(acquired));
        if (isOvertaken()) {
            return store.release(lease.attempt(), Duration.ZERO, false).thenReturn(new AttemptResult.Unchanged());
        }
        if (lease.hasOtherMark() && !mayPassOver(lease)) {
            long since = Math.min(stored().waitingSince(), elapsed());
            update(stored -> stored.waiting(since));
            return store.release(lease.attempt(), Duration.ZERO, true)
                    .then(Mono.just(new AttemptResult.Postponed(
                            TokenRequests.unavailable(
                                    "Another instance may have refreshed this token without saving the result yet",
                                    Reason.NOT_SENT,
                                    null),
                            PATIENT_POLL)));
        }
        session.change((phase, moment) ->
                isOvertaken(phase) ? phase : phase.with(phase.stored().leased(lease)));
        return stored().isLeasedBy(lease.attempt())
                ? present(lease)
                : store.release(lease.attempt(), Duration.ZERO, false).thenReturn(new AttemptResult.Unchanged());
    }

    private boolean isOvertaken() {
        return isOvertaken(session.current());
    }

    /** A login, a sign-out, the end of the session or the record of another node came before the lease. */
    private boolean isOvertaken(Phase phase) {
        return phase instanceof ClosedPhase
                || phase.stored().unsaved() != null
                || !isTarget(phase.stored().best());
    }

    /**
     * The age of another attempt's mark. A mark that this node waits for is older than the grace, even if the store has
     * lost it since: a mark that is found then may be one that this node has set in its place.
     */
    private @Nullable Duration otherMark(Acquired acquired) {
        if (stored().waitingSince() == Phase.NEVER) {
            return acquired.otherMark();
        }
        return Duration.ofMillis(elapsed() - stored().waitingSince() + grace());
    }

    /**
     * Decides about the mark of another attempt. Within the provider's grace it is passed over at once, as waiting
     * would waste the grace. Otherwise the holder has until shortly before the end of this node's token to come back.
     */
    private boolean mayPassOver(Lease lease) {
        long grace = grace();
        if (grace > 0) {
            return elapsed() - lease.markedAt() + TAKEOVER <= grace || hasWaitedLongEnough();
        }
        return hasWaitedLongEnough();
    }

    private boolean hasWaitedLongEnough() {
        Phase phase = session.current();
        Moment moment = settings().moment();
        Stored stored = phase.stored();
        // An idle session has not seen an outage that kept the holder away, so that the calm begins when the mark is
        // found.
        long calmSince = Math.max(stored.reachableSince(), stored.waitingSince());
        if (calmSince == Phase.NEVER || elapsed() - calmSince < CALM) {
            return false;
        }
        if (phase.served().refused()) {
            return elapsed() - stored.waitingSince() >= settings().leaseLength().toMillis();
        }
        return moment.by(phase.served().offset()) >= phase.served().staleAt() - CALM;
    }

    /** The lease was kept because a response was lost: the refresh token is presented again under it. */
    private Mono<AttemptResult> repeat(Lease lease) {
        long begunAt = elapsed();
        return reached(store.extend(lease.attempt()))
                .flatMap(extended -> apart(() -> {
                    if (extended.outcome() == Outcome.GRANTED) {
                        Record found = extended.record();
                        if (found != null && stored().compare(found) > 0) {
                            return Mono.just(new AttemptResult.Adopted(found)); // which ends the lease
                        }
                        Lease kept = lease.extended(begunAt, settings().leaseLength());
                        update(stored -> stored.isLeasedBy(kept.attempt()) ? stored.leased(kept) : stored);
                        boolean inGrace = !kept.hasOtherMark()
                                || elapsed() - kept.markedAt() + TAKEOVER <= grace()
                                || hasWaitedLongEnough();
                        return inGrace ? present(kept) : lost(kept.attempt(), Duration.ZERO, true);
                    }
                    update(stored -> stored.leased(null));
                    return seen(extended.record()).switchIfEmpty(Mono.defer(this::acquire));
                }))
                .onErrorResume(
                        StoreFailure.class,
                        failure -> apart(() -> mayRepeatAlone(lease) ? send(lease) : unreachable(failure)));
    }

    /** Without the store, a node repeats its own presentation only while the provider certainly still accepts it. */
    private boolean mayRepeatAlone(Lease lease) {
        return !lease.hasOtherMark()
                && lease.presentedAt() != Phase.NEVER
                && elapsed() - lease.presentedAt()
                        < grace() - settings().deadline().toMillis();
    }

    private Mono<AttemptResult> lost(long attempt, Duration pause, boolean sent) {
        update(stored -> stored.leased(null));
        return store.release(attempt, pause, sent)
                .then(Mono.just(new AttemptResult.Postponed(
                        TokenRequests.unavailable(
                                "Another instance may have refreshed this token", Reason.NOT_SENT, null),
                        PATIENT_POLL)));
    }

    private Mono<AttemptResult> unreachable(StoreFailure failure) {
        if (isKnownNotToRotate() && session.current().token().refreshToken() != null) {
            return presentWithoutLease(session.current().token());
        }
        return Mono.just(new AttemptResult.Failed(failure.toCallers()));
    }

    // ---- the request

    private Mono<AttemptResult> present(Lease lease) {
        long margin = settings().leaseLength().minus(settings().deadline()).toMillis();
        // If asking the store took so long that the request would outlive the lease, the lease is extended first.
        return lease.isWithin(margin, elapsed()) ? send(lease) : repeat(lease);
    }

    private Mono<AttemptResult> send(Lease lease) {
        Record best = Objects.requireNonNull(stored().best());
        Token token = Objects.requireNonNull(best.token());
        if (token.refreshToken() == null) {
            return lost(lease.attempt(), Duration.ZERO, false)
                    .thenReturn(new AttemptResult.Ended(noRefreshToken(), null));
        }
        if (isClosed()) { // nothing is sent after the end
            update(stored -> stored.leased(null));
            return store.release(lease.attempt(), Duration.ZERO, lease.presentedAt() != Phase.NEVER)
                    .thenReturn(new AttemptResult.Unchanged());
        }
        Lease presented = lease.presented(elapsed());
        update(stored -> stored.isLeasedBy(lease.attempt()) ? stored.leased(presented) : stored);
        if (!stored().isLeasedBy(lease.attempt())) {
            return Mono.just(new AttemptResult.Unchanged()); // overtaken by a command, which ends the lease
        }
        return TokenRequests.<AttemptResult>refresh(
                        token,
                        token.refreshToken(),
                        settings(),
                        next -> obtained(best, presented.attempt(), token, next))
                .onErrorResume(
                        TokenSwapException.class,
                        error -> apart(() -> failed(best, presented, lease.presentedAt() != Phase.NEVER, error)));
    }

    /**
     * Leaves the thread that has a response before foreign code runs: an endpoint may block the thread of the store, and the
     * store the event loop of the endpoint. Decisions that depend on the time come after this step, which may take long.
     */
    private <T> Mono<T> apart(Supplier<Mono<T>> next) {
        return Mono.<Void>create(sink -> session.dispatch(sink::success)).then(Mono.defer(next));
    }

    /** For a provider that is known not to rotate: two nodes that present the same refresh token do no harm. */
    private Mono<AttemptResult> presentWithoutLease(Token token) {
        Record best = stored().best();
        if (token.refreshToken() == null || best == null || best.state() != State.LIVE || stored().isCommanded()) {
            return Mono.just(new AttemptResult.Failed(TokenRequests.unavailable(
                    "The store of tokens failed or did not respond. Is it reachable?", Reason.STORE_FAILED, null)));
        }
        // The save ends the lease of the attempt, if there is one: a lease that is not ended would block the key.
        Lease lease = stored().lease();
        // Without one, the number is less than that of any attempt with a lease. Two nodes without a lease may use the
        // same version: RecordSaver then decides between their tokens.
        long attempt = lease != null ? lease.attempt() : best.version().attempt();
        return TokenRequests.<AttemptResult>refresh(
                        token, token.refreshToken(), settings(), next -> obtained(best, attempt, token, next))
                .onErrorResume(
                        TokenSwapException.class,
                        error -> Mono.just(
                                isDeadGrant(error)
                                        ? new AttemptResult.Ended(error, null)
                                        : new AttemptResult.Failed(error)));
    }

    private static AttemptResult obtained(Record best, long attempt, Token presented, Token next) {
        boolean same = Objects.equals(presented.refreshToken(), next.refreshToken());
        return new AttemptResult.Obtained(best.refreshed(attempt, next), attempt, same);
    }

    private Mono<AttemptResult> failed(Record presented, Lease lease, boolean repeated, TokenSwapException error) {
        if (isDeadGrant(error)) {
            return refused(presented, lease, error);
        }
        if (isProcessedMaybe(error)) {
            return Mono.just(new AttemptResult.Failed(error)); // the lease stays, and the repeat comes under it
        }
        update(stored -> stored.leased(null));
        // The server may have processed an earlier presentation of this attempt: then the mark stays.
        return store.release(lease.attempt(), pauseAfter(error), repeated)
                .then(Mono.just(new AttemptResult.Failed(error)));
    }

    private static boolean isDeadGrant(TokenSwapException error) {
        return error instanceof OAuthErrorException response && response.requiresLogin();
    }

    /** Returns true if the server may have consumed the refresh token. */
    private static boolean isProcessedMaybe(TokenSwapException error) {
        if (error instanceof OAuthErrorException || error instanceof RequestRejectedException) {
            return false;
        }
        return !(error instanceof TokenUnavailableException unavailable)
                || switch (unavailable.reason()) {
                    case NOT_SENT, THROTTLED, REJECTED -> false;
                    case RESPONSE_LOST, INVALID_RESPONSE, STORE_FAILED -> true;
                };
    }

    /** The failure of one node is the pause of all. */
    private Duration pauseAfter(TokenSwapException error) {
        Instant retryAt = error instanceof TokenUnavailableException unavailable ? unavailable.retryAt() : null;
        int failures = session.current() instanceof RefreshingPhase refreshing ? refreshing.failures() + 1 : 1;
        Duration backoff = settings().policy().backoff(failures, settings().nextRandom());
        if (retryAt == null) {
            return backoff;
        }
        long now = settings().moment().wall();
        Duration asked = Duration.ofMillis(Math.max(
                0,
                PausedPhase.spread(ServedToken.millis(retryAt), now, settings().nextRandom()) - now));
        return asked.compareTo(backoff) > 0 ? asked : backoff;
    }

    // ---- the refusal

    /** The provider refused the refresh token. If only this attempt can have consumed it, the grant is dead. */
    private Mono<AttemptResult> refused(Record presented, Lease lease, TokenSwapException error) {
        Stored stored = stored();
        boolean alone = !lease.hasOtherMark()
                && stored.isLeasedBy(lease.attempt())
                && lease.isWithin(settings().leaseLength().toMillis(), elapsed())
                && stored.reachableSince() <= lease.acquiredAt();
        long until = elapsed() + settings().deadline().toMillis();
        return alone ? spareOrDead(presented, lease, error) : successorOrDead(presented, lease, error, until);
    }

    /** Another node may have a successor that it has not saved yet: looks for it as long as a request may take. */
    private Mono<AttemptResult> successorOrDead(Record presented, Lease lease, TokenSwapException error, long until) {
        return Mono.defer(() -> reached(store.load())
                        .<AttemptResult>flatMap(entry -> seen(entry.record()))
                        .onErrorResume(StoreFailure.class, failure -> Mono.empty())
                        .switchIfEmpty(Mono.defer(
                                () -> elapsed() < until ? Mono.empty() : spareOrDead(presented, lease, error))))
                .repeatWhenEmpty(
                        rounds -> rounds.concatMap(round -> pause(1_000, true).thenReturn(round)));
    }

    /** A successor that was obtained here, beside the one that was refused, may still be good. */
    private Mono<AttemptResult> spareOrDead(Record presented, Lease lease, TokenSwapException error) {
        Record spare = stored().spare();
        if (spare == null || !spare.version().isSibling(presented.version()) || spare.token() == null) {
            return dead(presented, lease, error);
        }
        Record later = spare.withAttempt(lease.attempt());
        return reached(store.put(later, Kind.REFRESH, 0))
                .flatMap(entry -> apart(() -> {
                    if (!entry.holds(later.version())) {
                        return adoptedOr(entry, Mono.defer(() -> dead(presented, lease, error)));
                    }
                    update(stored -> stored.spareUsed(later));
                    return present(lease);
                }))
                .onErrorResume(StoreFailure.class, failure -> Mono.just(new AttemptResult.Failed(failure.toCallers())));
    }

    private Mono<AttemptResult> dead(Record presented, Lease lease, TokenSwapException error) {
        Record dead = presented.dead();
        AttemptResult ended = new AttemptResult.Ended(error, dead);
        return reached(store.put(dead, Kind.DEAD, lease.attempt()))
                .doOnNext(entry -> update(Stored::withoutLease))
                .flatMap(entry -> entry.record() != null && entry.record().state() != State.LIVE
                        ? Mono.just(ended)
                        : adoptedOr(entry, Mono.just(ended)))
                // Nothing is lost by it: other nodes learn from the provider.
                .onErrorResume(StoreFailure.class, failure -> {
                    update(Stored::withoutLease);
                    return store.release(lease.attempt(), Duration.ZERO, true).thenReturn(ended);
                });
    }

    private Mono<AttemptResult> adoptedOr(Entry entry, Mono<AttemptResult> otherwise) {
        Record record = entry.record();
        return record != null && stored().compare(record) > 0
                ? Mono.just(new AttemptResult.Adopted(record))
                : otherwise;
    }

    // ---- shorthands

    private boolean isClosed() {
        return session.current() instanceof ClosedPhase;
    }

    private Stored stored() {
        return session.current().stored();
    }

    private void update(UnaryOperator<Stored> step) {
        session.change((phase, moment) -> phase.with(step.apply(phase.stored())));
    }

    private SessionSettings settings() {
        return session.settings();
    }

    private long elapsed() {
        return settings().elapsed();
    }

    private long grace() {
        Duration grace = store.engine().grace();
        return grace.compareTo(settings().leaseLength().plus(GRACE_BEYOND_LEASE)) >= 0 ? grace.toMillis() : 0;
    }

    private boolean isKnownNotToRotate() {
        Rotates rotates = store.engine().rotates();
        return rotates == Rotates.NO || (rotates == Rotates.LEARN && stored().keepsRefreshToken());
    }

    /** Notes whether the store responded. A failure is an event. */
    private <T> Mono<T> reached(Mono<T> operation) {
        return operation
                .doOnNext(result -> update(stored -> stored.reached(true, elapsed())))
                .doOnError(StoreFailure.class, failure -> {
                    update(stored -> stored.reached(false, elapsed()));
                    session.storeFailed(Objects.requireNonNull(failure.getCause()));
                });
    }

    /** Waits, or until the store reports a change of the key. */
    private Mono<Void> pause(long millis, boolean orChange) {
        Mono<Void> time = Mono.create(sink -> {
            Runnable end = () -> session.dispatch(sink::success);
            SharedTimer.Task timer = settings().timer().schedule(end, millis, elapsed());
            sink.onDispose(timer::cancelTimer);
        });
        return orChange ? time.or(store.changed()) : time;
    }

    private static TokenSwapException paused() {
        return new TokenUnavailableException(
                "The last attempt of an instance failed, and no instance repeats it before the pause has ended",
                Reason.THROTTLED,
                null,
                null);
    }

    private static TokenSwapException noRefreshToken() {
        return new OAuthErrorException("invalid_grant", "There is no refresh token", 400);
    }
}
