package io.tokenswap.session;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import reactor.core.Disposable;

/** Callers against each other, and against the flight that they wait for. */
public class CallerRaces {

    @JCStressTest
    @State
    @Outcome(id = "2, 2, 1", expect = ACCEPTABLE, desc = "both get the next token out of one request")
    public static class TwoAskWhenItIsRefused {

        private final StressSession stress = StressSession.responding();
        private AtomicInteger one = new AtomicInteger();
        private AtomicInteger two = new AtomicInteger();

        @Actor
        public void one() {
            stress.session.invalidate(StressSession.token(1));
            one = stress.ask();
        }

        @Actor
        public void two() {
            stress.session.invalidate(StressSession.token(1));
            two = stress.ask();
        }

        @Arbiter
        public void arbiter(III_Result r) {
            r.r1 = one.get();
            r.r2 = two.get();
            r.r3 = stress.requests.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = "2",
            expect = ACCEPTABLE,
            desc = "a caller before the result waits for it, a caller after the result has it")
    public static class AskAgainstLanding {

        private final StressSession stress = StressSession.waiting().refused();
        private AtomicInteger got = new AtomicInteger();

        @Actor
        public void ask() {
            got = stress.ask();
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = got.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 2, 1", expect = ACCEPTABLE, desc = "cancelled in time")
    @Outcome(id = "2, 2, 1", expect = ACCEPTABLE, desc = "cancelled too late")
    public static class FirstCallerCancelsAgainstLanding {

        private final StressSession stress = StressSession.waiting().refused();
        private final AtomicInteger first = new AtomicInteger();
        private final Disposable subscription = stress.subscribe(stress.session.token(), first);
        private final AtomicInteger second = stress.ask();

        @Actor
        public void cancel() {
            subscription.dispose();
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(III_Result r) {
            r.r1 = first.get();
            r.r2 = second.get();
            r.r3 = stress.requests.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "it is one token, so it is one request")
    public static class TwoInvalidateOneToken {

        private final StressSession stress = StressSession.responding();

        @Actor
        public void one() {
            stress.session.invalidate(StressSession.token(1));
        }

        @Actor
        public void two() {
            stress.session.invalidate(StressSession.token(1));
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.current();
            r.r2 = stress.requests.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "what lands is another token than the one that was refused")
    public static class InvalidateAgainstLanding {

        private final StressSession stress = StressSession.waiting().refreshing();

        @Actor
        public void invalidate() {
            stress.session.invalidate(StressSession.token(1));
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.current();
            r.r2 = stress.requests.get();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "joined")
    @Outcome(id = "3, 2", expect = ACCEPTABLE, desc = "came when the first had its token, and got another")
    public static class TwoDemandAnother {

        private final StressSession stress = StressSession.responding();

        @Actor
        public void one() {
            stress.refreshing();
        }

        @Actor
        public void two() {
            stress.refreshing();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.current();
            r.r2 = stress.requests.get();
        }
    }
}
