package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.publisher.TestPublisher.Violation;

/** Calls with a token whose source, call and subscriber keep no rule but those of their types. */
class TokenCallTest {

    private static final Token TOKEN =
            Token.builder("token", Instant.parse("2026-11-23T10:00:00Z")).build();

    private final List<Object> dropped = new ArrayList<>();

    @BeforeEach
    void watchWhatIsDropped() {
        Hooks.onNextDropped(dropped::add);
        Hooks.onErrorDropped(error -> dropped.add(error.getMessage()));
    }

    @AfterEach
    void resetHooks() {
        Hooks.resetOnNextDropped();
        Hooks.resetOnErrorDropped();
    }

    /** Emits tokens as the test says. */
    private static final class Source implements TokenSource {

        private final TestPublisher<Token> tokens =
                TestPublisher.createNoncompliant(Violation.CLEANUP_ON_TERMINATE, Violation.REQUEST_OVERFLOW);
        private final List<Token> accepted = new ArrayList<>();
        private final List<Token> refused = new ArrayList<>();

        @Override
        public Mono<Token> token() {
            return Mono.fromDirect(tokens);
        }

        @Override
        public void accept(Token token) {
            accepted.add(token);
        }

        @Override
        public void invalidate(Token token) {
            refused.add(token);
        }
    }

    private static TestPublisher<String> anyResponses() {
        return TestPublisher.createNoncompliant(Violation.CLEANUP_ON_TERMINATE, Violation.REQUEST_OVERFLOW);
    }

    @Nested
    class Sources {

        private final Source source = new Source();

        private Flux<String> call() {
            return source.withTokenMany(token -> Mono.just(token.accessToken().secret()));
        }

        @Test
        void secondTokenIsDropped() {
            StepVerifier.create(call())
                    .then(() -> source.tokens.next(TOKEN))
                    .then(() -> source.tokens.next(TOKEN))
                    .expectNext("token")
                    .verifyComplete();
            assertThat(dropped).containsExactly(TOKEN);
        }

        @Test
        void errorAfterTheTokenIsDropped() {
            StepVerifier.create(call())
                    .then(() -> source.tokens.next(TOKEN))
                    .then(() -> source.tokens.error(new IllegalStateException("late")))
                    .expectNext("token")
                    .verifyComplete();
            assertThat(dropped).containsExactly("late");
        }

        @Test
        void endAfterTheTokenDoesNotEndTheCall() {
            TestPublisher<String> responses = TestPublisher.create();
            StepVerifier.create(source.withTokenMany(token -> responses))
                    .then(() -> source.tokens.next(TOKEN))
                    .then(source.tokens::complete)
                    .then(() -> responses.next("response"))
                    .expectNext("response")
                    .then(responses::complete)
                    .verifyComplete();
        }

        @Test
        void withoutATokenThereIsNoCall() {
            StepVerifier.create(call()).then(source.tokens::complete).verifyComplete();
            assertThat(source.accepted).isEmpty();
        }

        @Test
        void thatThrowInsteadOfATokenFailTheCall() {
            TokenSource broken = () -> {
                throw new IllegalStateException("broken");
            };
            StepVerifier.create(broken.withToken(token -> Mono.just(1))).verifyErrorMessage("broken");
        }

        @Test
        void thatRefuseToAcceptATokenFailTheCall() {
            TokenSource broken = new TokenSource() {
                @Override
                public Mono<Token> token() {
                    return Mono.just(TOKEN);
                }

                @Override
                public void accept(Token accepted) {
                    throw new IllegalStateException("broken");
                }
            };
            TestPublisher<Integer> responses = TestPublisher.create();
            StepVerifier.create(broken.withTokenMany(token -> responses))
                    .then(() -> responses.next(1))
                    .verifyErrorMessage("broken");
            responses.assertCancelled();
            StepVerifier.create(broken.withTokenMany(token -> Flux.empty())).verifyErrorMessage("broken");
        }

        @Test
        void areLeftWhenTheSubscriberCancels() {
            StepVerifier.create(call()).thenCancel().verify();
            source.tokens.assertCancelled();
        }

        @Test
        void thatSubscribeTooLateAreLeftAtOnce() {
            List<CoreSubscriber<? super Token>> waiting = new ArrayList<>();
            TokenSource late =
                    () -> Mono.fromDirect(subscriber -> waiting.add((CoreSubscriber<? super Token>) subscriber));
            StepVerifier.create(late.withToken(token -> Mono.just(1)))
                    .thenCancel()
                    .verify();
            TestPublisher<Token> tokens = TestPublisher.create();
            tokens.subscribe(waiting.get(0));
            tokens.assertCancelled();
        }
    }

    @Nested
    class Responses {

        private final Source source = new Source();
        private final TestPublisher<String> responses = anyResponses();

        private StepVerifier.FirstStep<String> call() {
            return StepVerifier.create(source.withTokenMany(token -> responses));
        }

        private void giveToken() {
            source.tokens.next(TOKEN);
        }

