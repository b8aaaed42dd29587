package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.micrometer.context.ContextRegistry;
import io.tokenswap.Token;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CorePublisher;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** The publishers of a session as operators of Reactor. */
class SessionOperatorsTest extends SessionFixture {

    private static Arguments publisher(String name, Function<TokenSession, Publisher<?>> publisher) {
        return Arguments.argumentSet(name, publisher);
    }

    static Stream<Arguments> publishers() {
        return Stream.of(
                publisher("token", TokenSession::token),
                publisher("refresh", TokenSession::refresh),
                publisher("tokens", TokenSession::tokens),
                publisher("tokensUntilClosed", TokenSession::tokensUntilClosed),
                publisher("states", TokenSession::states),
                publisher("events", TokenSession::events),
                publisher("withToken", session -> session.withToken(Mono::just)),
                publisher("withTokenMany", session -> session.withTokenMany(Mono::just)));
    }

    @Nested
    class Assembly {

        @AfterEach
        void resetHooks() {
            Hooks.resetOnEachOperator();
            Hooks.resetOnOperatorDebug();
        }

        @ParameterizedTest
        @Tag("E13")
        @MethodSource("io.tokenswap.session.SessionOperatorsTest#publishers")
        void hooksSeeEachPublisher(Function<TokenSession, Publisher<?>> publisher) {
            TokenSession session = session();
            AtomicInteger assembled = new AtomicInteger();
            AtomicInteger subscribed = new AtomicInteger();
            Hooks.onEachOperator(Operators.lift((scannable, actual) -> {
                subscribed.incrementAndGet();
                return actual;
            }));
            Hooks.onEachOperator("count", operator -> {
                assembled.incrementAndGet();
                return operator;
            });
            Publisher<?> made = publisher.apply(session);
            assertThat(assembled).hasPositiveValue();
            Flux.from(made).subscribe().dispose();
            assertThat(subscribed).hasPositiveValue();
        }

        @ParameterizedTest
        @Tag("E13")
        @MethodSource("io.tokenswap.session.SessionOperatorsTest#publishers")
        void tracesNameTheLineOfTheUser(Function<TokenSession, Publisher<?>> publisher) {
            Hooks.onOperatorDebug();
            TokenSession session = session();
            Publisher<?> made = publisher.apply(session);
            assertThat(Scannable.from(made).stepName()).contains("io.tokenswap");
            assertThatThrownBy(() -> Flux.from(made)
                            .doFinally(end -> {})
                            .concatWith(Flux.error(new IllegalStateException("expected")))
                            .mergeWith(Mono.fromRunnable(session::dispose))
                            .blockLast(Duration.ofSeconds(10)))
                    .satisfies(error -> assertThat(error.getSuppressed())
                            .anySatisfy(trace -> assertThat(trace).message().contains("SessionOperatorsTest")));
        }

        @ParameterizedTest
        @Tag("E13")
        @MethodSource("io.tokenswap.session.SessionOperatorsTest#publishers")
        void eachPublisherAndItsSubscriptionAreScannable(Function<TokenSession, Publisher<?>> publisher) {
            TokenSession session = session();
            clock.advance(HOUR);
            endpoint.always(token -> Mono.never());
            Publisher<?> made = publisher.apply(session);
            assertThat(Scannable.from(made).isScanAvailable()).isTrue();
            List<Subscription> subscriptions = new ArrayList<>();
            CoreSubscriber<Object> subscriber = new Recorder<>(subscriptions);
            ((CorePublisher<?>) made).subscribe(subscriber);
            Scannable scannable = Scannable.from(subscriptions.get(0));
            assertThat(scannable.isScanAvailable()).isTrue();
            assertThat(scannable.scan(Scannable.Attr.ACTUAL)).isNotNull();
            assertThat(scannable.scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.ASYNC);
            assertThat(scannable.scan(Scannable.Attr.PREFETCH)).isZero();
            assertThat(scannable.scan(Scannable.Attr.TERMINATED)).isFalse();
            assertThat(scannable.scan(Scannable.Attr.CANCELLED)).isFalse();
            subscriptions.get(0).cancel();
            assertThat(scannable.scan(Scannable.Attr.CANCELLED)).isTrue();
        }

        @Test
        @Tag("E13")
        void theLimitOfAnOperationIsScannable() {
            SessionSettings settings = ((DefaultTokenSession) session()).settings();
            List<Subscription> subscriptions = new ArrayList<>();
            Recorder<Token> subscriber = new Recorder<>(subscriptions);
            AttemptLimit.apply(Mono.<Token>never(), Duration.ofSeconds(1), settings)
                    .subscribe(subscriber);
            Scannable limit = Scannable.from(subscriptions.get(0));
            assertThat(limit.scan(Scannable.Attr.ACTUAL)).isSameAs(subscriber);
            assertThat(limit.scan(Scannable.Attr.PARENT)).isNull();
            assertThat(limit.scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.ASYNC);
            assertThat(limit.scan(Scannable.Attr.PREFETCH)).isZero();
            assertThat(limit.scan(Scannable.Attr.TERMINATED)).isFalse();
            subscriptions.get(0).cancel();
            assertThat(limit.scan(Scannable.Attr.TERMINATED)).isTrue();
        }

