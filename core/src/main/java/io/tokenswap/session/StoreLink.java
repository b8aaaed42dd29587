package io.tokenswap.session;

import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;

/** Connection of one session with its record in a store. */
final class StoreLink extends SessionLink {

    private final RecordStore records;
    private final Disposable.Swap following = Disposables.swap();
    private boolean follows;
    private volatile @Nullable Throwable lastFailure;

    StoreLink(RecordStore records) {
        this.records = records;
    }

    @Override
    Mono<AttemptResult> refresh(DefaultTokenSession session) {
        return new StoredRefresh(session, records).refresh();
    }

    @Override
    Mono<AttemptResult> look(DefaultTokenSession session) {
        return new StoredRefresh(session, records).look();
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // an unchanged state is the same object
    void react(DefaultTokenSession session, Phase before, Phase after) {
        if (before.stored() != after.stored()) {
            new RecordSaver(session, records).react(before, after);
        }
        if (after instanceof Phase.Closed && !(before instanceof Phase.Closed)) {
            follow(session, false);
        }
    }

    @Override
    synchronized void follow(DefaultTokenSession session, boolean needed) {
        boolean wanted = needed && !session.isDisposed();
        if (wanted != follows) {
            follows = wanted;
            following.update(
                    wanted
                            ? records.changes()
                                    .subscribe(changed -> look(session).subscribe(session::found))
                            : Disposables.disposed());
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