        @Test
        void acceptTheTokenOnce() {
            call().then(this::giveToken)
                    .then(() -> responses.next("one", "two"))
                    .expectNext("one", "two")
                    .then(responses::complete)
                    .verifyComplete();
            assertThat(source.accepted).containsExactly(TOKEN);
        }

        @Test
        void afterTheEndAreDropped() {
            call().then(this::giveToken).then(responses::complete).verifyComplete();
            responses.next("late");
            responses.error(new IllegalStateException("late error"));
            responses.complete();
            assertThat(dropped).containsExactly("late", "late error");
        }

        @Test
        void thatAreEmptyAcceptTheToken() {
            call().then(this::giveToken).then(responses::complete).verifyComplete();
            assertThat(source.accepted).containsExactly(TOKEN);
        }

        @Test
        void thatFailAfterAnElementAreNotRepeated() {
            call().then(this::giveToken)
                    .then(() -> responses.next("one"))
                    .expectNext("one")
                    .then(() -> responses.error(new TokenRejectedException("refused")))
                    .verifyErrorMessage("refused");
            assertThat(source.refused).isEmpty();
        }

        @Test
        void areCancelledWithTheSubscriber() {
            call().then(this::giveToken).thenCancel().verify();
            responses.assertCancelled();
        }

        @Test
        void getWhatWasRequestedBeforeAndAfterTheToken() {
            StepVerifier.create(source.withTokenMany(token -> responses), 0)
                    .thenRequest(2)
                    .then(this::giveToken)
                    .then(() -> responses.assertMinRequested(2))
                    .thenRequest(3)
                    .then(() -> responses.assertMinRequested(5))
                    .thenCancel()
                    .verify();
        }

        @Test
        void thatSubscribeAfterTheCancellationAreCancelled() {
            List<CoreSubscriber<? super String>> waiting = new ArrayList<>();
            Publisher<String> late = subscriber -> waiting.add(Operators.toCoreSubscriber(subscriber));
            StepVerifier.create(source.withTokenMany(token -> late))
                    .then(this::giveToken)
                    .thenCancel()
                    .verify();
            responses.subscribe(waiting.get(0));
            responses.assertCancelled();
        }
    }

    @Nested
    class Subscribers {

        @ParameterizedTest
        @ValueSource(longs = {0, -1, Long.MIN_VALUE})
        void thatRequestNothingGetAnErrorAndTheCallIsCancelled(long n) {
            TestPublisher<Integer> responses = TestPublisher.create();
            Manual subscriber = new Manual();
            TokenSource.of(TOKEN).withTokenMany(token -> responses).subscribe(subscriber);
            subscriber.subscription.request(n);
            assertThat(subscriber.errors).singleElement().isInstanceOf(IllegalArgumentException.class);
            responses.assertCancelled();
        }

        /** Requests and cancels as the test says, also what the specification forbids. */
        private static final class Manual implements CoreSubscriber<Object> {

            private final List<Throwable> errors = new ArrayList<>();
            private Subscription subscription;

            @Override
            public void onSubscribe(Subscription subscription) {
                this.subscription = subscription;
            }

            @Override
            public void onNext(Object value) {}

            @Override
            public void onError(Throwable error) {
                errors.add(error);
            }

            @Override
            public void onComplete() {}
        }

        private <T> Scannable scanned(Publisher<T> publisher, Manual subscriber) {
            Flux.from(publisher).subscribe(subscriber);
            return Scannable.from(subscriber.subscription);
        }

        @Test
        void seeTheirCallByScanning() {
            Source source = new Source();
            TestPublisher<String> responses = TestPublisher.create();
            Function<Token, Publisher<String>> call = token -> responses;
            Flux<String> calls = source.withTokenMany(call);
            assertThat(Scannable.from(calls).scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.ASYNC);
            assertThat(Scannable.from(calls).scan(Scannable.Attr.PREFETCH)).isZero();
            Manual subscriber = new Manual();

            Scannable run = scanned(calls, subscriber);

            assertThat(run.scanUnsafe(Scannable.Attr.ACTUAL)).isSameAs(subscriber);
            assertThat(run.scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.ASYNC);
            assertThat(run.scan(Scannable.Attr.PREFETCH)).isZero();
            Object asking = run.scanUnsafe(Scannable.Attr.PARENT);
            subscriber.subscription.request(7);
            assertThat(run.scan(Scannable.Attr.REQUESTED_FROM_DOWNSTREAM)).isEqualTo(7);
            source.tokens.next(TOKEN);
            assertThat(run.scanUnsafe(Scannable.Attr.PARENT)).isNotNull().isNotSameAs(asking);
            assertThat(run.scan(Scannable.Attr.TERMINATED)).isFalse();
            responses.complete();
            assertThat(run.scan(Scannable.Attr.TERMINATED)).isTrue();
            assertThat(run.scan(Scannable.Attr.CANCELLED)).isFalse();
        }

        @Test
        void seeACancelledCallByScanning() {
            Manual subscriber = new Manual();
            Scannable run = scanned(new Source().withTokenMany(token -> Mono.just(1)), subscriber);
            subscriber.subscription.cancel();
            assertThat(run.scan(Scannable.Attr.CANCELLED)).isTrue();
        }
    }
}
