package io.tokenswap.internal;

import reactor.blockhound.BlockHound;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** A process that takes random bytes on a thread that must not block, before anything else has used a generator. */
final class FirstUse {

    private FirstUse() {}

    public static void main(String[] args) {
        BlockHound.install();
        Mono.fromSupplier(() -> RandomBytes.next(32).length)
                .subscribeOn(Schedulers.parallel())
                .doOnNext(length -> System.out.println("took " + length + " bytes"))
                .doOnError(error -> System.out.println("failed: " + error))
                .onErrorComplete()
                .block();
        System.exit(0);
    }
}
