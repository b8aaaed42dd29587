package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException.Reason;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The page reports the outcome of the swap, and the swap depends on no connection. */
@ExtendWith(NothingIsLeft.class)
class OutcomePageTest {

    private static final Duration HOLD = Duration.ofSeconds(3);

    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final List<AuthorizationCode> swapped = new CopyOnWriteArrayList<>();
    private final Sinks.One<AuthorizationCode> outcome = Sinks.one();

    private WaitingLogin login() {
        return WaitingLogin.swapping(LoopbackReceiver.create().ports(0).scheduler(time), code -> {
            swapped.add(code);
            return outcome.asMono();
        });
    }

    private void succeed() {
        outcome.tryEmitValue(swapped.get(0));
    }

    /** A redirect whose page is awaited in the background. */
    private CompletableFuture<RawResponse> redirect(WaitingLogin login) {
        String query = login.goodQuery();
        return CompletableFuture.supplyAsync(() -> login.hit(query));
    }

    private void swapStarts() {
        NothingIsLeft.eventually(() -> assertThat(swapped).hasSize(1));
    }

    private void end(WaitingLogin login) {
        login.cancel();
        time.advanceTimeBy(Duration.ofSeconds(2));
        login.freesItsPort();
    }

    /** The browser may have the page before the login has its result, and only the result starts the timer of the port. */
    private void endAfterSuccess(WaitingLogin login) {
        assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        end(login);
    }

    @Test
    @Tag("E50")
    @Tag("A01")
    void thePageWaitsForTheSwapAndShowsItsSuccess() {
        WaitingLogin login = login();
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        time.advanceTimeBy(HOLD.minusMillis(1));
        assertThat(page).isNotDone();
        assertThat(login.isPending()).isTrue();
        succeed();

        assertThat(Awaited.of(page).body()).contains("You are signed in");
        assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        end(login);
    }

    @Test
    @Tag("E50")
    void aFailedSwapShowsThatTheSignInFailed() {
        WaitingLogin login = login();
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        outcome.tryEmitError(new OAuthErrorException("invalid_grant", "of the server", 400));

        assertThat(Awaited.of(page).status()).isEqualTo(200);
        assertThat(Awaited.of(page).body())
                .contains("Sign-in failed", "which says why.")
                .doesNotContain("You are signed in", "invalid_grant", "of the server");
        assertThat(login.failure()).isInstanceOf(OAuthErrorException.class);
        end(login);
    }

    @Test
    @Tag("E50")
    void aSwapThatTakesLongerIsLeftToTheApplication() {
        WaitingLogin login = login();
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        NothingIsLeft.eventually(() -> {
            time.advanceTimeBy(HOLD);
            assertThat(page).isDone();
        });

        assertThat(Awaited.of(page).body()).contains("Almost done", "which finishes the sign-in.");
        assertThat(login.isPending()).isTrue();
        succeed();
        assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        end(login);
    }

    @Test
    @Tag("E50")
    void aReceiverWithoutASwapSaysThatTheApplicationFinishesTheSignIn() {
        CompletableFuture<URI> opened = new CompletableFuture<>();
        CompletableFuture<AuthorizationCode> code = WaitingLogin.RECEIVER
                .receive(WaitingLogin::newRequest, Browser.printing(opened::complete))
                .toFuture();

        assertThat(LoginFlowTest.signIn(Awaited.of(opened)).body())
                .contains("Almost done")
                .doesNotContain("You are signed in");
        assertThat(Awaited.of(code).secret()).isEqualTo(WaitingLogin.CODE);
    }

    @Test
    @Tag("E50")
    void aLoginThatIsCancelledWhileItSwapsShowsNoSuccess() {
        WaitingLogin login = login();
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        login.cancel();

        assertThat(Awaited.of(page).body()).contains("Sign-in failed");
        assertThat(outcome.currentSubscriberCount()).isZero();
        end(login);
    }

    @Test
    @Tag("E50")
    void theFlowShowsThatItsSwapFailed() {
        ScriptedEndpoint endpoint = new ScriptedEndpoint().failing(Reason.RESPONSE_LOST);
        CompletableFuture<URI> opened = new CompletableFuture<>();
        CompletableFuture<Token> token = LoginFlow.create(
                        endpoint, () -> AuthorizationRequest.builder(URI.create("https://auth.example.com/")))
                .receiver(WaitingLogin.RECEIVER)
                .browser(Browser.printing(opened::complete))
                .token()
                .toFuture();

        assertThat(LoginFlowTest.signIn(Awaited.of(opened)).body()).contains("Sign-in failed");
        assertThat(token.handle((result, error) -> error).join()).isNotNull();
    }

