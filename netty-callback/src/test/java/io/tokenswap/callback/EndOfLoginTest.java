package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.util.retry.Retry;

/** How a login ends, by whatever comes first, and that its port is free then. */
@ExtendWith(NothingIsLeft.class)
class EndOfLoginTest {

    private static final LoopbackReceiver LINGERING = LoopbackReceiver.create().ports(0);
    private static final Browser NONE = Browser.printing(uri -> {});

    @Test
    @Tag("A58")
    void aMissingRedirectIsATypedTimeoutAndFreesThePort() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.scheduler(time))) {
            time.advanceTimeBy(Duration.ofMinutes(5).minusMillis(1));
            assertThat(login.isPending()).isTrue();
            time.advanceTimeBy(Duration.ofMillis(1));

            assertThat(login.failure())
                    .isInstanceOf(LoginTimeoutException.class)
                    .hasMessageContaining("5 minutes");
            time.advanceTimeBy(Duration.ofSeconds(1));
            login.freesItsPort();
        }
    }

    @Test
    void theLongestDurationIsATimeoutToo() {
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.timeout(ChronoUnit.FOREVER.getDuration()))) {
            login.isStillPending();
        }
    }

    @Test
    @Tag("A58")
    void aCodeThatCameInTimeIsNotLostToItsPage() throws IOException {
        String huge = "x".repeat(64 << 20);
        CompletableFuture<Void> responded = new CompletableFuture<>();
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .scheduler(time)
                .page(CallbackPage.create().unsafeHtml(outcome -> {
                    responded.complete(null);
                    return huge;
                }));
        WaitingLogin login = WaitingLogin.start(receiver);
        time.advanceTimeBy(Duration.ofMinutes(5).minusMillis(500));
        try (Socket deaf = new Socket("127.0.0.1", login.port())) {
            deaf.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII));
            Awaited.of(responded);
            // Past the timeout of the login, and past the second that a page may take.
            NothingIsLeft.eventually(() -> {
                time.advanceTimeBy(Duration.ofSeconds(2));
                assertThat(login.isPending()).isFalse();
            });

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
        time.advanceTimeBy(Duration.ofSeconds(1));
        login.freesItsPort();
    }

    /** An application may do that: its jobs block there, or compute for long. */
    @Test
    @Tag("E30")
    void theTimeoutHoldsThoughTheSchedulersOfReactorAreBusy() {
        CompletableFuture<Void> release = new CompletableFuture<>();
        List<Disposable> jobs = new ArrayList<>();
        for (int i = 0; i < Schedulers.DEFAULT_POOL_SIZE; i++) {
            jobs.add(Schedulers.parallel().schedule(() -> spinUntil(release)));
        }
        jobs.add(Schedulers.single().schedule(() -> spinUntil(release)));
        try {
            WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.timeout(Duration.ofMillis(50)));

            assertThat(login.failure()).isInstanceOf(LoginTimeoutException.class);
        } catch (CompletionException timedOutBeforeTheBrowserOpened) {
            assertThat(timedOutBeforeTheBrowserOpened).hasCauseInstanceOf(LoginTimeoutException.class);
        } finally {
            release.complete(null);
            jobs.forEach(Disposable::dispose);
        }
    }

    private static void spinUntil(CompletableFuture<Void> released) {
        while (!released.isDone()) {
            // Neither sleeps nor waits, which BlockHound would end.
        }
    }

    @Test
    @Tag("E53")
    void aTimeoutSaysWhatToDoWhenTheWindowWasClosed() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.scheduler(time));
        time.advanceTimeBy(Duration.ofMinutes(5));

        assertThat(login.failure())
                .hasMessage(
                        "The sign-in was not finished within 5 minutes. If the browser window was closed, start the "
                                + "sign-in again.");
        time.advanceTimeBy(Duration.ofSeconds(1));
        login.freesItsPort();
    }

    @Test
    @Tag("E53")
    @Tag("A74")
    void aTimeoutSaysThatTheBrowserInsistsOnHttps() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.scheduler(time));
        login.raw("\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003");
        time.advanceTimeBy(Duration.ofMinutes(5));

        assertThat(login.failure())
                .hasMessageContaining("The browser used https on port " + login.port())
                .hasMessageContaining("Use the host 127.0.0.1 in the redirect URI");
        time.advanceTimeBy(Duration.ofSeconds(1));
        login.freesItsPort();
    }

    @Test
    @Tag("A58")
    void aTimeoutOfTheBrowserIsNotThatOfTheLogin() {
        StepVerifier.create(WaitingLogin.RECEIVER.receive(
                        WaitingLogin::newRequest, uri -> Mono.error(new TimeoutException("of the browser"))))
                .verifyErrorSatisfies(error -> assertThat(error).isExactlyInstanceOf(TimeoutException.class));
    }

    @Test
    @Tag("A59")
    void cancellingFreesThePort() {
        WaitingLogin login = WaitingLogin.start();
        login.cancel();
        login.freesItsPort();
    }

    @Test
    @Tag("A59")
    void cancellingWhileThePortIsBeingBoundFreesItToo() throws IOException {
        int port = WaitingLogin.freePort();
        for (int i = 0; i < 50; i++) {
            Disposable login = WaitingLogin.RECEIVER
                    .ports(port)
                    .receive(WaitingLogin::newRequest, NONE)
                    .subscribe();
            login.dispose();
        }
        WaitingLogin.awaitFree(port);
    }

    /** Either the code comes, once, or the login is cancelled and none comes, neither then nor later. */
    @RepeatedTest(50)
    @Tag("A60")
    void cancellingInARaceWithAHitEitherEmitsOrCancels() {
        CompletableFuture<AuthorizationRequest> opened = new CompletableFuture<>();
        List<String> signals = new CopyOnWriteArrayList<>();
        Disposable login = WaitingLogin.RECEIVER
                .receive(
                        uri -> {
                            AuthorizationRequest made = WaitingLogin.newRequest(uri);
                            opened.complete(made);
                            return made;
                        },
                        NONE)
                .doOnNext(code -> signals.add("code"))
                .doOnCancel(() -> signals.add("cancelled"))
                .doOnTerminate(() -> signals.add("ended"))
                .subscribe();
        int port = opened.join().redirectUri().getPort();
        String state = NothingIsLeft.state(opened.join().uri().toString());
        CompletableFuture<?> hit = CompletableFuture.runAsync(() -> hitQuietly(port, state));
        login.dispose();
        hit.join();
        WaitingLogin.awaitFree(port);

        // A Mono's value and end come together, so a cancellation between them comes too late.
        assertThat(signals)
                .isIn(
                        List.of("cancelled"),
                        List.of("code", "ended"),
                        List.of("code", "cancelled", "ended"),
                        List.of("code", "ended", "cancelled"));
    }

    private static void hitQuietly(int port, String state) {
        try {
            RawResponse.to(
                    port, "GET /auth?code=c&state=" + state + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n");
        } catch (UncheckedIOException refused) {
            // The cancellation came first.
        }
    }

    @Test
    @Tag("A60")
    void afterACancellationNoHitIsSwapped() {
        ScriptedEndpoint endpoint = new ScriptedEndpoint();
        CompletableFuture<URI> opened = new CompletableFuture<>();
        Disposable login = LoginFlow.create(
                        endpoint, () -> AuthorizationRequest.builder(URI.create("https://auth.example.com/")))
                .receiver(LINGERING)
                .browser(Browser.printing(opened::complete))
                .login()
                .subscribe();
        URI uri = Awaited.of(opened);
        login.dispose();
        // The port lingers, so there is somebody to hit.
        RawResponse response = LoginFlowTest.signIn(uri);

        assertThat(response.status()).isIn(400, 404);
        assertThat(endpoint.sent).isEmpty();
    }

    @Test
    @Tag("A62")
    void aSubscriberThatThrowsHarmsNeitherPageNorPort(CapturedLog log) {
        signInWith(receive -> receive.subscribe(code -> {
            throw new IllegalStateException("a bad subscriber");
        }));

        NothingIsLeft.eventually(() -> assertThat(log.errors()).anyMatch(line -> line.contains("a bad subscriber")));
    }

    /** Nothing between it and the receiver catches what it throws: it must come after the page. */
    @Test
    @Tag("A62")
    void norDoesOneThatBreaksTheRules() {
        signInWith(receive -> receive.subscribe(new CoreSubscriber<AuthorizationCode>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(1);
            }

            @Override
            public void onNext(AuthorizationCode code) {
                throw new IllegalStateException("a bad subscriber");
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onComplete() {}
        }));
    }

    private static void signInWith(Consumer<Mono<AuthorizationCode>> subscribe) {
        CompletableFuture<URI> opened = new CompletableFuture<>();
        subscribe.accept(WaitingLogin.RECEIVER.receive(
                WaitingLogin::newRequest, Browser.printing(opened::complete), Mono::just));
        URI uri = Awaited.of(opened);

        assertThat(LoginFlowTest.signIn(uri).body()).contains("You are signed in");
        // That the port is free is looked for after each test.
    }

    @Test
    void aFixedPortKeepsNothingOfAnEndedLogin() throws IOException {
        WeakReference<AuthorizationRequest> request = requestOfAnEndedLogin(WaitingLogin.freePort());

        Mono.fromRunnable(System::gc)
                .then(Mono.fromCallable(() -> {
                    assertThat(request.get() == null).as("collected").isTrue();
                    return true;
                }))
                .retryWhen(Retry.fixedDelay(100, Duration.ofMillis(50)))
                .subscribeOn(Schedulers.boundedElastic())
                .block();
    }

    private static WeakReference<AuthorizationRequest> requestOfAnEndedLogin(int port) {
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(port))) {
            login.isStillPending();
            return new WeakReference<>(login.request());
        }
    }

    @Test
    @Tag("A64")
    void aFailingBrowserEndsALoginWhoseUrlWasNotShown() {
        StepVerifier.create(WaitingLogin.RECEIVER.receive(
                        WaitingLogin::newRequest, uri -> Mono.error(new IllegalStateException("no browser"))))
                .verifyErrorMessage("no browser");
    }

    @Test
    @Tag("A78")
    void theCodeComesThoughThePageCannotBeWritten() throws IOException {
        String huge = "x".repeat(64 << 20);
        // The connection may live for ever here: it is not its end that the code waits for.
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .page(CallbackPage.create().unsafeHtml(outcome -> huge))
                .limits(new Listener.Limits(64, Duration.ofDays(1), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(receiver);
                Socket deaf = new Socket("127.0.0.1", login.port())) {
            deaf.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII));

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            login.freesItsPort();
        }
    }

    @Test
    @Tag("A78")
    void theCodeComesThoughTheBrowserIsGone() throws IOException {
        try (WaitingLogin login = WaitingLogin.start()) {
            try (Socket gone = new Socket("127.0.0.1", login.port())) {
                gone.getOutputStream()
                        .write(login.request("GET", "/auth?" + login.goodQuery())
                                .getBytes(StandardCharsets.US_ASCII));
                // Resets the connection, most likely before the page is written.
                gone.setSoLinger(true, 0);
            }

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            login.freesItsPort();
        }
    }
}
