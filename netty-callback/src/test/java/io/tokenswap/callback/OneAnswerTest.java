package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** Which hit is the answer to which login, and what all the others get. */
@ExtendWith(NothingIsLeft.class)
class OneAnswerTest {

    private static final LoopbackReceiver LINGERING = LoopbackReceiver.create().ports(0);

    @Test
    void a02_eachLoginHasAStateOfItsOwn() {
        try (WaitingLogin first = WaitingLogin.start();
                WaitingLogin second = WaitingLogin.start()) {
            assertThat(first.state()).hasSize(43).isNotEqualTo(second.state());
        }
    }

    @Test
    void a02_aStateIsNotTakenAgainAfterAFailure() throws IOException {
        LoopbackReceiver receiver = LINGERING.ports(WaitingLogin.freePort());
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
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void a47_anotherCodeWithTheSameStateIsAReloadToo() {
        try (WaitingLogin login = WaitingLogin.start(LINGERING)) {
            login.hit(login.goodQuery());
            RawResponse second = login.hit("code=other&state=" + login.state());

            assertThat(second.body()).contains("already complete");
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void a49_aRepetitionAfterALostAnswerGetsThatPageToo() throws IOException {
        try (WaitingLogin login = WaitingLogin.start(LINGERING)) {
            try (Socket lost = new Socket("127.0.0.1", login.port())) {
                lost.getOutputStream()
                        .write(login.request("GET", "/auth?" + login.goodQuery())
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
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
            assertThat(login.code().secret()).startsWith("c");
        }
    }

    @Test
    void a50_loginsOnOnePortAreToldApartByTheirState() throws IOException {
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

    /** On one port, so that nothing but the state tells them apart. */
    @Test
    void a63_twoSubscriptionsOfOneMonoAreTwoLogins() throws IOException {
        List<URI> opened = new CopyOnWriteArrayList<>();
        Mono<AuthorizationCode> receive = WaitingLogin.RECEIVER
                .ports(WaitingLogin.freePort())
                .receive(WaitingLogin::newRequest, Browser.printing(opened::add));
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
