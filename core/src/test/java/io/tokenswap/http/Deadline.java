package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Runs a request into its default deadline under virtual time, so that a slow machine is no reason to meet it early. */
final class Deadline {

    private static final Duration DEFAULT = Duration.ofSeconds(15);

    private Deadline() {}

    /**
     * Makes a request with these timers, subscribes, waits for a sign that the request has come to where it is stuck,
     * and lets the time pass.
     *
     * @return what the request fails with at 15 s, and not a millisecond before
     */
    static TokenUnavailableException of(Function<Scheduler, Mono<Token>> request, CountDownLatch stuck)
            throws Exception {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            CompletableFuture<Throwable> end = request.apply(time)
                    .map(token -> new Throwable("no failure but a token"))
                    .onErrorResume(Mono::just)
                    .toFuture();
            assertThat(stuck.await(30, TimeUnit.SECONDS)).isTrue();
            time.advanceTimeBy(DEFAULT.minusMillis(1));
            assertThat(end).isNotDone();
            time.advanceTimeBy(Duration.ofMillis(1));
            Throwable failure = end.get(30, TimeUnit.SECONDS);
            // Not by a limit of Netty's, on a name server or a handshake for example.
            assertThat(failure).hasCauseInstanceOf(TimeoutException.class);
            return (TokenUnavailableException) failure;
        } finally {
            VirtualTimeScheduler.reset();
        }
    }
}
