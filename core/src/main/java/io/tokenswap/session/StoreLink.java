package io.tokenswap.session;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Connection of one session with its record in a store. */
abstract class StoreLink extends SessionLink {

    private static final AtomicReferenceFieldUpdater<StoreLink, Watch> WATCH =
            AtomicReferenceFieldUpdater.newUpdater(StoreLink.class, Watch.class, "watch");

    /** Null until the session first has a subscriber, or the store first fails. */
    private volatile @Nullable Watch watch;

    /** Returns the record of the session in the store. */
    abstract RecordStore records();

    /** Returns the link of a session with a record. */
    static StoreLink to(RecordStore records) {
        return new StoreLink() {

            @Override
            RecordStore records() {
                return records;
            }
        };
    }

    @Override
    Mono<AttemptResult> refresh(SessionEngine session) {
        return new StoredRefresh(session, records()).refresh();
    }

    @Override
    Mono<AttemptResult> look(SessionEngine session) {
        return new StoredRefresh(session, records()).look();
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // an unchanged state is the same object
    void react(SessionEngine session, Phase before, Phase after) {
        if (before.stored() != after.stored()) {
            new RecordSaver(session, records()).react(before, after);
        }
        if (after instanceof ClosedPhase && !(before instanceof ClosedPhase)) {
            follow(session);
        }
    }

    @Override
    void follow(SessionEngine session) {
        Watch kept = watch;
        if (kept == null && !session.needsTokens()) {
            return; // a subscriber that comes meanwhile calls this method after it
        }
        Watch following = kept == null ? keptWatch() : kept;
        // A loop and no lock: the store is foreign code, which may block or call back.
        if (following.wishes.getAndIncrement() == 0) {
            session.dispatch(() -> followAsWished(session, following));
        }
    }

    private void followAsWished(SessionEngine session, Watch following) {
        int seen = 1;
        do {
            boolean wanted = session.needsTokens() && !(session.current() instanceof ClosedPhase);
            if (wanted != following.follows) {
                following.follows = wanted;
                following.hints.update(wanted ? looks(session) : Disposables.disposed());
            }
            seen = following.wishes.addAndGet(-seen);
        } while (seen != 0);
    }

    /**
     * Looks at the record after each hint, one look at a time. Hints that come during a look lead to one more. The
     * first look follows the subscription to the hints, because earlier changes are not reported.
     */
    private Disposable looks(SessionEngine session) {
        RecordStore records = records();
        return Flux.merge(records.changes(), Flux.just(records.key()))
                .onBackpressureLatest()
                .concatMap(changed -> look(session).doOnNext(result -> found(session, result)), 0)
                .subscribe();
    }

    /** Changes the session after a check of the store, outside of an attempt, has found another record or none. */
    private static void found(SessionEngine session, AttemptResult result) {
        if (result instanceof AttemptResult.Adopted adopted) {
            session.change((phase, moment) -> phase.adopted(adopted.record(), moment, session.settings()));
        } else if (result instanceof AttemptResult.Removed removed) {
            session.change((phase, moment) -> phase.removed(removed.last(), moment, session.settings()));
        }
    }

    @Override
    void failed(Throwable error) {
        keptWatch().lastFailure = error;
    }

    @Override
    @Nullable Throwable lastFailure() {
        Watch kept = watch;
        return kept == null ? null : kept.lastFailure;
    }

    /** Returns true at the first call: the events of a session are passed on once. */
    final boolean beginsToListen() {
        return keptWatch().listening.compareAndSet(false, true);
    }

    private Watch keptWatch() {
        return WATCH.updateAndGet(this, made -> made == null ? new Watch() : made);
    }

    /** State that most sessions never need. */
    private static final class Watch {

        private final Disposable.Swap hints = Disposables.swap();
        private final AtomicInteger wishes = new AtomicInteger();

        /** Only touched by the thread that counts in {@link #wishes}. */
        private boolean follows;

        private volatile @Nullable Throwable lastFailure;
        private final AtomicBoolean listening = new AtomicBoolean();
    }
}
