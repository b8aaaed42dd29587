package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.Scannable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class ResponseBodyTest {

    private static final int LIMIT = 10;

    private static ByteBuf chunk(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    private static Mono<String> body(Flux<ByteBuf> chunks) {
        return ResponseBody.of(chunks, LIMIT).map(bytes -> new String(bytes, StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 10})
    void chunksOfAnySizeMakeOneBody(int size) {
        String whole = "0123456789";
        Flux<ByteBuf> chunks = Flux.fromStream(IntStream.iterate(0, i -> i < whole.length(), i -> i + size)
                .mapToObj(i -> chunk(whole.substring(i, Math.min(i + size, whole.length())))));

        StepVerifier.create(body(chunks)).expectNext(whole).verifyComplete();
    }

    @Test
    void aLargeChunkMayFollowASmallOne() {
        StepVerifier.create(body(Flux.just(chunk("01"), chunk("23456789"))))
                .expectNext("0123456789")
                .verifyComplete();
    }

    @Test
    void noChunkMakesAnEmptyBody() {
        StepVerifier.create(body(Flux.empty())).expectNext("").verifyComplete();
    }

    @Test
    void bodyThatIsTooLongIsCutOneByteAfterTheLimitAndTheRestIsCancelled() {
        TestPublisher<ByteBuf> chunks = TestPublisher.create();

        StepVerifier.create(body(chunks.flux()))
                .then(() -> chunks.next(chunk("01234567")))
                .then(() -> chunks.next(chunk("89abcdef")))
                .expectNext("0123456789a")
                .verifyComplete();
        chunks.assertCancelled();
    }

    @Test
    void whatComesAfterTheCutIsIgnored() {
        TestPublisher<ByteBuf> chunks = TestPublisher.createNoncompliant(TestPublisher.Violation.CLEANUP_ON_TERMINATE);

        StepVerifier.create(body(chunks.flux()))
                .then(() -> chunks.next(chunk("0123456789abcdef")))
                .then(() -> chunks.next(chunk("0123456789abcdef")))
                .then(chunks::complete)
                .expectNext("0123456789a")
                .verifyComplete();
    }

    @Test
    void failureIsPassedOnInsteadOfPartOfABody() {
        Flux<ByteBuf> chunks = Flux.just(chunk("0123")).concatWith(Flux.error(new IllegalStateException("reset")));

        StepVerifier.create(body(chunks)).verifyErrorMessage("reset");
    }

    @Test
    void chunksAreSubscribedToAtTheFirstRequestOnly() {
        TestPublisher<ByteBuf> chunks = TestPublisher.create();

        StepVerifier.create(body(chunks.flux()), 0)
                .then(chunks::assertWasNotSubscribed)
                .thenRequest(1)
                .then(() -> chunks.assertMinRequested(Long.MAX_VALUE))
                .thenRequest(1)
                .then(() -> chunks.next(chunk("0")).complete())
                .expectNext("0")
                .verifyComplete();
        assertThat(chunks.subscribeCount()).isEqualTo(1);
    }

    @Test
    void cancellingStopsTheChunks() {
        TestPublisher<ByteBuf> chunks = TestPublisher.create();

        StepVerifier.create(body(chunks.flux()))
                .then(() -> chunks.next(chunk("0123")))
                .thenCancel()
                .verify();

        chunks.assertCancelled();
    }

    @Test
    void cancellingBeforeTheFirstRequestSubscribesToNothing() {
        TestPublisher<ByteBuf> chunks = TestPublisher.create();

        StepVerifier.create(body(chunks.flux()), 0).thenCancel().verify();

        chunks.assertWasNotSubscribed();
    }

    @Test
    void isScannable() {
        TestPublisher<ByteBuf> chunks = TestPublisher.create();
        List<Subscription> subscriptions = new ArrayList<>();
        BaseSubscriber<byte[]> subscriber = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscriptions.add(subscription);
                subscription.request(1);
            }
        };
        ResponseBody.of(chunks.flux(), LIMIT).subscribe(subscriber);

        Scannable collector = Scannable.from(subscriptions.get(0));

        assertThat(collector.scanUnsafe(Scannable.Attr.ACTUAL)).isSameAs(subscriber);
        assertThat(collector.scanUnsafe(Scannable.Attr.PARENT)).isNotNull();
        assertThat(collector.scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.SYNC);
        assertThat(collector.scan(Scannable.Attr.PREFETCH)).isZero();
    }

    @Test
    void failureAfterTheCutIsDropped() {
        List<Throwable> dropped = new ArrayList<>();
        Hooks.onErrorDropped(dropped::add);
        try {
            TestPublisher<ByteBuf> chunks =
                    TestPublisher.createNoncompliant(TestPublisher.Violation.CLEANUP_ON_TERMINATE);
            StepVerifier.create(body(chunks.flux()))
                    .then(() -> chunks.next(chunk("0123456789abcdef")))
                    .then(() -> chunks.error(new IllegalStateException("reset")))
                    .expectNext("0123456789a")
                    .verifyComplete();
        } finally {
            Hooks.resetOnErrorDropped();
        }
        assertThat(dropped).singleElement().isInstanceOf(IllegalStateException.class);
    }
}
