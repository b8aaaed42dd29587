package io.tokenswap.internal;

import io.tokenswap.AuthorizationRequest;
import java.net.URI;
import reactor.blockhound.BlockHound;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A process that takes random bytes, or builds two requests, on a thread that must not block, before anything else has used a
 * generator. The thread may be interrupted, as that of a cancelled task is.
 */
final class FirstUse {

    private FirstUse() {}

    public static void main(String[] args) {
        BlockHound.install();
        Mono.fromSupplier(() -> switch (args[0]) {
                    case "requests" -> requests();
                    case "interrupted" -> interrupted();
                    default -> "took " + RandomBytes.next(32).length + " bytes";
                })
                .subscribeOn(Schedulers.parallel())
                .doOnNext(System.out::println)
                .doOnError(error -> System.out.println("failed: " + error))
                .onErrorComplete()
                .block();
        System.exit(0);
    }

    private static String interrupted() {
        Thread.currentThread().interrupt();
        String text = RandomBytes.base64Url(32);
        byte[] bytes = RandomBytes.next(32);
        // As many as exhaust the buffer of a generator that reads from a file.
        for (int i = 0; i < 100; i++) {
            bytes = RandomBytes.next(32);
        }
        return "took " + text.length() + " characters and " + bytes.length + " bytes, still interrupted: "
                + Thread.interrupted();
    }

    private static String requests() {
        AuthorizationRequest.Builder builder = AuthorizationRequest.builder(URI.create("https://auth.example.com/"));
        URI redirect = URI.create("http://localhost:4002/auth");
        boolean different =
                !builder.build(redirect).uri().equals(builder.build(redirect).uri());
        return "built 2 requests, different: " + different;
    }
}
