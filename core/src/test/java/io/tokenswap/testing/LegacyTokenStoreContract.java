package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.LegacyTokenStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * What every {@link LegacyTokenStore} owes to a session. Extend it, return a store, and its tests are yours:
 *
 * <pre>
 * class MyTokenStoreTest extends LegacyTokenStoreContract {
 *     &#64;Override
 *     protected LegacyTokenStore store() {
 *         return new MyTokenStore(...);
 *     }
 * }
 * </pre>
 */
public abstract class LegacyTokenStoreContract {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00.123456789Z");

    private LegacyTokenStore store;
    private String key;

    /** For subclasses. */
    protected LegacyTokenStoreContract() {}

    /**
     * The store to test.
     *
     * @return the store; called once for each test, it may be the same each time
     */
    protected abstract LegacyTokenStore store();

    @BeforeEach
    void useAKeyOfItsOwn() {
        store = store();
        key = "user-" + ThreadLocalRandom.current().nextLong(Long.MAX_VALUE);
    }

    private static Token token(int number) {
        return Token.builder("access-" + number, ISSUED.plusSeconds(number))
                .scopes(List.of("read", "write"))
                .refreshToken("refresh-" + number)
                .expiresAt(ISSUED.plusSeconds(3_600 + number))
                .authorizedAt(ISSUED)
                .grantExpiresAt(ISSUED.plusSeconds(86_400))
                .refreshTokenTimeout(Duration.ofHours(12))
                .build();
    }

    private boolean save(Token consumed, Token next) {
        return store.save(key, consumed, next).block(PATIENCE);
    }

    private Token load() {
        return store.load(key).block(PATIENCE);
    }

    @Nested
    class Loading {

        @Test
        void isEmptyWhereNothingIsStored() {
            assertThat(load()).isNull();
        }

        @Test
        void yieldsTheTokenThatWasSavedEqualInEveryValue() {
            save(null, token(1));
            assertThat(load()).isEqualTo(token(1));
            Token bare = Token.builder("bare", ISSUED).build();
            save(null, bare);
            assertThat(load()).isEqualTo(bare);
        }

        @Test
        void yieldsTheTokenOfItsOwnKey() {
            save(null, token(1));
            store.save(key + "-other", null, token(2)).block(PATIENCE);
            assertThat(load()).isEqualTo(token(1));
            store.clear(key + "-other").block(PATIENCE);
            assertThat(load()).isEqualTo(token(1));
        }

        @Test
        void looksAnewWithEachSubscription() {
            Mono<Token> load = store.load(key);
            save(null, token(1));
            assertThat(load.block(PATIENCE)).isEqualTo(token(1));
            save(token(1), token(2));
            assertThat(load.block(PATIENCE)).isEqualTo(token(2));
        }
    }

    @Nested
    class Saving {

        @Test
        void doesNothingBeforeSubscription() {
            Mono<Boolean> save = store.save(key, null, token(1));
            assertThat(load()).isNull();
            save.block(PATIENCE);
            assertThat(load()).isEqualTo(token(1));
        }

        @Test
        void ofALoginReplacesWhateverIsThere() {
            assertThat(save(null, token(1))).isTrue();
            assertThat(save(null, token(2))).isTrue();
            assertThat(load()).isEqualTo(token(2));
        }

        @Test
        void ofASuccessorReplacesTheTokenThatWasConsumed() {
            save(null, token(1));
            assertThat(save(token(1), token(2))).isTrue();
            assertThat(load()).isEqualTo(token(2));
        }

        @Test
        void goesByTheRefreshTokenAlone() {
            save(null, token(1));
            Token sameLineage = Token.builder("another-access-token", ISSUED)
                    .refreshToken("refresh-1")
                    .build();
            assertThat(save(sameLineage, token(2))).isTrue();
        }

        @Test
        void ofASuccessorThatKeepsTheRefreshTokenCanBeFollowedByTheNext() {
            save(null, token(1));
            Token kept = token(2).toBuilder().refreshToken("refresh-1").build();
            assertThat(save(token(1), kept)).isTrue();
            assertThat(save(kept, token(3))).isTrue();
            assertThat(load()).isEqualTo(token(3));
        }

        @Test
        void ofASuccessorLeavesANewerLineageAlone() {
            save(null, token(1));
            save(null, token(5));
            assertThat(save(token(1), token(2))).isFalse();
            assertThat(load()).isEqualTo(token(5));
        }

        @Test
        void ofASuccessorDoesNotBringBackWhatWasCleared() {
            save(null, token(1));
            store.clear(key).block(PATIENCE);
            assertThat(save(token(1), token(2))).isFalse();
            assertThat(load()).isNull();
        }

        @Test
        void ofManySuccessorsOfOneTokenAtOnceLetsOneWin() {
            for (int round = 0; round < 20; round++) {
                save(null, token(0));
                List<Boolean> saved = Flux.range(1, 8)
                        .flatMap(number ->
                                store.save(key, token(0), token(number)).subscribeOn(Schedulers.boundedElastic()))
                        .collectList()
                        .block(PATIENCE);
                assertThat(saved).containsOnlyOnce(true);
            }
        }
    }

    @Nested
    class Clearing {

        @Test
        void forgetsTheToken() {
            save(null, token(1));
            Mono<Void> clear = store.clear(key);
            assertThat(load()).isEqualTo(token(1));
            clear.block(PATIENCE);
            assertThat(load()).isNull();
        }

