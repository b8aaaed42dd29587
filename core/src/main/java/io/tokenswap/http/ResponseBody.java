package io.tokenswap.http;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Collects the body of a response up to one byte more than a limit, and cancels the rest unread. One operator instead of
 * several, because most of what a token request costs beside its connection is subscriptions.
 */
final class ResponseBody extends Mono<byte[]> {

    private static final byte[] NOTHING = {};

    private final Flux<ByteBuf> chunks;
    private final int limit;

    private ResponseBody(Flux<ByteBuf> chunks, int limit) {
        this.chunks = chunks;
        this.limit = limit;
    }

    /**
     * Collects a body.
     *
     * @param chunks the parts of the body, each of which belongs to its source and is released after the call
     * @param limit a longer body is cut after one byte more
     */
    static Mono<byte[]> of(Flux<ByteBuf> chunks, int limit) {
        return onAssembly(new ResponseBody(chunks, limit));
    }

    @Override
    public void subscribe(CoreSubscriber<? super byte[]> actual) {
        actual.onSubscribe(new Collector(this, actual));
    }

    /** Subscribes to the chunks at the first request. */
    private static final class Collector implements CoreSubscriber<ByteBuf>, Subscription, Scannable {

        private static final AtomicReferenceFieldUpdater<Collector, @Nullable Subscription> RUNNING =
                AtomicReferenceFieldUpdater.newUpdater(Collector.class, Subscription.class, "running");

        private final ResponseBody options;
        private final CoreSubscriber<? super byte[]> actual;

        /** Null before the first request. */
        private volatile @Nullable Subscription running;

        private byte[] bytes = NOTHING;
        private int length;
        private boolean done;

        Collector(ResponseBody options, CoreSubscriber<? super byte[]> actual) {
            this.options = options;
            this.actual = actual;
        }

        @Override
        public void request(long n) {
            if (Operators.validate(n) && RUNNING.compareAndSet(this, null, Operators.emptySubscription())) {
                options.chunks.subscribe(this);
            }
        }

        @Override
        public void cancel() {
            Subscription before = RUNNING.getAndSet(this, Operators.cancelledSubscription());
            if (before != null) {
                before.cancel();
            }
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            if (RUNNING.compareAndSet(this, Operators.emptySubscription(), subscription)) {
                subscription.request(Long.MAX_VALUE);
            } else {
                subscription.cancel();
            }
        }

        @Override
        public void onNext(ByteBuf chunk) {
            if (done) {
                return;
            }
            int taken = Math.min(chunk.readableBytes(), options.limit + 1 - length);
            if (length + taken > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(length + taken, 2 * length));
            }
            chunk.readBytes(bytes, length, taken);
            length += taken;
            if (length > options.limit) {
                cancel();
                onComplete();
            }
        }

        @Override
        public void onError(Throwable error) {
            if (done) {
                Operators.onErrorDropped(error, currentContext());
            } else {
                done = true;
                actual.onError(error);
            }
        }

        @Override
        public void onComplete() {
            if (!done) {
                done = true;
                actual.onNext(length == bytes.length ? bytes : Arrays.copyOf(bytes, length));
                actual.onComplete();
            }
        }

        @Override
        @SuppressWarnings("rawtypes") // as Reactor declares it
        public @Nullable Object scanUnsafe(Attr key) {
            if (Attr.ACTUAL.equals(key)) {
                return actual;
            }
            if (Attr.PARENT.equals(key)) {
                return running;
            }
            return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.SYNC : null;
        }
    }
}
