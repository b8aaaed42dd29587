package io.tokenswap;

import io.tokenswap.internal.ReadySource;
import io.tokenswap.internal.ReadySubscription;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Fuseable;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs a call with a token, and once more with the next token if the API refused the first: the operator of
 * {@link TokenSource#withToken} and {@link TokenSource#withTokenMany}.
 *
 * <pre>
 *  token() --token--> call --refused before it emitted anything--> invalidate, token() --next token--> call
 * </pre>
 *
 * <p>Where the source has a token ready, nothing is subscribed to but the call.
 */
final class TokenCall {

    private TokenCall() {}

    static <T> Mono<T> one(
            TokenSource source,
            Function<? super Token, ? extends Mono<T>> call,
            Predicate<? super Throwable> rejected) {
        return One.assembled(source, call, rejected);
    }

    static <T> Flux<T> many(
            TokenSource source,
            Function<? super Token, ? extends Publisher<T>> call,
            Predicate<? super Throwable> rejected) {
        return Many.assembled(source, call, rejected);
    }

    private static final class One<T> extends Mono<T> implements Scannable {

        private final TokenSource source;
        private final Function<? super Token, ? extends Mono<T>> call;
        private final Predicate<? super Throwable> rejected;

        private One(
                TokenSource source,
                Function<? super Token, ? extends Mono<T>> call,
                Predicate<? super Throwable> rejected) {
            this.source = source;
            this.call = call;
            this.rejected = rejected;
        }

        static <T> Mono<T> assembled(
                TokenSource source,
                Function<? super Token, ? extends Mono<T>> call,
                Predicate<? super Throwable> rejected) {
            return onAssembly(new One<>(source, call, rejected));
        }

        @Override
        public void subscribe(CoreSubscriber<? super T> actual) {
            start(source, call, rejected, actual);
        }

        @Override
        @SuppressWarnings("rawtypes") // as Reactor declares it
        public @Nullable Object scanUnsafe(Attr key) {
            return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
        }
    }

    private static final class Many<T> extends Flux<T> implements Scannable {

        private final TokenSource source;
        private final Function<? super Token, ? extends Publisher<T>> call;
        private final Predicate<? super Throwable> rejected;

        private Many(
                TokenSource source,
                Function<? super Token, ? extends Publisher<T>> call,
                Predicate<? super Throwable> rejected) {
            this.source = source;
            this.call = call;
            this.rejected = rejected;
        }

        static <T> Flux<T> assembled(
                TokenSource source,
                Function<? super Token, ? extends Publisher<T>> call,
                Predicate<? super Throwable> rejected) {
            return onAssembly(new Many<>(source, call, rejected));
        }

        @Override
        public void subscribe(CoreSubscriber<? super T> actual) {
            start(source, call, rejected, actual);
        }

        @Override
        @SuppressWarnings("rawtypes") // as Reactor declares it
        public @Nullable Object scanUnsafe(Attr key) {
            return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
        }
    }

    private static <T> void start(
            TokenSource source,
            Function<? super Token, ? extends Publisher<T>> call,
            Predicate<? super Throwable> rejected,
            CoreSubscriber<? super T> actual) {
        Token ready = source instanceof ReadySource<?> session ? (Token) session.ready() : null;
        if (ready == null) {
            Run<T> run = new Run<>(source, call, rejected, actual);
            actual.onSubscribe(run);
            run.ask();
            return;
        }
        Publisher<T> made;
        try {
            made = Objects.requireNonNull(call.apply(ready), "The call returned null");
            if (made instanceof Fuseable.ScalarCallable) { // the result is there: no error can follow
                @SuppressWarnings("unchecked") // a publisher of T
                T result = ((Fuseable.ScalarCallable<T>) made).call();
                source.accept(ready);
                if (result == null) {
                    Operators.complete(actual);
                } else {
                    actual.onSubscribe(new ReadySubscription<>(actual, result));
                }
                return;
            }
        } catch (Throwable thrown) {
            Exceptions.throwIfFatal(thrown);
            Run<T> run = new Run<>(source, call, rejected, actual);
            actual.onSubscribe(run);
            run.failed(ready, thrown);
            return;
        }
        Run<T> run = new Run<>(source, call, rejected, actual);
        actual.onSubscribe(run);
        run.start(ready, made);
    }

    /** One subscription. At any time it has at most one upstream: a source of the token, or a call. */
    private static final class Run<T> implements CoreSubscriber<T>, Subscription, Scannable {

        private final TokenSource source;
        private final Function<? super Token, ? extends Publisher<T>> call;
        private final Predicate<? super Throwable> rejected;
        private final CoreSubscriber<? super T> actual;

        // Guarded by this object. No foreign code is called under that lock.
        private long requested;
        private boolean cancelled;
        private @Nullable Subscription asking;
        private @Nullable Subscription calling;

        // Signals come one after another.
        private @Nullable Token token;
        private @Nullable Throwable refusal;
        private boolean emitted;
        private boolean done;

        Run(
                TokenSource source,
                Function<? super Token, ? extends Publisher<T>> call,
                Predicate<? super Throwable> rejected,
                CoreSubscriber<? super T> actual) {
            this.source = source;
            this.call = call;
            this.rejected = rejected;
            this.actual = actual;
        }

        // ---- downstream

        @Override
        public void request(long n) {
            if (n <= 0) {
                cancel();
                fail(ReadySubscription.invalidRequest(n));
                return;
            }
            Subscription current;
            synchronized (this) {
                requested = Operators.addCap(requested, n);
                current = calling;
            }
            if (current != null) {
                current.request(n);
            }
        }

        @Override
        public void cancel() {
            Subscription asked;
            Subscription called;
            synchronized (this) {
                cancelled = true;
                asked = asking;
                called = calling;
            }
            if (asked != null) {
                asked.cancel();
            }
            if (called != null) {
                called.cancel();
            }
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        // ---- the token

        void ask() {
            try {
                source.token().subscribe(new Asking<>(this));
            } catch (Throwable thrown) {
                Exceptions.throwIfFatal(thrown);
                fail(thrown);
            }
        }

        /** Returns false if the subscriber has cancelled. */
        private synchronized boolean isAsking(Subscription subscription) {
            asking = subscription;
            return !cancelled;
        }

        private void call(Token given) {
            Publisher<T> made;
            try {
                made = Objects.requireNonNull(call.apply(given), "The call returned null");
            } catch (Throwable thrown) {
                Exceptions.throwIfFatal(thrown);
                failed(given, thrown);
                return;
            }
            start(given, made);
        }

        /** If no other token is available at the moment, the subscriber gets the refusal of the API, which says more. */
        private void noToken(Throwable error) {
            if (refusal != null && error instanceof TokenUnavailableException) {
                refusal.addSuppressed(error);
                fail(refusal);
            } else {
                fail(error);
            }
        }

        // ---- the call

        void start(Token given, Publisher<T> made) {
            token = given;
            made.subscribe(this);
        }

        void failed(Token given, Throwable thrown) {
            token = given;
            onError(thrown);
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            long n;
            synchronized (this) {
                asking = null;
                calling = subscription;
                n = cancelled ? -1 : requested;
            }
            if (n < 0) {
                subscription.cancel();
            } else if (n > 0) {
                subscription.request(n);
            }
        }

        @Override
        public void onNext(T result) {
            if (done) {
                Operators.onNextDropped(result, currentContext());
                return;
            }
            if (!emitted) {
                emitted = true;
                if (!isAccepted()) {
                    return;
                }
            }
            actual.onNext(result);
        }

        /** Reports that the API accepted the token. Returns false if the source failed. */
        private boolean isAccepted() {
            try {
                source.accept(Objects.requireNonNull(token));
                return true;
            } catch (Throwable thrown) {
                Exceptions.throwIfFatal(thrown);
                cancel();
                fail(thrown);
                return false;
            }
        }

        @Override
        public void onError(Throwable error) {
            if (done) {
                Operators.onErrorDropped(error, currentContext());
                return;
            }
            Token used = Objects.requireNonNull(token);
            try {
                if (emitted || refusal != null || !rejected.test(error)) {
                    fail(error);
                    return;
                }
                refusal = error;
                synchronized (this) {
                    calling = null; // what was requested is requested again
                }
                source.invalidate(used);
            } catch (Throwable thrown) {
                Exceptions.throwIfFatal(thrown);
                fail(Exceptions.addSuppressed(thrown, error));
                return;
            }
            ask();
        }

        @Override
        public void onComplete() {
            if (done) {
                return;
            }
            if (emitted || isAccepted()) {
                complete();
            }
        }

        private void complete() {
            if (!done) {
                done = true;
                actual.onComplete();
            }
        }

        private void fail(Throwable error) {
            if (done) {
                Operators.onErrorDropped(error, currentContext());
            } else {
                done = true;
                actual.onError(error);
            }
        }

        @Override
        @SuppressWarnings("rawtypes") // as Reactor declares it
        public synchronized @Nullable Object scanUnsafe(Attr key) {
            if (Attr.ACTUAL.equals(key)) {
                return actual;
            }
            if (Attr.PARENT.equals(key)) {
                return calling == null ? asking : calling;
            }
            if (Attr.CANCELLED.equals(key)) {
                return cancelled;
            }
            if (Attr.REQUESTED_FROM_DOWNSTREAM.equals(key)) {
                return requested;
            }
            if (Attr.TERMINATED.equals(key)) {
                return done;
            }
            return Attr.RUN_STYLE.equals(key) ? Attr.RunStyle.ASYNC : null;
        }
    }

    /** Waits for a token. */
    private static final class Asking<T> implements CoreSubscriber<Token> {

        private final Run<T> run;
        private boolean done;

        Asking(Run<T> run) {
            this.run = run;
        }

        @Override
        public Context currentContext() {
            return run.currentContext();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            if (run.isAsking(subscription)) {
                subscription.request(Long.MAX_VALUE);
            } else {
                subscription.cancel();
            }
        }

        @Override
        public void onNext(Token token) {
            if (done) {
                Operators.onNextDropped(token, currentContext());
            } else {
                done = true;
                run.call(token);
            }
        }

        @Override
        public void onError(Throwable error) {
            if (done) {
                Operators.onErrorDropped(error, currentContext());
            } else {
                done = true;
                run.noToken(error);
            }
        }

        @Override
        public void onComplete() {
            if (!done) {
                done = true;
                run.complete();
            }
        }
    }
}
