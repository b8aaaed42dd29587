package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.util.retry.Retry;

/** When the port is held, when it is free, and how often a code comes. */
class LifeCycleTest {

    private static final LoopbackReceiver LINGERING = LoopbackReceiver.create().ports(0);
    private static final Browser NONE = Browser.printing(uri -> {});

    private static AuthorizationRequest request(URI redirectUri) {
        return AuthorizationRequest.builder(URI.create("https://auth.example.com/authorize"))
                .build(redirectUri);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = WaitingLogin.bind("127.0.0.1", 0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void a46_nothingListensBeforeSubscription() throws IOException {
        int port = freePort();
        Mono<AuthorizationCode> login = WaitingLogin.RECEIVER.ports(port).receive(LifeCycleTest::request, NONE);

        WaitingLogin.awaitFree(port);
        assertThat(login).isNotNull();
    }

    @Test
    void a02_eachLoginHasAStateOfItsOwn() {
        try (WaitingLogin first = WaitingLogin.start();
                WaitingLogin second = WaitingLogin.start()) {
            assertThat(first.state()).hasSize(43).isNotEqualTo(second.state());
        }
    }

    @ParameterizedTest(name = "A47 {0}")
    @ValueSource(strings = {"the same URL", "the cleaned address"})
    void reloadAfterSuccessGetsAPageOfItsOwn(String what) {
        try (WaitingLogin login = WaitingLogin.start(LINGERING)) {
            login.hit(login.goodQuery());
            RawResponse reload = what.equals("the same URL") ? login.hit(login.goodQuery()) : login.get("/auth");

            assertThat(reload.status()).isEqualTo(200);
            assertThat(reload.body()).contains("already complete");
            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void a47_anotherCodeWithTheSameStateIsAReloadToo() {
        try (WaitingLogin login = WaitingLogin.start(LINGERING)) {
            login.hit(login.goodQuery());
            RawResponse second = login.hit("code=other&state=" + login.state());

            assertThat(second.body()).contains("already complete");
            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void a49_aRepetitionAfterALostAnswerGetsThatPageToo() throws IOException {
        try (WaitingLogin login = WaitingLogin.start(LINGERING)) {
            try (Socket lost = new Socket("127.0.0.1", login.port())) {
                lost.getOutputStream()
                        .write(login.request("GET", "/auth?" + login.goodQuery())
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
            }

            assertThat(login.hit(login.goodQuery()).body()).contains("already complete");
        }
    }

    @RepeatedTest(20)
    void a48_ofHitsThatRaceOneWins() {
        try (WaitingLogin login = WaitingLogin.start(
                LINGERING.limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(200))))) {
            List<String> bodies = IntStream.range(0, 8)
                    .mapToObj(i -> CompletableFuture.supplyAsync(() ->
                            login.hit("code=c" + i + "&state=" + login.state()).body()))
                    .toList()
                    .stream()
                    .map(CompletableFuture::join)
                    .toList();

            assertThat(bodies)
                    .filteredOn(body -> body.contains("You are signed in"))
                    .hasSize(1);
            assertThat(bodies)
                    .filteredOn(body -> body.contains("already complete"))
                    .hasSize(7);
            assertThat(login.code().value()).startsWith("c");
        }
    }

    @Test
    void a50_loginsOnOnePortAreToldApartByTheirState() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(freePort());
        List<WaitingLogin> logins = new ArrayList<>();
        try {
            IntStream.range(0, 100).forEach(i -> logins.add(WaitingLogin.start(receiver)));
            for (int i = 99; i >= 0; i--) {
                logins.get(i).hit("code=c" + i + "&state=" + logins.get(i).state());
            }
            for (int i = 0; i < 100; i++) {
                assertThat(logins.get(i).code().value()).isEqualTo("c" + i);
            }
        } finally {
            logins.forEach(WaitingLogin::cancel);
        }
        logins.get(0).freesItsPort();
    }

    @RepeatedTest(20)
    void a50_aLoginRightAfterAnotherGetsTheSamePort() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .ports(freePort())
                .limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(1)));
        WaitingLogin first = WaitingLogin.start(receiver);
        first.cancel();
        try (WaitingLogin second = WaitingLogin.start(receiver)) {
            second.isStillPending();
        }
    }

    @ParameterizedTest(name = "A51 {0}")
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void heldByAnotherProgram(String address) throws IOException {
        heldPortIsReportedBeforeTheBrowserOpens(address);
    }

    @Test
    void a52_aPortHeldOnIpv6AloneIsReportedThoughTheHostIsLocalhost() throws IOException {
        heldPortIsReportedBeforeTheBrowserOpens("::1");
    }

    @ParameterizedTest(name = "A53 wildcard {0}")
    @ValueSource(strings = {"0.0.0.0", "::"})
    void heldByAWildcard(String address) throws IOException {
        heldPortIsReportedBeforeTheBrowserOpens(address);
    }

    private static void heldPortIsReportedBeforeTheBrowserOpens(String address) throws IOException {
        AtomicInteger opened = new AtomicInteger();
        try (ServerSocket foreign = WaitingLogin.bind(address, 0)) {
            int port = foreign.getLocalPort();

            StepVerifier.create(WaitingLogin.RECEIVER
                            .ports(port)
                            .receive(LifeCycleTest::request, Browser.printing(uri -> opened.incrementAndGet())))
                    .verifyErrorSatisfies(error -> assertThat(error)
                            .isInstanceOfSatisfying(
                                    PortInUseException.class,
                                    inUse -> assertThat(inUse.port()).isEqualTo(port))
                            .hasMessageContaining("Port " + port));
            assertThat(opened).hasValue(0);
        }
    }

    @Test
    void a52_afterThatErrorNeitherFamilyIsHeld() throws IOException {
        int port;
        try (ServerSocket foreign = WaitingLogin.bind("::1", 0)) {
            port = foreign.getLocalPort();
            StepVerifier.create(WaitingLogin.RECEIVER.ports(port).receive(LifeCycleTest::request, NONE))
                    .verifyError(PortInUseException.class);
        }
        WaitingLogin.awaitFree(port);
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(port))) {
            login.isStillPending();
        }
    }

    @Test
    void a51_theNextCandidateIsTaken() throws IOException {
        int free = freePort();
        try (ServerSocket foreign = WaitingLogin.bind("::1", 0);
                WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(foreign.getLocalPort(), free))) {
            assertThat(login.port()).isEqualTo(free);
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "A54 {0}")
    @ValueSource(strings = {"http://localhost:0/auth", "http://127.0.0.1:0/auth", "http://[::1]:0/auth"})
    void portZeroIsReplacedByTheRealOne(String redirectUri) {
        URI uri = URI.create(redirectUri);
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.redirectUri(uri))) {
            assertThat(login.port()).isPositive();
            assertThat(login.request().redirectUri()).hasToString(redirectUri.replace(":0/", ":" + login.port() + "/"));
            assertThat(login.request().uri().getRawQuery())
                    .contains("server_uri=" + "http%3A%2F%2F", "%3A" + login.port() + "%2Fauth");
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "A54 owned on {0}")
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void bothFamiliesAnswer(String address) {
        try (WaitingLogin login = WaitingLogin.start()) {
            byte[] request = login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII);

            assertThat(RawResponse.to(address, login.port(), request).status()).isEqualTo(200);
            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void a56_onlyLoopbackIsListenedOn() throws IOException {
        try (WaitingLogin login = WaitingLogin.start()) {
            List<InetAddress> others = NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(address -> !address.isLoopbackAddress() && address instanceof Inet4Address)
                    .toList();

            assertThat(others)
                    .allSatisfy(address -> assertThatThrownBy(() -> new Socket(address, login.port()).close())
                            .isInstanceOf(IOException.class));
            // Bound there by anybody else: it was not ours.
            WaitingLogin.bind("127.0.0.2", login.port()).close();
        }
    }

    @Test
    void a58_nobodyInTimeIsTypedAndFreesThePort() throws IOException {
        int port = freePort();
        // Made ahead: under virtual time every thread is the event loop, which must not wait for random bytes.
        AuthorizationRequest made = request(URI.create("http://localhost:" + port + "/auth"));
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            CompletableFuture<AuthorizationCode> code =
                    WaitingLogin.RECEIVER.ports(port).receive(uri -> made, NONE).toFuture();
            time.advanceTimeBy(Duration.ofMinutes(5).minusMillis(1));
            assertThat(code).isNotDone();
            time.advanceTimeBy(Duration.ofMillis(1));

            assertThatThrownBy(code::join)
                    .cause()
                    .isInstanceOf(LoginTimeoutException.class)
                    .hasMessageContaining("5 minutes");
            time.advanceTimeBy(Duration.ofSeconds(1));
        } finally {
            VirtualTimeScheduler.reset();
        }
        WaitingLogin.awaitFree(port);
    }

    @Test
    void a58_aCodeThatCameInTimeIsNotLostToItsPage() throws IOException {
        String huge = "x".repeat(64 << 20);
        CompletableFuture<Void> answered = new CompletableFuture<>();
        int port = freePort();
        AuthorizationRequest made = request(URI.create("http://localhost:" + port + "/auth"));
        String state = made.uri().toString().replaceAll(".*[?&]state=([^&]+).*", "$1");
        CompletableFuture<URI> opened = new CompletableFuture<>();
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            CompletableFuture<AuthorizationCode> code = WaitingLogin.RECEIVER
                    .ports(port)
                    .page(CallbackPage.create().unsafeHtml(outcome -> {
                        answered.complete(null);
                        return huge;
                    }))
                    .receive(uri -> made, Browser.printing(opened::complete))
                    .toFuture();
            opened.orTimeout(20, TimeUnit.SECONDS).join();
            time.advanceTimeBy(Duration.ofMinutes(5).minusMillis(500));
            try (Socket deaf = new Socket("127.0.0.1", port)) {
                deaf.getOutputStream()
                        .write(("GET /auth?code=c&state=" + state + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                answered.orTimeout(20, TimeUnit.SECONDS).join();
                time.advanceTimeBy(Duration.ofSeconds(2));

                assertThat(code.orTimeout(20, TimeUnit.SECONDS).join().value()).isEqualTo("c");
            }
            time.advanceTimeBy(Duration.ofSeconds(1));
        } finally {
            VirtualTimeScheduler.reset();
        }
        WaitingLogin.awaitFree(port);
    }

    @Test
    void a58_aTimeoutOfTheBrowserIsNotThatOfTheLogin() {
        StepVerifier.create(WaitingLogin.RECEIVER.receive(
                        LifeCycleTest::request, uri -> Mono.error(new TimeoutException("of the browser"))))
                .verifyErrorSatisfies(error -> assertThat(error).isExactlyInstanceOf(TimeoutException.class));
    }

    @Test
    void a59_cancellingFreesThePort() {
        WaitingLogin login = WaitingLogin.start();
        login.cancel();
        login.freesItsPort();
    }

    @Test
    void a59_cancellingWhileThePortIsBeingBoundFreesItToo() throws IOException {
        int port = freePort();
        for (int i = 0; i < 50; i++) {
            Disposable login = WaitingLogin.RECEIVER
                    .ports(port)
                    .receive(LifeCycleTest::request, NONE)
                    .subscribe();
            login.dispose();
        }
        WaitingLogin.awaitFree(port);
    }

    @RepeatedTest(20)
    void a60_cancellingInARaceWithAHitEitherEmitsOrCancels() {
        AtomicInteger swaps = new AtomicInteger();
        CompletableFuture<URI> opened = new CompletableFuture<>();
        CompletableFuture<String> state = new CompletableFuture<>();
        List<SignalType> signals = new CopyOnWriteArrayList<>();
        Disposable login = WaitingLogin.RECEIVER
                .receive(
                        uri -> {
                            AuthorizationRequest made = request(uri);
                            state.complete(made.uri().toString().replaceAll(".*[?&]state=([^&]+).*", "$1"));
                            opened.complete(uri);
                            return made;
                        },
                        NONE)
                .doOnNext(code -> swaps.incrementAndGet())
                .doFinally(signals::add)
                .subscribe();
        int port = opened.join().getPort();
        CompletableFuture<?> hit = CompletableFuture.runAsync(() -> hitQuietly(port, state.join()));
        login.dispose();
        hit.join();

        assertThat(signals).hasSize(1);
        assertThat(swaps).hasValueLessThanOrEqualTo(1);
        WaitingLogin.awaitFree(port);
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
    void a62_aSubscriberThatThrowsHarmsNeitherPageNorPort() {
        try (CapturedLog log = CapturedLog.everything()) {
            CompletableFuture<AuthorizationRequest> made = new CompletableFuture<>();
            CompletableFuture<URI> opened = new CompletableFuture<>();
            WaitingLogin.RECEIVER
                    .receive(
                            uri -> {
                                AuthorizationRequest request = request(uri);
                                made.complete(request);
                                return request;
                            },
                            Browser.printing(opened::complete))
                    .subscribe(code -> {
                        throw new IllegalStateException("a bad subscriber");
                    });
            opened.join();
            int port = made.join().redirectUri().getPort();
            String state = made.join().uri().toString().replaceAll(".*[?&]state=([^&]+).*", "$1");

            RawResponse response = RawResponse.to(
                    port, "GET /auth?code=c&state=" + state + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n");

            assertThat(response.body()).contains("You are signed in");
            WaitingLogin.awaitFree(port);
            assertThat(log.messages()).isNotEmpty();
        }
    }

    @Test
    void aFixedPortKeepsNothingOfALoginThatIsOver() throws IOException {
        WeakReference<AuthorizationRequest> request = requestOfALoginThatIsOver(freePort());

        Mono.fromRunnable(System::gc)
                .then(Mono.fromCallable(() -> {
                    assertThat(request.get() == null).as("collected").isTrue();
                    return true;
                }))
                .retryWhen(Retry.fixedDelay(100, Duration.ofMillis(50)))
                .subscribeOn(Schedulers.boundedElastic())
                .block();
    }

    private static WeakReference<AuthorizationRequest> requestOfALoginThatIsOver(int port) {
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(port))) {
            login.isStillPending();
            return new WeakReference<>(login.request());
        }
    }

    @Test
    void a63_twoSubscriptionsOfOneMonoAreTwoLogins() {
        List<URI> opened = new ArrayList<>();
        CountDownLatch both = new CountDownLatch(2);
        Mono<AuthorizationCode> receive =
                WaitingLogin.RECEIVER.receive(LifeCycleTest::request, Browser.printing(uri -> {
                    synchronized (opened) {
                        opened.add(uri);
                    }
                    both.countDown();
                }));
        Disposable first = receive.subscribe();
        Disposable second = receive.subscribe();
        assertThat(both).satisfies(CountDownLatch::await);
        first.dispose();
        second.dispose();

        assertThat(opened).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void a78_theCodeComesThoughThePageCannotBeWritten() throws IOException {
        String huge = "x".repeat(64 << 20);
        // The connection may live for ever here: it is not its end that the code waits for.
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .page(CallbackPage.create().unsafeHtml(outcome -> huge))
                .limits(new Listener.Limits(64, Duration.ofDays(1), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(receiver);
                Socket deaf = new Socket("127.0.0.1", login.port())) {
            deaf.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII));

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
            login.freesItsPort();
        }
    }

    @Test
    void a64_aBrowserThatFailsEndsALoginThatNobodyWasShown() {
        StepVerifier.create(WaitingLogin.RECEIVER.receive(
                        LifeCycleTest::request, uri -> Mono.error(new IllegalStateException("no browser"))))
                .verifyErrorMessage("no browser");
    }

    @Test
    void aPastedRedirectUrlIsJudgedLikeAHit() {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(lines.asFlux()))) {
            lines.tryEmitNext("nonsense");
            lines.tryEmitNext("http://localhost:4002/auth?code=c&state=wrong");
            assertThat(login.isPending()).isTrue();

            lines.tryEmitNext("  http://localhost:4002/auth?" + login.goodQuery() + "#_=_ ");

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
            assertThat(lines.currentSubscriberCount()).isZero();
        }
    }

    @Test
    void theEndOfWhatIsPastedChangesNothing() {
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(Mono.just("nonsense")))) {
            login.isStillPending();
        }
    }

    @Test
    void aPortThatTheSystemReservesIsSaidToBe() {
        assertThat(new PortInUseException(80, new IOException("Permission denied")))
                .hasMessageStartingWith("Port 80 cannot be listened on (Permission denied).");
    }

    @ParameterizedTest(name = "A57 {0}")
    @ValueSource(
            strings = {
                "https://localhost:4002/auth",
                "http://example.com:4002/auth",
                "http://192.168.0.1:4002/auth",
                "http://localhost.example:4002/auth",
                "http://user@localhost:4002/auth",
                "http://localhost:4002/auth?a=b",
                "http://localhost:4002/auth#a",
                "http://localhost:70000/auth",
                "http://localhost:4002",
                "localhost:4002/auth"
            })
    void redirectUriThatIsNotOursIsRefused(String redirectUri) {
        assertThatThrownBy(() -> LoopbackReceiver.create().redirectUri(URI.create(redirectUri)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(redirectUri);
    }

    /** Port 4002 may be held by something else on the machine that runs this. */
    @Test
    void theDefaultIsPort4002() {
        try (WaitingLogin login = WaitingLogin.start(LoopbackReceiver.create())) {
            assertThat(login.request().redirectUri()).hasToString("http://localhost:4002/auth");
            login.isStillPending();
        } catch (CompletionException held) {
            assertThat(held)
                    .cause()
                    .isInstanceOfSatisfying(
                            PortInUseException.class,
                            error -> assertThat(error.port()).isEqualTo(4002));
        }
    }
}
