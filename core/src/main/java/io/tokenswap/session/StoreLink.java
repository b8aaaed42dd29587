package io.tokenswap.session;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Connection of one session with its record in a store. */
final class StoreLink extends SessionLink {

    private final RecordStore records;
    private final Disposable.Swap following = Disposables.swap();
    private final AtomicInteger wishes = new AtomicInteger();

    /** Only touched by the thread that counts in {@link #wishes}. */
    private boolean follows;

    private volatile @Nullable Throwable lastFailure;

    StoreLink(RecordStore records) {
        this.records = records;
    }

    @Override
    Mono<AttemptResult> refresh(SessionEngine session) {
        return new StoredRefresh(session, records).refresh();
    }

    @Override
    Mono<AttemptResult> look(SessionEngine session) {
        return new StoredRefresh(session, records).look();
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // an unchanged state is the same object
    void react(SessionEngine session, Phase before, Phase after) {
        if (before.stored() != after.stored()) {
            new RecordSaver(session, records).react(before, after);
        }
        if (after instanceof ClosedPhase && !(before instanceof ClosedPhase)) {
            follow(session);
        }
    }

    @Override
    void follow(SessionEngine session) {
        // A loop and no lock: the store is foreign code, which may block or call back.
        if (wishes.getAndIncrement() == 0) {
            session.dispatch(() -> followAsWished(session));
        }
    }

    private void followAsWished(SessionEngine session) {
        int seen = 1;
        do {
            boolean wanted = session.needsTokens() && !(session.current() instanceof ClosedPhase);
            if (wanted != follows) {
                follows = wanted;
                following.update(wanted ? looks(session) : Disposables.disposed());
            }
            seen = wishes.addAndGet(-seen);
        } while (seen != 0);
    }

    /**
     * Looks at the record after each hint, one look at a time. Hints that come during a look lead to one more. The
     * first look follows the subscription to the hints, because earlier changes are not reported.
     */
    private Disposable looks(SessionEngine session) {
        Flux<String> hints = records.engine().mayLoseWrites()
                ? Flux.merge(records.changes(), Flux.just(records.key()))
                : records.changes();
        return hints.onBackpressureLatest()
                .concatMap(changed -> look(session).doOnNext(result -> found(session, result)), 0)
                .subscribe();
    }

    /** A look at the store, outside of an attempt, has found something. */
    private static void found(SessionEngine session, AttemptResult result) {
        if (result instanceof AttemptResult.Adopted adopted) {
            session.change(phase -> phase.adopted(adopted.record(), session.moment(), session.settings()));
        } else if (result instanceof AttemptResult.Removed removed) {
            session.change(phase -> phase.removed(removed.last(), session.moment(), session.settings()));
        }
    }

    @Override
    void failed(Throwable error) {
        lastFailure = error;
    }

    @Override
    @Nullable Throwable lastFailure() {
        return lastFailure;
    }
}
