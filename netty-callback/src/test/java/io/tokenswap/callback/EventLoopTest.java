package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationRequest;
import java.net.URI;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.blockhound.BlockingOperationError;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.HttpResources;

/** Every test of this module runs under BlockHound: here it is seen to bite, and what the receiver does on its threads. */
@ExtendWith(NothingIsLeft.class)
class EventLoopTest {

    private static void block() {
        try {
            Thread.sleep(1);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    @Tag("A79")
    void blockingOnAnEventLoopIsCaught() {
        CompletableFuture<Void> blocked = CompletableFuture.runAsync(
                EventLoopTest::block, HttpResources.get().onServer(true).next());

        assertThatThrownBy(() -> Awaited.of(blocked)).hasRootCauseInstanceOf(BlockingOperationError.class);
    }

    @Test
    @Tag("A79")
    void blockingOnTheSchedulerOfTheTimersIsCaught() {
        assertThatThrownBy(() -> Mono.fromRunnable(EventLoopTest::block)
                        .subscribeOn(Schedulers.parallel())
                        .block())
                .hasRootCauseInstanceOf(BlockingOperationError.class);
    }

    /** A page is made on the event loop, so this is where a blocking call of the receiver would be caught too. */
    @Test
    @Tag("A79")
    void aPageThatBlocksIsCaughtAndReplaced(CapturedLog log) {
        LoopbackReceiver receiver =
                WaitingLogin.RECEIVER.page(CallbackPage.create().unsafeHtml(outcome -> {
                    assertThat(Schedulers.isInNonBlockingThread()).isTrue();
                    try {
                        block();
                    } catch (BlockingOperationError caught) {
                        throw new IllegalStateException("blocked", caught);
                    }
                    return "never seen";
                }));
        try (WaitingLogin login = WaitingLogin.start(receiver)) {
            assertThat(login.hit(login.goodQuery()).body()).contains("You are signed in");
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
        assertThat(log.warnings(CallbackPage.class)).singleElement().asString().contains("BlockingOperationError");
    }

    /** The whole way of a login on threads that must not block: a blocking call anywhere on it would fail the login. */
    @Test
    @Tag("A79")
    void aLoginThatStartsOnAnEventLoopBlocksNothing() {
        LoginFlow flow = LoginFlow.create(
                        new ScriptedEndpoint(),
                        () -> AuthorizationRequest.builder(URI.create("https://auth.example.com/")))
                .receiver(WaitingLogin.RECEIVER)
                .browser(LoginFlowTest.OBEDIENT);

        assertThat(flow.token()
                        .subscribeOn(Schedulers.parallel())
                        .block()
                        .accessToken()
                        .secret())
                .isEqualTo("token-for-" + WaitingLogin.CODE);
    }
}
