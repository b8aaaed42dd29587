package io.tokenswap.internal;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;

/**
 * Emits a value at the first request. Unlike Reactor's subscription of this kind, it fails for a request of no elements, as
 * Reactive Streams rule 3.9 demands.
 *
 * @param <T> the type of the value
 */
public final class ReadySubscription<T> implements Subscription, Scannable {

    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<ReadySubscription> STATE =
            AtomicIntegerFieldUpdater.newUpdater(ReadySubscription.class, "state");

    private static final int IDLE = 0;
    private static final int EMITTED = 1;
    private static final int CANCELLED = 2;

    private final CoreSubscriber<? super T> actual;
    private final T value;
    private volatile int state;

    /**
     * Creates a subscription.
     *
     * @param actual the subscriber
     * @param value the value
     */
    public ReadySubscription(CoreSubscriber<? super T> actual, T value) {
        this.actual = actual;
        this.value = value;
    }

    /**
     * Returns the error for a request of no elements.
     *
     * @param n the number of elements
     * @return the error
     */
    public static IllegalArgumentException invalidRequest(long n) {
        return new IllegalArgumentException(
                "Rule 3.9: the number of requested elements must be greater than zero, but is " + n);
    }

    @Override
    public void request(long n) {
        if (!STATE.compareAndSet(this, IDLE, EMITTED)) {
            return;
        }
        if (n <= 0) {
            actual.onError(invalidRequest(n));
            return;
        }
        actual.onNext(value);
        if (state != CANCELLED) {
            actual.onComplete();
        }
    }

    @Override
    public void cancel() {
        state = CANCELLED;
    }

    @Override
    @SuppressWarnings("rawtypes") // as Reactor declares it
    public @Nullable Object scanUnsafe(Attr key) {
        if (Attr.ACTUAL.equals(key)) {
            return actual;
        }
        if (Attr.TERMINATED.equals(key)) {
            return state == EMITTED;
        }
        if (Attr.CANCELLED.equals(key)) {
            return state == CANCELLED;
        }
        return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.SYNC : null;
    }
}
