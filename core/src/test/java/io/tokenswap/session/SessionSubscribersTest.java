package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** What the subscribers of the tokens get, and what they cost. */
class SessionSubscribersTest extends SessionFixture {

    @Test
    @Tag("B85")
    void anExpiredTokenIsRefreshedFirstAndNeverEmitted() {
        Token old = endpoint.grant();
        clock.advance(HOUR);
        TokenSession session = builder().build(old);
        assertThat(endpoint.refreshes()).isZero();
        Sinks.One<Token> response = heldResponse();
        List<String> seen = record(session);
        clock.advance(Duration.ZERO);
        assertThat(seen).isEmpty();
        response.tryEmitValue(endpoint.grant());
        assertThat(seen).containsExactly("access-2");
    }

    @Test
    @Tag("B86")
    void aLateSubscriberGetsTheCurrentTokenAtOnce() {
        TokenSession session = session();
        record(session);
        clock.advance(TO_REFRESH);
        assertThat(record(session)).containsExactly("access-2");
    }

    @Test
    @Tag("B94")
    void aSubscriberThatDoesNotRequestGetsTheLatestTokenOnlyAndNoStaleOne() {
        TokenSession session = session();
        List<String> others = record(session);
        List<String> seen = new ArrayList<>();
        BaseSubscriber<Token> slow = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(Token token) {
                seen.add(token.accessToken().secret());
            }
        };
        session.tokens().subscribe(slow);
        clock.advance(TO_REFRESH.multipliedBy(5));
        assertThat(others).hasSize(6);
        assertThat(seen).isEmpty();
        slow.request(1);
        assertThat(seen).containsExactly("access-6");
        clock.advance(TO_REFRESH);
        assertThat(others).endsWith("access-7");
        endpoint.always(token -> Mono.error(ScriptedEndpoint.notSent()));
        clock.advance(HOUR);
        slow.request(5);
        assertThat(seen).containsExactly("access-6");
    }

    /** The second one subscribes when the grant has ended, and the new login comes before anything else happens. */
    @Test
    @Tag("E42")
    void aStreamUntilTheCloseWaitsForTheNextLoginAndMissesNone() {
        TokenSession session = session();
        List<String> first = new ArrayList<>();
        AtomicInteger completed = new AtomicInteger();
        session.tokensUntilClosed()
                .doOnComplete(completed::incrementAndGet)
                .subscribe(token -> first.add(token.accessToken().secret()));
        endpoint.revoke();
        clock.advance(HOUR);
        assertThat(session.state().status()).isEqualTo(SessionState.Status.LOGIN_REQUIRED);
        List<String> second = new ArrayList<>();
        session.tokensUntilClosed()
                .doOnComplete(completed::incrementAndGet)
                .subscribe(token -> second.add(token.accessToken().secret()));
        assertThat(second).isEmpty();

        session.renew(endpoint.grant()).block(Duration.ZERO);

        assertThat(first).containsExactly("access-1", "access-2");
        assertThat(second).containsExactly("access-2");
        assertThat(completed).hasValue(0);
        session.dispose();
        assertThat(completed).hasValue(2);
    }

    @Test
    @Tag("E42")
    void statesBeginWithTheCurrentOneAndEndWithTheSession() {
        TokenSession session = session();
        List<SessionState.Status> seen = new ArrayList<>();
        AtomicInteger completed = new AtomicInteger();
        session.states()
                .map(SessionState::status)
                .doOnComplete(completed::incrementAndGet)
                .subscribe(seen::add);
        assertThat(seen).containsExactly(SessionState.Status.VALID);
        session.dispose();
        assertThat(seen).endsWith(SessionState.Status.CLOSED);
        assertThat(completed).hasValue(1);
    }

    @Test
    @Tag("E42")
    void aCallMayEmitManyValuesWithOneToken() {
        assertThat(session()
                        .withTokenMany(token -> Flux.just(token.accessToken().secret(), "second", "third"))
                        .collectList()
                        .block(Duration.ZERO))
                .containsExactly("access-1", "second", "third");
    }

    @ParameterizedTest
    @ValueSource(classes = {IllegalStateException.class, NoClassDefFoundError.class})
    @Tag("B95")
    void aSubscriberThatThrowsHarmsOnlyItself(Class<? extends Throwable> type) throws ReflectiveOperationException {
        TokenSession session = session();
        session.tokens().subscribe(new Thrower<>(type.getConstructor().newInstance()));
        session.tokens()
                .subscribe(
                        token -> {
                            throw new IllegalStateException("a subscriber's own trouble");
                        },
                        error -> {});
        List<String> seen = record(session);
        clock.advance(TO_REFRESH.multipliedBy(2));
        assertThat(seen).containsExactly("access-1", "access-2", "access-3");
    }

    @Test
    @Tag("B95")
    void aSubscriberThatThrowsOnSubscribeLeavesNoTimerBehind() {
        session().tokens().subscribe(new CoreSubscriber<>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                throw new IllegalStateException("thrown out of onSubscribe");
            }

            @Override
            public void onNext(Token token) {}

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onComplete() {}
        });
        assertThat(clock.timers()).isZero();
    }

    @Test
    @Tag("B96")
    void withoutSubscribersThereIsNoTimerAtAll() {
        TokenSession session = session();
        Disposable one = session.tokens().subscribe();
        Disposable two = session.tokens().subscribe();
        clock.advance(TO_REFRESH);
        assertThat(endpoint.refreshes()).isOne();
        one.dispose();
        two.dispose();
        clock.advance(Duration.ofDays(1));
        assertThat(endpoint.refreshes()).isOne();
        assertThat(accessToken(session)).isEqualTo("access-3");
    }

    @Test
    @Tag("B96")
    void aThousandThatJoinAndLeaveDuringARefreshLeaveNothingBehind() {
        TokenSession session = session();
        Disposable first = session.tokens().subscribe();
        Sinks.One<Token> response = heldResponse();
        clock.advance(TO_REFRESH);
        List<Disposable> stayed = new ArrayList<>();
        AtomicInteger served = new AtomicInteger();
        for (int i = 0; i < 1_000; i++) {
            Disposable subscriber = session.tokens().skip(1).subscribe(token -> served.incrementAndGet());
            if (i % 2 == 0) {
                subscriber.dispose();
            } else {
                stayed.add(subscriber);
            }
        }
        assertThat(endpoint.refreshes()).isOne();
        response.tryEmitValue(endpoint.grant());
        assertThat(served).hasValue(500);
        assertThat(clock.timers()).isOne();
        first.dispose();
        stayed.forEach(Disposable::dispose);
        assertThat(clock.timers()).isZero();
    }

    @Test
    void keepAliveRefreshesWithoutSubscribers() {
        builder().keepAlive().build(endpoint.grant());
        clock.advance(TO_REFRESH.multipliedBy(3));
        assertThat(endpoint.refreshes()).isEqualTo(3);
    }

    @Test
    @Tag("B98")
    void aSchedulerThatWasShutDownIsATypedErrorAndNotSilence() {
        TokenSession session = session();
        clock.scheduler().dispose();
        assertThat(record(session)).containsExactly("access-1", "TokenUnavailableException");
    }

    @Test
    @Tag("B98")
    void aSchedulerThatIsShutDownUnderAWaitingStreamIsATypedErrorAsSoonAsItCanBeSeen() {
        TokenSession session = session();
        List<String> waiting = record(session);
        clock.scheduler().dispose();
        assertThat(waiting).containsExactly("access-1"); // no thread is left to notice
        List<String> late = record(session);
        assertThat(late).containsExactly("access-1", "TokenUnavailableException");
        assertThat(waiting).containsExactly("access-1", "TokenUnavailableException");
    }

    @Test
    @Tag("B98")
    void aSubscriberThatWantedOneTokenOnlyGetsNoErrorAfterIt() {
        TokenSession session = builder().keepAlive().build(endpoint.grant());
        clock.scheduler().dispose();
        List<String> seen = new ArrayList<>();
        session.tokens().subscribe(new CoreSubscriber<>() {
            private Subscription subscription = Operators.emptySubscription();

            @Override
            public void onSubscribe(Subscription subscription) {
                this.subscription = subscription;
                subscription.request(1);
            }

            @Override
            public void onNext(Token token) {
                seen.add(token.accessToken().secret());
                subscription.cancel();
            }

            @Override
            public void onError(Throwable error) {
                seen.add("error");
            }

            @Override
            public void onComplete() {
                seen.add("complete");
            }
        });
        assertThat(seen).containsExactly("access-1");
    }

    /** A scheduler whose queue is full refuses too, and takes timers again later. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5})
    @Tag("B98")
    void aSchedulerThatRefusesForAWhileIsUsedAgainByTheNextCaller(int accepted) {
        AtomicInteger left = new AtomicInteger(accepted);
        TokenSession session = builder().scheduler(limited(left)).keepAlive().build(endpoint.grant());
        List<String> seen = record(session);
        clock.advance(Duration.ofMinutes(10));
        assertThat(seen).containsExactly("access-1", "TokenUnavailableException");
        left.set(Integer.MAX_VALUE);
        List<String> next = record(session);
        clock.advance(TO_REFRESH);
        assertThat(next).containsExactly("access-1", "access-2");
    }

    /** The clock's scheduler while it is allowed to take timers. */
    private Scheduler limited(AtomicInteger left) {
        Scheduler scheduler = clock.scheduler();
        return new Scheduler() {
            @Override
            public Disposable schedule(Runnable task) {
                return scheduler.schedule(task);
            }

            @Override
            public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
                if (left.getAndUpdate(n -> Math.max(0, n - 1)) == 0) {
                    throw new RejectedExecutionException("full");
                }
                return scheduler.schedule(task, delay, unit);
            }

            @Override
            public Worker createWorker() {
                return scheduler.createWorker();
            }
        };
    }
}
