package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable.Attr;

class ReadySubscriptionTest {

    private final List<Object> seen = new ArrayList<>();
    private boolean cancelsAtOnce;
    private final CoreSubscriber<String> actual = new CoreSubscriber<>() {

        @Override
        public void onSubscribe(Subscription subscription) {}

        @Override
        public void onNext(String value) {
            seen.add(value);
            if (cancelsAtOnce) {
                ready.cancel();
            }
        }

        @Override
        public void onError(Throwable error) {
            seen.add(error.getClass());
        }

        @Override
        public void onComplete() {
            seen.add("end");
        }
    };
    private final ReadySubscription<String> ready = new ReadySubscription<>(actual, "value");

    @Test
    void emitsTheValueAtTheFirstRequestAndNothingAtTheNext() {
        assertThat(ready.scan(Attr.TERMINATED)).isFalse();
        ready.request(1);
        ready.request(1);
        assertThat(seen).containsExactly("value", "end");
        assertThat(ready.scan(Attr.TERMINATED)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -5})
    void failsAtARequestOfNothing(long n) {
        ready.request(n);
        ready.request(1);
        assertThat(seen).containsExactly(IllegalArgumentException.class);
    }

    @Test
    void emitsNothingAfterACancellation() {
        ready.cancel();
        ready.request(1);
        assertThat(seen).isEmpty();
        assertThat(ready.scan(Attr.CANCELLED)).isTrue();
    }

    @Test
    void doesNotCompleteForASubscriberThatCancelsAtTheValue() {
        cancelsAtOnce = true;
        ready.request(1);
        assertThat(seen).containsExactly("value");
    }

    @Test
    void isSeenByScanning() {
        assertThat(ready.scanUnsafe(Attr.ACTUAL)).isSameAs(actual);
        assertThat(ready.scan(Attr.CANCELLED)).isFalse();
        assertThat(ready.scan(Attr.RUN_STYLE)).isEqualTo(Attr.RunStyle.SYNC);
        assertThat(ready.scanUnsafe(Attr.PREFETCH)).isNull();
    }
}
