package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** Machines that lack an address family or lie about localhost, programs that are killed, and containers. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
@ExtendWith(NothingIsLeft.class)
class MachineTest {

    private static final URI LOCALHOST = URI.create("http://localhost:0/auth");
    private static final URI IPV4 = URI.create("http://127.0.0.1:0/auth");
    private static final URI IPV6 = URI.create("http://[::1]:0/auth");

    /** Set aside for documentation (RFC 5737), so that no machine has it. */
    private static final String NOT_OURS = "192.0.2.1";

    private static LoopbackReceiver on(String... addresses) {
        return WaitingLogin.RECEIVER.addresses(
                Stream.of(addresses).map(MachineTest::address).toList());
    }

    private static InetAddress address(String address) {
        try {
            return InetAddress.getByName(address);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest(name = "no IPv6: {0}")
    @Tag("A55")
    @ValueSource(strings = {"http://localhost:0/auth", "http://127.0.0.1:0/auth"})
    void withoutIpv6TheOtherFamilyIsEnough(String redirectUri) {
        try (WaitingLogin login = WaitingLogin.start(on("127.0.0.1", NOT_OURS).redirectUri(URI.create(redirectUri)))) {
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "IPv6 only: {0}")
    @Tag("A55")
    @ValueSource(strings = {"http://localhost:0/auth", "http://[::1]:0/auth"})
    void withoutIpv4TheOtherFamilyIsEnough(String redirectUri) {
        assumeThat(WaitingLogin.HAS_IPV6).isTrue();
        try (WaitingLogin login = WaitingLogin.start(on(NOT_OURS, "::1").redirectUri(URI.create(redirectUri)))) {
            byte[] request = login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII);

            assertThat(RawResponse.to("::1", login.port(), request).status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    /**
     * The resolver knows one family of localhost only, and it is the one that this machine lacks. Most browsers ask no
     * resolver.
     */
    @Test
    @Tag("E53")
    @Tag("A55")
    void aLocalhostOfTheOtherFamilyOnlyIsExplainedAndTheLoginStillWaits(CapturedLog log) throws IOException {
        try (WaitingLogin login = WaitingLogin.start(on("127.0.0.1", NOT_OURS))) {
            SharedListener.Lease lease = SharedListener.take(
                    new Listener.Place(List.of(address("127.0.0.1")), 0),
                    Listener.Limits.DEFAULT,
                    Schedulers.parallel());
            Listener listener = lease.listener().block();
            lease.dispose();

            assertThat(LoginAttempt.localhostProblem(new InetAddress[] {address("::1")}, listener))
                    .contains(
                            "localhost resolves to 0:0:0:0:0:0:0:1 only", "use the host 127.0.0.1 in the redirect URI");
            assertThat(LoginAttempt.localhostProblem(
                            new InetAddress[] {address("::1"), address("127.0.0.1")}, listener))
                    .isNull();
            assertThat(LoginAttempt.localhostProblem(new InetAddress[0], listener))
                    .isNull();
            assertThatThrownBy(() -> LoginAttempt.localhostProblem(new InetAddress[] {address(NOT_OURS)}, listener))
                    .isInstanceOf(RedirectHostException.class);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A55")
    void anAddressThatTheMachineLacksIsSaidToBeMissingBeforeTheBrowserOpens() {
        AtomicInteger opened = new AtomicInteger();
        Browser browser = Browser.printing(uri -> opened.incrementAndGet());

        StepVerifier.create(on("127.0.0.1", NOT_OURS).redirectUri(IPV6).receive(WaitingLogin::newRequest, browser))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOfSatisfying(
                                RedirectHostException.class,
                                missing -> assertThat(missing.host()).isEqualTo("[::1]")));
        StepVerifier.create(on(NOT_OURS).redirectUri(LOCALHOST).receive(WaitingLogin::newRequest, browser))
                .verifyError(RedirectHostException.class);
        assertThat(opened).hasValue(0);
    }

    @Test
    @Tag("A55")
    void theNextCandidateIsTakenThen() {
        try (WaitingLogin login = WaitingLogin.start(on("127.0.0.1", NOT_OURS).redirectUri(IPV6, IPV4))) {
            assertThat(login.request().redirectUri().getHost()).isEqualTo("127.0.0.1");
            login.isStillPending();
        }
    }

    @Test
    @Tag("A55")
    void aJvmThatKnowsNoIpv6Works() throws InterruptedException {
        try (ChildJvm program =
                ChildJvm.start(List.of("-Djava.net.preferIPv4Stack=true"), "http://localhost:0/auth", "127.0.0.1")) {
            program.await("CODE");
            program.ends();
        }
    }

    /** A separate network namespace, for which Linux requires root: elsewhere the cases above stand for these. */
    @ParameterizedTest(name = "a machine without {0}")
    @Tag("A55")
    @CsvSource(delimiter = '|', textBlock = """
                    IPv6 | ip link set lo up; ip -6 addr flush dev lo      | http://localhost:0/auth | 127.0.0.1
                    IPv4 | ip link set lo up; ip addr del 127.0.0.1/8 dev lo | http://[::1]:0/auth   | ::1
                    IPv4 | ip link set lo up; ip addr del 127.0.0.1/8 dev lo | http://localhost:0/auth | ::1
                    """)
    void aMachineWithOneFamilyWorks(String what, String without, String redirectUri, String from)
            throws IOException, InterruptedException {
        assumeThat(canRun("unshare", "-n", "sh", "-c", without)).isTrue();
        List<String> command = new ArrayList<>(List.of("unshare", "-n", "sh", "-c", without + "; exec \"$@\"", "sh"));
        command.addAll(ChildJvm.command(List.of(), redirectUri, from));
        try (ChildJvm program = ChildJvm.wrapped(command)) {
            program.await("CODE");
            program.ends();
        }
    }

    private static boolean canRun(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException missing) {
            return false;
        }
    }

    @Test
    @Tag("A56")
    void theSocketTableShowsLoopbackOnly() throws IOException {
        assumeThat(Path.of("/proc/self/net/tcp")).exists();
        assumeThat(ByteOrder.nativeOrder()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
        try (WaitingLogin login = WaitingLogin.start()) {
            List<String> addresses = new ArrayList<>();
            for (String table : List.of("tcp", "tcp6")) {
                for (String line : Files.readAllLines(Path.of("/proc/self/net", table))) {
                    String[] columns = line.strip().split("\\s+");
                    boolean listens = columns[3].equals("0A");
                    if (listens && columns[1].endsWith(":%04X".formatted(login.port()))) {
                        addresses.add(columns[1].substring(0, columns[1].indexOf(':')));
                    }
                }
            }
            // 127.0.0.1, alone or within IPv6, and ::1, as a little-endian kernel writes them.
            assertThat(addresses)
                    .isNotEmpty()
                    .isSubsetOf("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000");
        }
    }

    @Test
    @Tag("A56")
    void aContainerListensElsewhereOnlyWhenTold() throws IOException {
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.unsafeBindAddress("0.0.0.0"));
                Socket elsewhere = new Socket("127.0.0.2", login.port())) {
            elsewhere
                    .getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery())
                            .replace("localhost:", "127.0.0.2:")
                            .getBytes(StandardCharsets.US_ASCII));
            // The browser must still have asked for the published address.
            assertThat(RawResponse.read(elsewhere).status()).isEqualTo(421);
            login.isStillPending();
        }
        assertThatThrownBy(() -> LoopbackReceiver.create().unsafeBindAddress("localhost"))
                .isInstanceOf(IllegalArgumentException.class);
        StepVerifier.create(WaitingLogin.RECEIVER
                        .unsafeBindAddress(NOT_OURS)
                        .receive(WaitingLogin::newRequest, Browser.printing(uri -> {})))
                .verifyError(RedirectHostException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/\u00fcber", "/./auth", "/a/../auth", "/auth/..", "/%2e/auth", "/a/%2E%2e/auth"})
    void aPathThatBrowsersRequestInAnotherSpellingIsRefused(String path) {
        URI redirectUri = URI.create("http://127.0.0.1:0" + path);

        assertThatThrownBy(() -> LoopbackReceiver.create().redirectUri(redirectUri))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another spelling");
    }

    @Test
    @Tag("A57")
    void aLocalhostThatLeadsAwayIsRefused(@TempDir Path directory) throws IOException, InterruptedException {
        Path hosts = Files.writeString(directory.resolve("hosts"), NOT_OURS + " localhost\n");
        try (ChildJvm program = ChildJvm.start(List.of("-Djdk.net.hosts.file=" + hosts), "http://localhost:0/auth")) {
            assertThat(program.await("FAILED")).isEqualTo("RedirectHostException");
            program.ends();
        }
    }

    @Test
    @Tag("A57")
    void aLiteralNeedsNoLocalhost(@TempDir Path directory) throws IOException, InterruptedException {
        Path hosts = Files.writeString(directory.resolve("hosts"), NOT_OURS + " localhost\n");
        try (ChildJvm program =
                ChildJvm.start(List.of("-Djdk.net.hosts.file=" + hosts), "http://127.0.0.1:0/auth", "127.0.0.1")) {
            program.await("CODE");
            program.ends();
        }
    }

    @Test
    @Tag("A57")
    void norDoesAMachineWithoutThatName(@TempDir Path directory) throws IOException, InterruptedException {
        Path hosts = Files.writeString(directory.resolve("hosts"), "\n");
        try (ChildJvm program =
                ChildJvm.start(List.of("-Djdk.net.hosts.file=" + hosts), "http://localhost:0/auth", "127.0.0.1")) {
            program.await("CODE");
            program.ends();
        }
    }

    @Test
    @Tag("A61")
    void aProgramThatIsToldToEndDoesNotWaitForTheLogin() throws InterruptedException {
        try (ChildJvm program = ChildJvm.start(List.of(), "http://localhost:0/auth")) {
            program.await("WAITING");
            program.process().destroy();

            // 2 s on a quiet machine; the login would have waited for 5 minutes.
            program.ends(Duration.ofSeconds(20));
        }
    }

    @Test
    @Tag("A61")
    void afterAProgramWasKilledItsPortCanBeBoundAtOnce() throws IOException, InterruptedException {
        try (ChildJvm program = ChildJvm.start(List.of(), "http://localhost:0/auth")) {
            int port = Integer.parseInt(program.await("WAITING"));
            // Leaves the port in TIME_WAIT, as each response does, and one connection open.
            RawResponse.to(port, "GET / HTTP/1.1\r\nHost: localhost:" + port + "\r\n\r\n");
            try (Socket open = new Socket("127.0.0.1", port)) {
                program.process().destroyForcibly();
                program.ends();
                assertThat(open.isConnected()).isTrue();

                try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.ports(port))) {
                    login.isStillPending();
                }
            }
        }
    }

    @Test
    @Tag("A61")
    void aProgramEndsByItselfAfterItsLogin() throws InterruptedException {
        try (ChildJvm program = ChildJvm.start(List.of(), "http://localhost:0/auth", "127.0.0.1")) {
            program.await("CODE");
            // No thread of the receiver keeps the JVM alive.
            program.ends();
        }
    }
}