        @ParameterizedTest
        @Tag("E13")
        @MethodSource("io.tokenswap.session.SessionOperatorsTest#publishers")
        void aRequestOfNothingFailsTheSubscriberAndHarmsNoOther(Function<TokenSession, Publisher<?>> publisher) {
            TokenSession session = session();
            clock.advance(HOUR);
            Sinks.One<Token> response = heldResponse();
            List<Subscription> subscriptions = new ArrayList<>();
            Recorder<Object> subscriber = new Recorder<>(subscriptions);
            Flux.from(publisher.apply(session)).subscribe(subscriber);
            List<String> other = ask(session.token());

            subscriptions.get(0).request(0);
            subscriptions.get(0).request(-1);
            response.tryEmitValue(endpoint.grant());

            assertThat(subscriber.errors).singleElement().isInstanceOf(IllegalArgumentException.class);
            assertThat(other).hasSize(1);
        }

        @Test
        @Tag("E13")
        void nothingHappensBeforeTheSubscription() {
            TokenSession session = session();
            Flux<SessionEvent> events = session.events();
            session.invalidate(session.token().block(Duration.ZERO));
            List<SessionEvent> seen = new ArrayList<>();
            events.subscribe(seen::add);
            assertThat(seen).isEmpty();
            session.dispose();
            assertThat(seen).singleElement().isInstanceOf(SessionEvent.Closed.class);
        }
    }

    /** Requests nothing by itself. */
    private static final class Recorder<T> implements CoreSubscriber<T>, Scannable {

        private final List<Subscription> subscriptions;
        private final List<Throwable> errors = new ArrayList<>();

        Recorder(List<Subscription> subscriptions) {
            this.subscriptions = subscriptions;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            subscriptions.add(subscription);
        }

        @Override
        public void onNext(T value) {}

        @Override
        public void onError(Throwable error) {
            errors.add(error);
        }

        @Override
        public void onComplete() {}

        @Override
        @SuppressWarnings("rawtypes")
        public Object scanUnsafe(Attr key) {
            return null;
        }
    }

    @Nested
    class Waiters {

        @Test
        @Tag("E17")
        void aCallerThatIsOvertakenByAHundredThousandRefreshesIsServed() {
            TokenSession session = session();
            clock.advance(HOUR);
            AtomicInteger overtaken = new AtomicInteger();
            responses.add(heldResponse());
            // Each token that the first caller gets is stale before the second one is served.
            session.token().subscribe(new Overtaker(session, overtaken));
            List<String> served = ask(session.token());
            for (Sinks.One<Token> response = responses.poll(); response != null; response = responses.poll()) {
                response.tryEmitValue(endpoint.grant());
            }
            assertThat(overtaken).hasValue(100_000);
            assertThat(served).hasSize(1);
        }

        /** Asks again for each token that it gets, and lets time pass. */
        private final class Overtaker extends BaseSubscriber<Token> {

            private final TokenSession session;
            private final AtomicInteger count;

            Overtaker(TokenSession session, AtomicInteger count) {
                this.session = session;
                this.count = count;
            }

            @Override
            protected void hookOnNext(Token token) {
                if (count.incrementAndGet() < 100_000) {
                    clock.jump(HOUR);
                    responses.add(heldResponse());
                    session.token().subscribe(new Overtaker(session, count));
                }
            }
        }

        private final Queue<Sinks.One<Token>> responses = new ConcurrentLinkedQueue<>();

        @Test
        @Tag("E17")
        void aChainOfTenThousandCallersNeedsNoDeepStack() {
            TokenSession session = TokenSession.builder(endpoint).build(endpoint.grant(Duration.ofDays(10_000)));
            endpoint.always(token -> Mono.just(endpoint.grant(Duration.ofDays(10_000))));
            Sinks.One<Integer> end = Sinks.one();
            chain(session, 10_000, end);
            assertThat(end.asMono().block(Duration.ofSeconds(60))).isZero();
        }

        @Test
        @Tag("E17")
        void fortyThousandSubscribersOfWhomHalfCancelCostNoMoreThanTwiceThoseOfASink() {
            Sinks.Many<Token> sink = Sinks.many().multicast().directBestEffort();
            TokenSession session = session();
            leave(sink.asFlux(), 4_000); // loads the classes
            leave(session.tokens(), 4_000);
            long beside = leave(sink.asFlux(), 40_000);
            assertThat(leave(session.tokens(), 40_000)).isLessThan(2 * beside);
        }