        @Test
        void ofADeadGrantLeavesANewerLineageAlone() {
            save(null, token(1));
            assertThat(store.clear(key, token(2)).block(PATIENCE)).isFalse();
            assertThat(load()).isEqualTo(token(1));
            assertThat(store.clear(key, token(1)).block(PATIENCE)).isTrue();
            assertThat(load()).isNull();
            assertThat(store.clear(key, token(1)).block(PATIENCE)).isFalse();
        }

        @Test
        void whereNothingIsStoredCompletes() {
            store.clear(key).block(PATIENCE);
            assertThat(load()).isNull();
        }
    }

    @Nested
    class AnExclusiveSection {

        private final List<String> log = new ArrayList<>();

        private Mono<String> section(String name, Sinks.One<String> end) {
            return Mono.defer(() -> {
                synchronized (log) {
                    log.add("begin " + name);
                }
                return end.asMono();
            });
        }

        private void awaitLog(String entry) {
            Mono.fromSupplier(() -> {
                        synchronized (log) {
                            return log.contains(entry);
                        }
                    })
                    .filter(found -> found)
                    .repeatWhenEmpty(times -> times.delayElements(Duration.ofMillis(5)))
                    .block(PATIENCE);
        }

        @Test
        void doesNotBeginBeforeSubscription() {
            store.exclusive(key, section("never", Sinks.one()));
            assertThat(store.exclusive(key, Mono.just("free")).block(PATIENCE)).isEqualTo("free");
            assertThat(log).isEmpty();
        }

        @Test
        void yieldsItsOutcomeWhateverItIs() {
            assertThat(store.exclusive(key, Mono.just("value")).block(PATIENCE)).isEqualTo("value");
            assertThat(store.exclusive(key, Mono.empty()).blockOptional(PATIENCE))
                    .isEmpty();
            IllegalStateException failure = new IllegalStateException("the section's own");
            assertThat(store.exclusive(key, Mono.error(failure))
                            .materialize()
                            .block(PATIENCE)
                            .getThrowable())
                    .isSameAs(failure);
        }

        @Test
        void beginsAfterTheEndOfTheOneBeforeIt() {
            Sinks.One<String> end = Sinks.one();
            Mono<String> first = store.exclusive(key, section("first", end)).cache();
            first.subscribe();
            awaitLog("begin first");
            Mono<String> second = store.exclusive(
                            key, section("second", Sinks.one()).timeout(PATIENCE))
                    .cache();
            Disposable waiting = second.subscribe(value -> {}, error -> {});
            assertThat(log).containsExactly("begin first");
            end.tryEmitValue("done");
            assertThat(first.block(PATIENCE)).isEqualTo("done");
            awaitLog("begin second");
            waiting.dispose();
        }

        @Test
        void ofAnotherKeyDoesNotWait() {
            Disposable holder = store.exclusive(key, Mono.never()).subscribe();
            assertThat(store.exclusive(key + "-other", Mono.just("free")).block(PATIENCE))
                    .isEqualTo("free");
            holder.dispose();
        }

        @Test
        void thatFailsLetsTheNextOneBegin() {
            store.exclusive(key, Mono.error(new IllegalStateException("failed")))
                    .onErrorComplete()
                    .block(PATIENCE);
            assertThat(store.exclusive(key, Mono.just("next")).block(PATIENCE)).isEqualTo("next");
        }

        @Test
        void thatThrowsLetsTheNextOneBegin() {
            Mono<String> thrower = Mono.defer(() -> {
                throw new IllegalStateException("thrown");
            });
            store.exclusive(key, thrower).onErrorComplete().block(PATIENCE);
            assertThat(store.exclusive(key, Mono.just("next")).block(PATIENCE)).isEqualTo("next");
        }

        @Test
        void thatIsCancelledWhileItRunsLetsTheNextOneBegin() {
            Disposable holder =
                    store.exclusive(key, section("first", Sinks.one())).subscribe();
            awaitLog("begin first");
            holder.dispose();
            assertThat(store.exclusive(key, Mono.just("next")).block(PATIENCE)).isEqualTo("next");
        }

        @Test
        void thatIsCancelledWhileItWaitsNeverBeginsAndHoldsNobodyUp() {
            Sinks.One<String> end = Sinks.one();
            store.exclusive(key, section("first", end)).subscribe();
            awaitLog("begin first");
            Disposable impatient =
                    store.exclusive(key, section("impatient", Sinks.one())).subscribe();
            Mono<String> last = store.exclusive(key, Mono.just("last")).cache();
            last.subscribe();
            impatient.dispose();
            end.tryEmitValue("done");
            assertThat(last.block(PATIENCE)).isEqualTo("last");
            assertThat(log).containsExactly("begin first");
        }

        @Test
        void neverOverlapsAnotherOfItsKeyAndEachRunsOnce() {
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger most = new AtomicInteger();
            AtomicInteger runs = new AtomicInteger();
            Mono<Integer> section = Mono.fromSupplier(() -> most.accumulateAndGet(inside.incrementAndGet(), Math::max))
                    .publishOn(Schedulers.boundedElastic())
                    .doOnNext(value -> {
                        runs.incrementAndGet();
                        inside.decrementAndGet();
                    });
            Flux.range(0, 200)
                    .flatMap(number -> store.exclusive(key, section).subscribeOn(Schedulers.boundedElastic()), 200)
                    .then()
                    .block(PATIENCE);
            assertThat(most).hasValue(1);
            assertThat(runs).hasValue(200);
        }
    }
}
