package io.tokenswap.session;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import io.tokenswap.Token;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.L_Result;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;

/** Subscribers of the tokens and of the events that join, leave and request while something happens. */
public class SubscriberRaces {

    /** Writes down what it gets, and requests when it is told to. */
    private static final class Recorder extends BaseSubscriber<Token> {

        private final StringBuffer seen = new StringBuffer();

        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(Token token) {
            seen.append(token.accessToken().secret());
        }

        @Override
        protected void hookOnComplete() {
            seen.append('|');
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "12", expect = ACCEPTABLE, desc = "joined before the next token came")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "joined after")
    public static class JoinAgainstEmission {

        private final StressSession stress = StressSession.waiting().refreshing();
        private final Recorder recorder = new Recorder();

        @Actor
        public void join() {
            stress.session.tokens().subscribe(recorder);
            recorder.requestUnbounded();
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = recorder.seen.toString();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "12", expect = ACCEPTABLE, desc = "requested before the next token came")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "requested after")
    public static class RequestAgainstLook {

        private final StressSession stress = StressSession.waiting().refreshing();
        private final Recorder recorder = new Recorder();

        public RequestAgainstLook() {
            stress.session.tokens().subscribe(recorder);
        }

        @Actor
        public void request() {
            recorder.request(1);
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            recorder.request(1);
            r.r1 = recorder.seen.toString();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1|", expect = ACCEPTABLE, desc = "joined in time")
    @Outcome(id = "|", expect = ACCEPTABLE, desc = "joined too late, or closed before it was served")
    public static class JoinAgainstDispose {

        private final StressSession stress = StressSession.responding();
        private final Recorder recorder = new Recorder();

        @Actor
        public void join() {
            stress.session.tokens().subscribe(recorder);
            recorder.requestUnbounded();
        }

        @Actor
        public void dispose() {
            stress.session.dispose();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = recorder.seen.toString();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "left in time")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the alarm went off first")
    public static class LastLeavesAgainstAlarm {

        private final StressSession stress = StressSession.responding();
        private final Disposable last = stress.session.tokens().subscribe();

        public LastLeavesAgainstAlarm() {
            stress.due();
        }

        @Actor
        public void leave() {
            last.dispose();
        }

        @Actor
        public void fire() {
            stress.fire();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.requests.get();
            r.r2 = stress.waitingTimers();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "one alarm serves all subscribers")
    public static class OneJoinsAsAnotherLeaves {

        private final StressSession stress = StressSession.responding();
        private final Disposable first = stress.session.tokens().subscribe();

        @Actor
        public void leave() {
            first.dispose();
        }

        @Actor
        public void join() {
            stress.session.tokens().subscribe();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = stress.waitingTimers();
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = "2, 1",
            expect = ACCEPTABLE,
            desc = "the alarm and a caller find it due: one request, and one alarm for the next")
    public static class AlarmAgainstAsk {

        private final StressSession stress = StressSession.responding();

        public AlarmAgainstAsk() {
            stress.session.tokens().subscribe();
            stress.due();
        }

        @Actor
        public void fire() {
            stress.fire();
        }

        @Actor
        public void ask() {
            stress.ask();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = 1 + stress.requests.get();
            r.r2 = stress.waitingTimers();
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "whenever it came, it hears of the end")
    public static class ListenAgainstDispose {

        private final StressSession stress = StressSession.responding();
        private volatile int complete;

        @Actor
        public void listen() {
            stress.session.events().subscribe(event -> {}, error -> {}, () -> complete++);
        }

        @Actor
        public void dispose() {
            stress.session.dispose();
        }

        @Arbiter
        public void arbiter(I_Result r) {
            r.r1 = complete;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "C", expect = ACCEPTABLE, desc = "closed first")
    @Outcome(id = "IC", expect = ACCEPTABLE, desc = "closed while the refresh was under way")
    @Outcome(id = "IRC", expect = ACCEPTABLE, desc = "closed last")
    public static class EventsOfTwoThreads {

        private final StressSession stress = StressSession.responding();
        private final Queue<SessionEvent> events = new ConcurrentLinkedQueue<>();

        public EventsOfTwoThreads() {
            stress.session.events().subscribe(events::add);
        }

        @Actor
        public void invalidate() {
            stress.session.invalidate(StressSession.token(1));
        }

        @Actor
        public void dispose() {
            stress.session.dispose();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = StressSession.letters(
                    events, event -> event.getClass().getSimpleName().substring(0, 1));
        }
    }
}
