package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** Assignment of requests to logins, and the responses to all other requests. */
@ExtendWith(NothingIsLeft.class)
class OneResponseTest {

    @Test
    @Tag("A02")
    void eachLoginHasItsOwnState() {
        try (WaitingLogin first = WaitingLogin.start();
                WaitingLogin second = WaitingLogin.start()) {
            assertThat(first.state()).hasSize(43).isNotEqualTo(second.state());
        }
    }

    @Test
    @Tag("A02")
    void aStateIsNotTakenAgainAfterAFailure() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        try (WaitingLogin first = WaitingLogin.start(receiver);
                WaitingLogin second = WaitingLogin.start(receiver)) {
            first.hit("error=access_denied&state=" + first.state());
            assertThat(first.failure()).isNotNull();

            assertThat(second.hit(first.goodQuery()).body()).contains("already used");
            second.isStillPending();
        }
    }

    @Test
    @Tag("A47")
    void aReloadOfTheCleanedAddressIsToldThatTheLinkWasUsed() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        // The other login keeps the port, however long the test takes.
        try (WaitingLogin login = WaitingLogin.start(receiver);
                WaitingLogin other = WaitingLogin.start(receiver)) {
            login.hit(login.goodQuery());
            RawResponse reload = login.get("/auth");

            assertThat(reload.status()).isEqualTo(200);
            assertThat(reload.body()).contains("already used");
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            assertThat(other.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A47")
    @Tag("E51")
    void aReloadOfTheWholeAddressGetsTheOutcomeAgain() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        // The other login keeps the port, however long the test takes.
        try (WaitingLogin login = WaitingLogin.start(receiver);
                WaitingLogin other = WaitingLogin.start(receiver)) {
            login.hit(login.goodQuery());
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            RawResponse reload = login.hit(login.goodQuery());

            assertThat(reload.status()).isEqualTo(200);
            assertThat(reload.body()).contains("You are signed in");
            assertThat(other.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A47")
    void anotherCodeWithTheSameStateIsToldThatTheLinkWasUsed() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        // The other login keeps the port, however long the test takes.
        try (WaitingLogin login = WaitingLogin.start(receiver);
                WaitingLogin other = WaitingLogin.start(receiver)) {
            login.hit(login.goodQuery());
            RawResponse second = login.hit("code=other&state=" + login.state());

            assertThat(second.body()).contains("already used");
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            assertThat(other.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A49")
    @Tag("E51")
    void aRedirectThatIsRepeatedAfterALostResponseGetsTheOutcome() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        // The other login keeps the port, however long the test takes.
        try (WaitingLogin login = WaitingLogin.start(receiver);
                WaitingLogin other = WaitingLogin.start(receiver)) {
            try (Socket lost = new Socket("127.0.0.1", login.port())) {
                lost.getOutputStream()
                        .write(login.request("GET", "/auth?" + login.goodQuery())
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            }

            assertThat(login.hit(login.goodQuery()).body()).contains("You are signed in");
            assertThat(other.isPending()).isTrue();
        }
    }

    @RepeatedTest(20)
    @Tag("A48")
    void ofHitsThatRaceOneWins() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        // The other login keeps the port, however long the test takes.
        try (WaitingLogin login = WaitingLogin.start(receiver);
                WaitingLogin other = WaitingLogin.start(receiver)) {
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
            assertThat(bodies).filteredOn(body -> body.contains("already used")).hasSize(7);
            assertThat(login.code().secret()).startsWith("c");
            assertThat(other.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A50")
    void loginsOnOnePortAreToldApartByTheirState() throws IOException {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.ports(WaitingLogin.freePort());
        List<WaitingLogin> logins = new ArrayList<>();
        try {
            IntStream.range(0, 100).forEach(i -> logins.add(WaitingLogin.start(receiver)));
            for (int i = 99; i >= 0; i--) {
                logins.get(i).hit("code=c" + i + "&state=" + logins.get(i).state());
            }
            for (int i = 0; i < 100; i++) {
                assertThat(logins.get(i).code().secret()).isEqualTo("c" + i);
            }
        } finally {
            logins.forEach(WaitingLogin::cancel);
        }
        logins.get(0).freesItsPort();
    }

    /** Both logins use one port, so only the state distinguishes them. */
    @Test
    @Tag("A63")
    void twoSubscriptionsOfOneMonoAreTwoLogins() throws IOException {
        List<URI> opened = new CopyOnWriteArrayList<>();
        Mono<AuthorizationCode> receive = WaitingLogin.RECEIVER
                .ports(WaitingLogin.freePort())
                .receive(WaitingLogin::newRequest, Browser.printing(opened::add), Mono::just);
        List<CompletableFuture<AuthorizationCode>> codes = List.of(receive.toFuture(), receive.toFuture());
        NothingIsLeft.eventually(() -> assertThat(opened).hasSize(2));

        assertThat(LoginFlowTest.signIn(opened.get(0)).body()).contains("You are signed in");
        Awaited.of(CompletableFuture.anyOf(codes.get(0), codes.get(1)));
        assertThat(codes).filteredOn(CompletableFuture::isDone).hasSize(1);
        assertThat(LoginFlowTest.signIn(opened.get(1)).body()).contains("You are signed in");
        assertThat(codes)
                .extracting(Awaited::of)
                .extracting(AuthorizationCode::codeVerifier)
                .doesNotHaveDuplicates();
    }
}
