package io.tokenswap.session;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import io.tokenswap.Token;
import io.tokenswap.TokenRejectedException;
import io.tokenswap.TokenSource;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

/** The operators, batches and timers by themselves. */
public class OperatorRaces {

    /** Counts what it gets, and requests when it is told to. */
    private static final class Counter<T> extends BaseSubscriber<T> {

        private final AtomicInteger got = new AtomicInteger();
        private final AtomicInteger ended = new AtomicInteger();

        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(T value) {
            got.incrementAndGet();
        }

        @Override
        protected void hookOnComplete() {
            ended.incrementAndGet();
        }

        @Override
        protected void hookOnError(Throwable error) {
            ended.incrementAndGet();
        }
    }

    /** Subscribes when it is told to, and emits as many elements as are requested. */
    private static final class Late implements Publisher<Integer>, Subscription {

        private final AtomicInteger requested = new AtomicInteger();
        private final AtomicInteger cancelled = new AtomicInteger();
        private @Nullable Subscriber<? super Integer> subscriber;

        @Override
        public void subscribe(Subscriber<? super Integer> subscriber) {
            this.subscriber = subscriber;
        }

        void begin() {
            subscriber.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            requested.addAndGet((int) n);
        }

        @Override
        public void cancel() {
            cancelled.incrementAndGet();
        }
    }

    private static final TokenSource SOURCE =
            TokenSource.of(Token.builder("token", Instant.EPOCH).build());

    @JCStressTest
    @State
    @Outcome(id = "5", expect = ACCEPTABLE, desc = "each request reaches the call once")
    public static class RequestAgainstTheSubscriptionOfTheCall {

        private final Late call = new Late();
        private final Counter<Integer> counter = new Counter<>();

        public RequestAgainstTheSubscriptionOfTheCall() {
            SOURCE.withTokenMany(token -> call).subscribe(counter);
            counter.request(2);
        }

        @Actor
        public void request() {
            counter.request(3);
        }

        @Actor
        public void begin() {
            call.begin();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = call.requested.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the call is cancelled, whichever comes first")
    public static class CancelAgainstTheSubscriptionOfTheCall {

        private final Late call = new Late();
        private final Counter<Integer> counter = new Counter<>();

        public CancelAgainstTheSubscriptionOfTheCall() {
            SOURCE.withTokenMany(token -> call).subscribe(counter);
        }

        @Actor
        public void cancel() {
            counter.cancel();
        }

        @Actor
        public void begin() {
            call.begin();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = call.cancelled.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = "5",
            expect = ACCEPTABLE,
            desc = "the second call gets what was requested of the first, and what is new")
    public static class RequestAgainstTheSecondCall {

        private final Late first = new Late();
        private final Late second = new Late();
        private final Counter<Integer> counter = new Counter<>();
        private int calls;

        public RequestAgainstTheSecondCall() {
            SOURCE.withTokenMany(token -> calls++ == 0 ? first : second).subscribe(counter);
            counter.request(2);
            first.begin();
        }

        @Actor
        public void request() {
            counter.request(3);
        }

        @Actor
        public void refuse() {
            first.subscriber.onError(new TokenRejectedException("refused"));
            second.begin();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = second.requested.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "each call runs once, on either thread")
    public static class TwoThreadsRunABatch {

        private final AtomicReference<@Nullable Runnable> batch = new AtomicReference<>();
        private final Queue<AtomicInteger> left = new ConcurrentLinkedQueue<>();
        private final AtomicInteger one = new AtomicInteger();
        private final AtomicInteger two = new AtomicInteger();
        private final AtomicInteger three = new AtomicInteger();

        public TwoThreadsRunABatch() {
            left.add(one);
            left.add(two);
            left.add(three);
            CallBatch.run(batch::set, new CallBatch.Calls() {
                @Override
                public @Nullable Runnable next() {
                    AtomicInteger count = left.poll();
                    return count == null ? null : count::incrementAndGet;
                }

                @Override
                public boolean hasNext() {
                    return !left.isEmpty();
                }
            });
        }

        @Actor
        public void first() {
            batch.get().run();
        }

        @Actor
        public void second() {
            batch.get().run();
        }

        @Arbiter
        public void arbiter(III_Result r) {
            r.r1 = one.get();
            r.r2 = two.get();
            r.r3 = three.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "taken back in time")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "taken back too late")
    public static class CancelAgainstTheTick {

        private final StressSession stress = StressSession.responding();
        private final SharedTimer timer = SharedTimer.of(stress);
        private final AtomicInteger cancelled = new AtomicInteger();
        private final AtomicInteger other = new AtomicInteger();
        private final SharedTimer.Task task =
                timer.schedule(cancelled::incrementAndGet, 10, stress.now(TimeUnit.MILLISECONDS));

        public CancelAgainstTheTick() {
            timer.schedule(other::incrementAndGet, 10, stress.now(TimeUnit.MILLISECONDS));
            stress.due();
        }

        @Actor
        public void cancel() {
            task.cancelTimer();
        }

        @Actor
        public void fire() {
            stress.fire();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = cancelled.get();
            r.r2 = other.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the task runs in this tick or in another one")
    public static class ScheduleAgainstTheTick {

        private final StressSession stress = StressSession.responding();
        private final SharedTimer timer = SharedTimer.of(stress);
        private final AtomicInteger ran = new AtomicInteger();

        public ScheduleAgainstTheTick() {
            timer.schedule(() -> {}, 10, stress.now(TimeUnit.MILLISECONDS));
            stress.ripen();
        }

        @Actor
        public void schedule() {
            timer.schedule(ran::incrementAndGet, 10, stress.now(TimeUnit.MILLISECONDS));
        }

        @Actor
        public void fire() {
            stress.fire();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            stress.ripen();
            stress.fire();
            r.r1 = ran.get();
        }
    }
}
