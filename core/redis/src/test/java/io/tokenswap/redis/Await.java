package io.tokenswap.redis;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;

/** Waits for what a server or a node does by itself. */
final class Await {

    private static final Duration LONGEST = Duration.ofSeconds(120);

    private Await() {}

    /** Repeats a check until it yields true. A failed check is repeated too. */
    static void await(Mono<Boolean> condition) {
        condition.onErrorReturn(false).repeat().filter(Predicate.isEqual(true)).blockFirst(LONGEST);
    }

    /** Repeats a check until it returns true. A failed check fails the test. */
    static void await(BooleanSupplier condition) {
        Mono.fromSupplier(condition::getAsBoolean)
                .repeat()
                .filter(Predicate.isEqual(true))
                .blockFirst(LONGEST);
    }
}
