package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationCode;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** What is listened on, and who is told when it cannot be. */
@ExtendWith(NothingIsLeft.class)
class PortTest {

    private static final Browser NONE = Browser.printing(uri -> {});

    @Test
    @Tag("A46")
    void nothingListensBeforeSubscription() throws IOException {
        int port = WaitingLogin.freePort();
        AtomicInteger made = new AtomicInteger();
        Mono<AuthorizationCode> login = WaitingLogin.RECEIVER
                .ports(port)
                .receive(
                        uri -> {
                            made.incrementAndGet();
                            return WaitingLogin.newRequest(uri);
                        },
                        NONE);
        // Begins later, so what had begun before would be there too.
        try (WaitingLogin other = WaitingLogin.start()) {
            other.isStillPending();
        }

        WaitingLogin.bind("127.0.0.1", port).close();
        assertThat(made).hasValue(0);
        Disposable subscription = login.subscribe();
        NothingIsLeft.eventually(() -> assertThat(made).hasValue(1));
        subscription.dispose();
    }

    @RepeatedTest(20)
    @Tag("A50")
    void aLoginRightAfterAnotherGetsTheSamePort() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER
                .ports(WaitingLogin.freePort())
                .limits(new Listener.Limits(64, Duration.ofSeconds(10), Duration.ofMillis(1)));
        WaitingLogin first = WaitingLogin.start(receiver);
        first.cancel();
        try (WaitingLogin second = WaitingLogin.start(receiver)) {
            second.isStillPending();
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A51")
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void heldByAnotherProgram(String address) throws IOException {
        heldPortIsReportedBeforeTheBrowserOpens(address);
    }

    @Test
    @Tag("A52")
    void aPortHeldOnIpv6AloneIsReportedThoughTheHostIsLocalhost() throws IOException {
        heldPortIsReportedBeforeTheBrowserOpens("::1");
    }

    @ParameterizedTest(name = "wildcard {0}")
    @Tag("A53")
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
                            .receive(WaitingLogin::newRequest, Browser.printing(uri -> opened.incrementAndGet())))
                    .verifyErrorSatisfies(error -> assertThat(error)
                            .isInstanceOfSatisfying(
                                    PortInUseException.class,
                                    inUse -> assertThat(inUse.port()).isEqualTo(port))
                            .hasMessageContaining("Port " + port));
            assertThat(opened).hasValue(0);
        }
    }

    @Test
    @Tag("A52")
    void afterThatErrorNeitherFamilyIsHeld() throws IOException {
        int port;
        try (ServerSocket foreign = WaitingLogin.bind("::1", 0)) {
            port = foreign.getLocalPort();
            StepVerifier.create(WaitingLogin.RECEIVER.ports(port).receive(WaitingLogin::newRequest, NONE))
                    .verifyError(PortInUseException.class);
        }
        WaitingLogin.awaitFree(port);
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(port))) {
            login.isStillPending();
        }
    }

    @Test
    @Tag("A51")
    void theNextCandidateIsTaken() throws IOException {
        int free = WaitingLogin.freePort();
        try (ServerSocket foreign = WaitingLogin.bind("::1", 0);
                WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(foreign.getLocalPort(), free))) {
            assertThat(login.port()).isEqualTo(free);
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A54")
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

    @ParameterizedTest(name = "owned on {0}")
    @Tag("A54")
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void bothFamiliesRespond(String address) {
        try (WaitingLogin login = WaitingLogin.start()) {
            byte[] request = login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII);

            assertThat(RawResponse.to(address, login.port(), request).status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    @Tag("A56")
    void onlyLoopbackIsListenedOn() throws IOException {
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
    void aPortThatTheSystemReservesIsSaidToBe() {
        assertThat(new PortInUseException(80, new IOException("Permission denied")))
                .hasMessageStartingWith("Port 80 cannot be listened on (Permission denied).");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A57")
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
