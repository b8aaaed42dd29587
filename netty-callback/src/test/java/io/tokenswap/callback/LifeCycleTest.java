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
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.util.retry.Retry;

/** When the port is held, when it is free, and how often a code comes. */
@ExtendWith(NothingIsLeft.class)
class LifeCycleTest {

    private static final LoopbackReceiver LINGERING = LoopbackReceiver.create().ports(0);
    private static final Browser NONE = Browser.printing(uri -> {});

    private static AuthorizationRequest request(URI redirectUri) {
        return NothingIsLeft.watch(AuthorizationRequest.builder(URI.create("https://auth.example.com/authorize"))
                .build(redirectUri));
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

    @Test
    void a02_aStateIsNotTakenAgainAfterAFailure() throws IOException {
        LoopbackReceiver receiver = LINGERING.ports(freePort());
        try (WaitingLogin first = WaitingLogin.start(receiver);
                WaitingLogin second = WaitingLogin.start(receiver)) {
            first.hit("error=access_denied&state=" + first.state());
            assertThat(first.failure()).isNotNull();

            assertThat(second.hit(first.goodQuery()).body()).contains("already complete");
            second.isStillPending();
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
    void a58_nobodyInTimeIsTypedAndFreesThePort() {
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
    void a58_aCodeThatCameInTimeIsNotLostToItsPage() throws IOException {
        String huge = "x".repeat(64 << 20);
        CompletableFuture<Void> answered = new CompletableFuture<>();
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .scheduler(time)
                .page(CallbackPage.create().unsafeHtml(outcome -> {
                    answered.complete(null);
                    return huge;
                }));
        WaitingLogin login = WaitingLogin.start(receiver);
        time.advanceTimeBy(Duration.ofMinutes(5).minusMillis(500));
        try (Socket deaf = new Socket("127.0.0.1", login.port())) {
            deaf.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII));
            answered.orTimeout(20, TimeUnit.SECONDS).join();
            // Past the timeout of the login, and past the second that a page may take.
            NothingIsLeft.eventually(() -> {
                time.advanceTimeBy(Duration.ofSeconds(2));
                assertThat(login.isPending()).isFalse();
            });

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
        time.advanceTimeBy(Duration.ofSeconds(1));
        login.freesItsPort();
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

    /** Either the code comes, once, or the login is cancelled and none comes, neither then nor later. */
    @RepeatedTest(50)
    void a60_cancellingInARaceWithAHitEitherEmitsOrCancels() {
        CompletableFuture<AuthorizationRequest> opened = new CompletableFuture<>();
        List<String> signals = new CopyOnWriteArrayList<>();
        Disposable login = WaitingLogin.RECEIVER
                .receive(
                        uri -> {
                            AuthorizationRequest made = request(uri);
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
        assertThat(signals).isIn(List.of("cancelled"), List.of("code", "ended"), List.of("code", "cancelled", "ended"));
    }

    @Test
    void a60_afterACancellationNoHitIsSwapped() {
        ScriptedEndpoint endpoint = new ScriptedEndpoint();
        CompletableFuture<URI> opened = new CompletableFuture<>();
        Disposable login = LoginFlow.create(
                        endpoint, () -> AuthorizationRequest.builder(URI.create("https://auth.example.com/")))
                .receiver(LINGERING)
                .browser(Browser.printing(opened::complete))
                .login()
                .subscribe();
        URI uri = opened.orTimeout(20, TimeUnit.SECONDS).join();
        login.dispose();
        // The port lingers, so there is somebody to hit.
        RawResponse response = LoginFlowTest.signIn(uri);

        assertThat(response.status()).isIn(400, 404);
        assertThat(endpoint.sent).isEmpty();
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
    void a62_aSubscriberThatThrowsHarmsNeitherPageNorPort(CapturedLog log) {
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
        String state = NothingIsLeft.state(opened.join().toString());
        int port = made.join().redirectUri().getPort();

        RawResponse response = RawResponse.to(
                port, "GET /auth?code=c&state=" + state + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n");

        assertThat(response.body()).contains("You are signed in");
        WaitingLogin.awaitFree(port);
        assertThat(log.errors()).anyMatch(line -> line.contains("a bad subscriber"));
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
    void a78_theCodeComesThoughTheBrowserIsGone() throws IOException {
        try (WaitingLogin login = WaitingLogin.start()) {
            try (Socket gone = new Socket("127.0.0.1", login.port())) {
                gone.getOutputStream()
                        .write(login.request("GET", "/auth?" + login.goodQuery())
                                .getBytes(StandardCharsets.US_ASCII));
                // Resets the connection, most likely before the page is written.
                gone.setSoLinger(true, 0);
            }

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
            login.freesItsPort();
        }
    }

    @Test
    void aPageThatFailsIsReplaced(CapturedLog log) {
        LoopbackReceiver receiver =
                WaitingLogin.RECEIVER.page(CallbackPage.create().unsafeHtml(outcome -> {
                    throw new IllegalStateException("a bad page");
                }));
        try (WaitingLogin login = WaitingLogin.start(receiver)) {
            assertThat(login.hit("code=c&state=wrong").status()).isEqualTo(400);
            RawResponse response = login.hit(login.goodQuery());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("You are signed in");
            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
        assertThat(log.warnings(CallbackPage.class)).hasSize(2).allMatch(line -> line.contains("a bad page"));
    }

    /** Else a stranger would fill the log, or keep the application busy, with hits alone. */
    @Test
    void a77_aPageIsMadeOnceHoweverManyBadHitsGetIt(CapturedLog log) {
        AtomicInteger made = new AtomicInteger();
        CallbackPage failing = CallbackPage.create().unsafeHtml(outcome -> {
            made.incrementAndGet();
            throw new IllegalStateException("a bad page");
        });
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.page(failing))) {
            for (int i = 0; i < 20; i++) {
                assertThat(login.hit("code=c&state=wrong").body()).contains("This link is not valid");
            }
            login.isStillPending();
        }
        assertThat(made).as("pages, one for a bad link and one for the login").hasValue(2);
        assertThat(log.warnings(CallbackPage.class)).hasSize(2);
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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost:4002/auth?code=CODE&state=STATE",
                "https://elsewhere.example/?code=CODE&state=STATE",
                "?code=CODE&state=STATE",
                "code=CODE&state=STATE",
                "\tstate=STATE&code=CODE#_=_\r"
            })
    void aPieceOfTheUrlIsEnough(String pasted) {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(lines.asFlux()))) {
            lines.tryEmitNext(pasted.replace("CODE", WaitingLogin.CODE).replace("STATE", login.state()));

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void aCodeAloneProvesNothing() {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(lines.asFlux()))) {
            lines.tryEmitNext(WaitingLogin.CODE);

            login.isStillPending();
        }
    }

    @Test
    void aCodeAloneIsTakenWherePkceProtects() {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.unsafePastedCode(lines.asFlux()))) {
            lines.tryEmitNext("what is this?");
            lines.tryEmitNext("short");
            lines.tryEmitNext("http://localhost:4002/auth");
            lines.tryEmitNext("http://localhost:4002/auth?code=" + WaitingLogin.CODE + "&state=wrong");
            lines.tryEmitNext("code=" + WaitingLogin.CODE + "&state=wrong");
            assertThat(login.isPending()).isTrue();
            lines.tryEmitNext(" " + WaitingLogin.CODE + " ");

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
            assertThat(login.code().codeVerifier()).isNotNull();
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