    @Test
    @Tag("E51")
    void aRedirectThatArrivesTwiceIsSwappedOnceAndGetsTheOutcomeTwice() {
        WaitingLogin login = login();
        List<CompletableFuture<RawResponse>> pages = List.of(redirect(login), redirect(login), redirect(login));
        swapStarts();
        succeed();

        assertThat(pages).allSatisfy(page -> assertThat(Awaited.of(page).body()).contains("You are signed in"));
        assertThat(swapped).hasSize(1);
        endAfterSuccess(login);
    }

    @Test
    @Tag("E51")
    void aFailureIsShownAgainToTheSameRedirect() {
        WaitingLogin login = login();
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        outcome.tryEmitError(new IllegalStateException("no swap"));
        Awaited.of(page);
        assertThat(login.failure()).hasMessage("no swap");

        assertThat(login.hit(login.goodQuery()).body()).contains("Sign-in failed");
        end(login);
    }

    @Test
    @Tag("E51")
    void aDenialIsShownAgainToTheSameRedirect() {
        try (WaitingLogin login = WaitingLogin.start(LoopbackReceiver.create().ports(0))) {
            String denial = "error=access_denied&state=" + login.state();

            assertThat(login.hit(denial).body()).contains("You are not signed in");
            assertThat(login.hit(denial).body()).contains("You are not signed in");
        }
    }

    @Test
    @Tag("E51")
    void aBrowserThatHangsUpDuringTheSwapEndsNothing() throws IOException {
        WaitingLogin login = login();
        try (Socket hungUp = new Socket("127.0.0.1", login.port())) {
            hungUp.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII));
            swapStarts();
            hungUp.setSoLinger(true, 0);
        }
        CompletableFuture<RawResponse> again = redirect(login);
        succeed();

        assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        assertThat(Awaited.of(again).body()).contains("You are signed in");
        assertThat(swapped).hasSize(1);
        end(login);
    }

    @Test
    @Tag("E51")
    @Tag("A34")
    void aPrefetchConsumesNothingAndTheNavigationAfterItSucceeds() {
        WaitingLogin login = login();
        RawResponse prefetched =
                login.raw(login.request("GET", "/auth?" + login.goodQuery(), "Sec-Purpose: prefetch;prerender"));

        assertThat(prefetched.status()).isEqualTo(403);
        assertThat(prefetched.header("Cache-Control")).isEqualTo("no-store");
        assertThat(swapped).isEmpty();
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        succeed();
        assertThat(Awaited.of(page).body()).contains("You are signed in");
        endAfterSuccess(login);
    }

    /** Waits until the server has closed one of some connections. */
    private static boolean closed(List<Socket> connections) throws IOException {
        for (int round = 0; round < 200; round++) {
            for (Socket connection : connections) {
                connection.setSoTimeout(50);
                try {
                    if (connection.getInputStream().read() < 0) {
                        return true;
                    }
                } catch (SocketTimeoutException open) {
                    // look at the next one
                }
            }
        }
        return false;
    }

    /** The cap evicts the oldest connection, which here is the one that waits for its page. */
    @Test
    @Tag("E51")
    @Tag("A70")
    void idleConnectionsDoNotPushOutTheOneThatWaitsForItsPage() throws IOException {
        WaitingLogin login = WaitingLogin.swapping(
                WaitingLogin.RECEIVER
                        .scheduler(time)
                        .limits(new Listener.Limits(2, Duration.ofDays(1), Duration.ofMillis(20))),
                code -> {
                    swapped.add(code);
                    return outcome.asMono();
                });
        CompletableFuture<RawResponse> page = redirect(login);
        swapStarts();
        try (Socket first = new Socket("127.0.0.1", login.port());
                Socket second = new Socket("127.0.0.1", login.port());
                Socket third = new Socket("127.0.0.1", login.port())) {
            // Event loops admit connections in any order, so any of the three may be the oldest.
            assertThat(closed(List.of(first, second, third))).isTrue();
            succeed();
            assertThat(Awaited.of(page).body()).contains("You are signed in");
        }
        endAfterSuccess(login);
    }
}
