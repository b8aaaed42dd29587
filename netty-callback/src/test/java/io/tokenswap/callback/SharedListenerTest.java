package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.embedded.EmbeddedChannel;
import io.tokenswap.callback.Listener.Limits;
import io.tokenswap.callback.Listener.Place;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Who holds a port, and when it goes: binding, lingering and closing in all orders. */
@ExtendWith(NothingIsLeft.class)
class SharedListenerTest {

    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();

    /** One that holds a listener until told to let go. */
    private record Holder(CompletableFuture<Listener> listener, Disposable subscription) {

        Listener await() {
            return Awaited.of(listener);
        }
    }

    private Flux<Listener> held(int port) {
        return Flux.using(
                () -> SharedListener.take(new Place(Listener.LOOPBACK, port), Limits.DEFAULT, time),
                lease -> lease.listener().concatWith(Mono.never()),
                SharedListener.Lease::dispose);
    }

    private Holder hold(int port) {
        CompletableFuture<Listener> listener = new CompletableFuture<>();
        Disposable subscription = held(port).subscribe(listener::complete, listener::completeExceptionally);
        return new Holder(listener, subscription);
    }

    private static boolean isHeld(int port) {
        try {
            WaitingLogin.bind("127.0.0.1", port).close();
            return false;
        } catch (IOException held) {
            return true;
        }
    }

    private void free(int port) {
        time.advanceTimeBy(Limits.DEFAULT.idleLinger());
        WaitingLogin.awaitFree(port);
    }

    @Test
    void theLastToLeaveDecidesHowLongThePortStays() throws IOException {
        int port = WaitingLogin.freePort();
        Holder first = hold(port);
        Listener listener = first.await();
        first.subscription.dispose();
        time.advanceTimeBy(Limits.DEFAULT.idleLinger().minusMillis(1));
        Holder second = hold(port);
        assertThat(second.await()).isSameAs(listener);
        second.subscription.dispose();
        // The end of the first one's time, in the middle of the second one's.
        time.advanceTimeBy(Duration.ofMillis(2));

        Holder third = hold(port);
        assertThat(third.await()).as("the listener of a reload").isSameAs(listener);
        third.subscription.dispose();
        assertThat(isHeld(port)).isTrue();
        free(port);
    }

    @Test
    void whoComesWhileItClosesGetsAnotherOne() throws IOException {
        int port = WaitingLogin.freePort();
        for (int round = 0; round < 20; round++) {
            Holder first = hold(port);
            Listener listener = first.await();
            first.subscription.dispose();
            time.advanceTimeBy(Limits.DEFAULT.idleLinger());
            // Its sockets are being closed now; the next one waits for that and binds anew.
            Holder second = hold(port);
            assertThat(second.await()).isNotSameAs(listener);
            second.subscription.dispose();
            free(port);
        }
    }

    @Test
    void whoCancelsWhileItIsBoundLeavesItToTheOthers() throws IOException {
        int port = WaitingLogin.freePort();
        Holder first = hold(port);
        Holder second = hold(port);
        first.subscription.dispose();

        assertThat(second.await().port()).isEqualTo(port);
        second.subscription.dispose();
        free(port);
    }

    @Test
    void aPortThatCouldNotBeBoundAfterAllHadCancelledFailsNoLogin(CapturedLog log) throws IOException {
        int port;
        try (ServerSocket foreign = WaitingLogin.bind("127.0.0.1", 0)) {
            port = foreign.getLocalPort();
            for (int round = 0; round < 20; round++) {
                hold(port).subscription.dispose();
                time.advanceTimeBy(Limits.DEFAULT.idleLinger());
            }
            Holder late = hold(port);
            assertThatThrownBy(late::await).hasCauseInstanceOf(PortInUseException.class);
        }
        Holder afterwards = hold(port);
        assertThat(afterwards.await().port()).isEqualTo(port);
        afterwards.subscription.dispose();
        free(port);

        // Reactor logs an error that meets the cancellation of its subscriber, which the rounds above may do.
        assertThat(log.errors())
                .allSatisfy(line -> assertThat(line)
                        .startsWith("Operator called default onErrorDropped " + PortInUseException.class.getName()));
    }

    @RepeatedTest(20)
    void whoTriesAgainBecauseOfAFailureIsNotGivenTheSameFailure() throws IOException {
        ServerSocket foreign = WaitingLogin.bind("127.0.0.1", 0);
        int port = foreign.getLocalPort();
        CompletableFuture<Listener> second = new CompletableFuture<>();
        Disposable both = held(port)
                .doOnError(inUse -> {
                    try {
                        foreign.close();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                })
                .retry(1)
                .subscribe(second::complete, second::completeExceptionally);

        assertThat(Awaited.of(second).port()).isEqualTo(port);
        both.dispose();
        free(port);
    }

    @RepeatedTest(20)
    void joiningAndLeavingAtOnceNeverStrandsAnybodyOrThePort() throws IOException {
        int port = WaitingLogin.freePort();
        List<CompletableFuture<Void>> all = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.runAsync(() -> {
                    Holder holder = hold(port);
                    if (i % 2 == 0) {
                        assertThat(holder.await().port()).isEqualTo(port);
                    }
                    holder.subscription.dispose();
                    time.advanceTimeBy(Limits.DEFAULT.idleLinger());
                }))
                .toList();
        all.forEach(Awaited::of);
        free(port);
    }

    @Test
    void twoPortsAreTwoListeners() throws IOException {
        try (WaitingLogin first = WaitingLogin.start(WaitingLogin.RECEIVER.ports(WaitingLogin.freePort()));
                WaitingLogin second = WaitingLogin.start(WaitingLogin.RECEIVER.ports(WaitingLogin.freePort()))) {
            assertThat(first.hit(second.goodQuery()).status()).isEqualTo(400);
            first.isStillPending();
            second.isStillPending();
        }
    }

    @Test
    void aConnectionThatIsAcceptedWhileItsListenerClosesIsClosedToo() {
        ConnectionLimit connections = new ConnectionLimit(64, Duration.ofSeconds(10), Duration.ofMillis(250));
        EmbeddedChannel early = new EmbeddedChannel();
        EmbeddedChannel late = new EmbeddedChannel();
        connections.admit(early);
        connections.closeAll();
        connections.admit(late);

        assertThat(early.isOpen()).isFalse();
        assertThat(late.isOpen()).isFalse();
    }
}
