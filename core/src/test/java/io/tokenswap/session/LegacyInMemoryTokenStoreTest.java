package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.testing.LegacyTokenStoreContract;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class LegacyInMemoryTokenStoreTest extends LegacyTokenStoreContract {

    @Override
    protected LegacyTokenStore store() {
        return LegacyTokenStore.inMemory();
    }

    @Test
    void sectionsRunInTheOrderOfTheirSubscription() {
        LegacyTokenStore store = LegacyTokenStore.inMemory();
        Sinks.Empty<Void> end = Sinks.empty();
        store.exclusive("key", end.asMono()).subscribe();
        List<Integer> order = new ArrayList<>();
        List<Disposable> waiting = IntStream.range(0, 5)
                .mapToObj(number -> store.exclusive("key", Mono.fromRunnable(() -> order.add(number)))
                        .subscribe())
                .toList();
        waiting.get(2).dispose();
        end.tryEmitEmpty();
        assertThat(order).containsExactly(0, 1, 3, 4);
    }

    @Test
    void aLongQueueOfSectionsThatEndAtOnceTakesNoDeepStack() {
        LegacyTokenStore store = LegacyTokenStore.inMemory();
        Sinks.Empty<Void> end = Sinks.empty();
        store.exclusive("key", end.asMono()).subscribe();
        List<Integer> order = new ArrayList<>();
        IntStream.range(0, 20_000)
                .forEach(number -> store.exclusive("key", Mono.fromRunnable(() -> order.add(number)))
                        .subscribe());
        end.tryEmitEmpty();
        assertThat(order).hasSize(20_000).isSorted();
        assertThat(store.exclusive("key", Mono.just("free")).block()).isEqualTo("free");
    }
}
