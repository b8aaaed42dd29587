package io.tokenswap.session;

import java.util.function.Predicate;
import reactor.core.CoreSubscriber;

/** Waits until the phase has a property, then completes. */
final class PhaseObserver extends SessionObserver<Boolean> {

    private final Predicate<Phase> property;

    PhaseObserver(SessionEngine session, CoreSubscriber<? super Boolean> actual, Predicate<Phase> property) {
        super(session, actual);
        this.property = property;
    }

    @Override
    boolean needsTokens() {
        return false;
    }

    @Override
    boolean isConcerned(Phase before, Phase after) {
        return true;
    }

    @Override
    void emit() {
        if (property.test(session.current())) {
            cancel();
            actual.onComplete();
        }
    }
}