        @Test
        @Tag("E17")
        void aCallerWhoseRefreshHasEndedBeforeItsRequestIsServedByAnotherThread() {
            TokenSession session = TokenSession.builder(endpoint).build(endpoint.grant(Duration.ofDays(10_000)));
            endpoint.always(token -> Mono.just(endpoint.grant(Duration.ofDays(10_000))));
            Sinks.One<String> served = Sinks.one();
            session.refresh().subscribe(new BaseSubscriber<>() {

                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                    session.states()
                            .filter(state -> state.status() == SessionState.Status.VALID)
                            .blockFirst();
                    subscription.request(1);
                }

                @Override
                protected void hookOnNext(Token token) {
                    served.tryEmitValue(Thread.currentThread().getName());
                }
            });
            assertThat(served.asMono().block()).startsWith("tokenswap-call-");
        }

        /** Returns the bytes that this thread allocates for it: most of the work is copying of arrays. */
        private long leave(Flux<Token> tokens, int subscribers) {
            List<Disposable> all = new ArrayList<>(subscribers);
            for (int i = 0; i < subscribers; i++) {
                all.add(tokens.subscribe());
            }
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < subscribers; i += 2) {
                all.get(i).dispose();
            }
            return threads.getCurrentThreadAllocatedBytes() - before;
        }

        private void chain(TokenSession session, int left, Sinks.One<Integer> end) {
            session.refresh()
                    .subscribe(
                            token -> {
                                if (left == 0) {
                                    end.tryEmitValue(0);
                                } else {
                                    chain(session, left - 1, end);
                                }
                            },
                            end::tryEmitError);
        }
    }

    @Nested
    class DroppedErrors {

        @AfterEach
        void resetHook() {
            Hooks.resetOnErrorDropped();
        }

        @Test
        @Tag("E16")
        void thatTheirHookThrowsAgainStopNoSchedule() {
            Hooks.onErrorDropped(error -> {
                throw new IllegalStateException("expected", error);
            });
            TokenSession session = session();
            session.tokens().subscribe(new Thrower<>(new IllegalStateException("a subscriber's trouble")));
            session.events().subscribe(new Thrower<>(new IllegalStateException("a listener's trouble")));
            List<String> seen = record(session);
            clock.advance(TO_REFRESH.multipliedBy(2));
            Sinks.One<Token> response = heldResponse();
            session.invalidate(session.token().block(Duration.ZERO));
            session.token().subscribe(new Thrower<>(new IllegalStateException("a caller's trouble")));
            response.tryEmitValue(endpoint.grant());
            clock.advance(TO_REFRESH.multipliedBy(2));
            assertThat(seen).containsExactly("access-1", "access-2", "access-3", "access-4", "access-5", "access-6");
        }
    }

    @Nested
    class WithoutReactorsSchedulers {

        @Test
        @Tag("E24")
        void aSessionOutlivesTheSchedulersOfReactor() {
            TokenSession session = TokenSession.builder(endpoint).build(endpoint.grant(Duration.ofDays(10_000)));
            endpoint.always(token -> Mono.just(endpoint.grant(Duration.ofDays(10_000))));
            Schedulers.shutdownNow();
            try {
                assertThat(session.refresh().block()).isNotNull();
            } finally {
                Schedulers.setFactory(new Schedulers.Factory() {});
            }
            assertThat(session.refresh().block()).isNotNull();
        }
    }

    @Nested
    class ContextPropagation {

        private final ThreadLocal<String> user = new ThreadLocal<>();

        @AfterEach
        void disable() {
            Hooks.disableAutomaticContextPropagation();
            ContextRegistry.getInstance().removeThreadLocalAccessor("user");
            user.remove();
        }

        @Test
        @Tag("E21")
        void nothingOfACallerIsInForceInTheWorkOfASession() {
            ContextRegistry.getInstance().registerThreadLocalAccessor("user", user);
            Hooks.enableAutomaticContextPropagation();
            Queue<String> seen = new ConcurrentLinkedQueue<>();
            Token first = Token.builder("first", Instant.now())
                    .refreshToken("refresh")
                    .expiresAt(Instant.now().plusSeconds(1))
                    .build();
            AtomicInteger number = new AtomicInteger();
            Function<Object, Mono<Token>> granting = token -> Mono.deferContextual(context -> {
                seen.add(user.get() + " " + context.getOrDefault("user", null));
                Instant now = Instant.now();
                return Mono.just(Token.builder("access-" + number.incrementAndGet(), now)
                        .refreshToken("refresh")
                        .expiresAt(now.plusSeconds(2))
                        .build());
            });
            endpoint.always(granting::apply);
            TokenStore store = TokenStore.inMemory();
            user.set("alice");
            TokenSession session = TokenSession.builder(endpoint)
                    .store(store, "user")
                    .start(first)
                    .block();
            session.events().subscribe(event -> seen.add(event.name() + " " + user.get()));
            session.refresh().contextWrite(Context.of("user", "alice")).block();
            List<Token> tokens = session.tokens().take(3).collectList().block();
            assertThat(tokens).hasSize(3);
            session.disposeLater().block();
            assertThat(seen).hasSizeGreaterThanOrEqualTo(5).noneMatch(line -> line.contains("alice"));
        }
    }
}
