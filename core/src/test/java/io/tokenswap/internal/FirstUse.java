package io.tokenswap.internal;

import io.tokenswap.AuthorizationRequest;
import java.net.URI;
import reactor.blockhound.BlockHound;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A process that takes random bytes, or builds two requests, on a thread that must not block, before anything else has used a
 * generator.
 */
final class FirstUse {

    private FirstUse() {}

    public static void main(String[] args) {
        BlockHound.install();
        Mono.fromSupplier(() ->
                        args[0].equals("requests") ? requests() : "took " + RandomBytes.next(32).length + " bytes")
                .subscribeOn(Schedulers.parallel())
                .doOnNext(System.out::println)
                .doOnError(error -> System.out.println("failed: " + error))
                .onErrorComplete()
                .block();
        System.exit(0);
    }

    private static String requests() {
        AuthorizationRequest.Builder builder = AuthorizationRequest.builder(URI.create("https://auth.example.com/"));
        URI redirect = URI.create("http://localhost:4002/auth");
        boolean different =
                !builder.build(redirect).uri().equals(builder.build(redirect).uri());
        return "built 2 requests, different: " + different;
    }
}
