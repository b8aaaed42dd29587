package io.tokenswap.session;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import io.tokenswap.Token;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import reactor.core.publisher.BaseSubscriber;

/** A new login and the end of the session, against a landing, a caller and the store. */
public class LifeCycleRaces {

    @JCStressTest
    @State
    @Outcome(id = "9, 9", expect = ACCEPTABLE, desc = "the new login wins, in the session and for each caller")
    public static class RenewAgainstLanding {

        private final StressSession stress = StressSession.waiting().refreshing();

        @Actor
        public void renew() {
            stress.renew(9);
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.current();
            r.r2 = StressSession.number(stress.session.current().token());
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2, 2, -1", expect = ACCEPTABLE, desc = "landed first: who waited is served")
    @Outcome(id = "-1, 2, -1", expect = ACCEPTABLE, desc = "closed first: who waited is told, and the token is stored")
    public static class DisposeAgainstLanding {

        private final StressSession stress = StressSession.waitingWithStore().refused();
        private final AtomicInteger waiter = stress.ask();

        @Actor
        public void dispose() {
            stress.session.dispose();
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(III_Result r) {
            r.r1 = waiter.get();
            r.r2 = stress.stored();
            r.r3 = stress.current();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "asked in time")
    @Outcome(id = "-1", expect = ACCEPTABLE, desc = "closed before the token came")
    public static class DisposeAgainstAsk {

        private final StressSession stress = StressSession.responding();
        private AtomicInteger got = new AtomicInteger();

        @Actor
        public void ask() {
            stress.session.invalidate(StressSession.token(1));
            got = stress.ask();
        }

        @Actor
        public void dispose() {
            stress.session.dispose();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = got.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = "1, 1",
            expect = ACCEPTABLE,
            desc = "however it went, no caller waits for the end, and all is settled")
    public static class DisposeLaterAgainstLanding {

        private final StressSession stress = StressSession.waiting().refused();
        private final AtomicInteger waiter = stress.ask();
        private final AtomicInteger finished = new AtomicInteger();

        @Actor
        public void dispose() {
            stress.session.disposeLater().subscribe(nothing -> {}, error -> {}, () -> finished.set(1));
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = finished.get();
            r.r2 = waiter.get() == 0 ? 0 : 1;
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = "1",
            expect = ACCEPTABLE,
            desc = "a caller that waits before the attempt settles is released, a later one is turned away")
    public static class WaitAgainstSettle {

        private final RefreshAttempt attempt = RefreshAttempt.refresh();
        private final AtomicInteger released = new AtomicInteger();
        private final WaitingCaller caller =
                new WaitingCaller(StressSession.responding().session, new BaseSubscriber<Token>() {}, true);

        @Actor
        public void settle() {
            attempt.settle(call -> released.incrementAndGet());
        }

        @Actor
        public void waitForIt() {
            if (!attempt.add(caller)) {
                released.incrementAndGet();
            }
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = released.get();
        }
    }
}
