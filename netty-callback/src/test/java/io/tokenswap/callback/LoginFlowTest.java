package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Whole login, with a browser that responds at once or when the test says so. */
@ExtendWith(NothingIsLeft.class)
class LoginFlowTest {

    private final ScriptedEndpoint endpoint = new ScriptedEndpoint();
    private final List<URI> opened = new CopyOnWriteArrayList<>();
    private final CompletableFuture<URI> firstOpened = new CompletableFuture<>();
    private final LoginFlow flow = LoginFlow.create(
                    endpoint, () -> AuthorizationRequest.builder(URI.create("https://auth.example.com/")))
            .receiver(WaitingLogin.RECEIVER)
            .browser(Browser.printing(uri -> {
                opened.add(uri);
                firstOpened.complete(uri);
            }));

    /** Signs in, as a browser that is sent through the login and back would. */
    static RawResponse signIn(URI authorizeUri) {
        NothingIsLeft.watch(authorizeUri.toString());
        URI redirectUri = URI.create(parameter(authorizeUri, "server_uri"));
        return RawResponse.to(
                redirectUri.getPort(),
                "GET /auth?code=" + WaitingLogin.CODE + "&state=" + parameter(authorizeUri, "state")
                        + " HTTP/1.1\r\nHost: localhost:" + redirectUri.getPort() + "\r\n\r\n");
    }

    private static String parameter(URI uri, String name) {
        for (String pair : uri.getQuery().split("&", -1)) {
            if (pair.startsWith(name + "=")) {
                return pair.substring(name.length() + 1);
            }
        }
        throw new AssertionError("No " + name);
    }

    static final Browser OBEDIENT = uri -> Mono.fromRunnable(() -> signIn(uri));

    private static <T> T await(CompletableFuture<T> future) {
        return Awaited.of(future);
    }

    @Test
    void aLoginYieldsASession() {
        StepVerifier.create(flow.browser(OBEDIENT).login().flatMap(TokenSession::token))
                .assertNext(
                        token -> assertThat(token.accessToken().secret()).isEqualTo("token-for-" + WaitingLogin.CODE))
                .verifyComplete();
        assertThat(endpoint.sent).hasSize(1);
    }

    @Test
    void theOptionsStandInTheRequest() {
        CompletableFuture<Token> token = flow.scopes("user-read-private", "user-read-email")
                .request(request -> request.showDialog().parameter("locale", "de"))
                .token()
                .toFuture();
        URI uri = await(firstOpened);
        token.cancel(true);

        assertThat(parameter(uri, "scope")).isEqualTo("user-read-private user-read-email");
        assertThat(parameter(uri, "show_dialog")).isEqualTo("true");
        assertThat(parameter(uri, "locale")).isEqualTo("de");
        assertThat(uri.getQuery()).doesNotContain("client_id");
    }

    @Test
    void aClientIdLeadsStraightToTheProvider() {
        CompletableFuture<Token> token =
                flow.request(request -> request.clientId("public-id")).token().toFuture();
        URI uri = await(firstOpened);
        token.cancel(true);

        assertThat(parameter(uri, "client_id")).isEqualTo("public-id");
        assertThat(parameter(uri, "redirect_uri")).startsWith("http://localhost:");
    }

    @Test
    void whoSubscribesWhileALoginWaitsJoinsIt() {
        CompletableFuture<TokenSession> first = flow.login().toFuture();
        CompletableFuture<TokenSession> second = flow.login().toFuture();
        CompletableFuture<Token> token = flow.token().toFuture();
        signIn(await(firstOpened));

        assertThat(await(first)).isSameAs(await(second));
        assertThat(await(token).accessToken().secret()).isEqualTo("token-for-" + WaitingLogin.CODE);
        assertThat(opened).hasSize(1);
        assertThat(endpoint.sent).hasSize(1);
    }

    @Test
    void cancellingOneOfTwoDoesNotHarmTheOther() {
        CompletableFuture<TokenSession> first = flow.login().toFuture();
        CompletableFuture<TokenSession> second = flow.login().toFuture();
        URI uri = await(firstOpened);
        first.cancel(true);
        signIn(uri);

        assertThat(await(second)).isNotNull();
        assertThat(opened).hasSize(1);
    }

    @Test
    @Tag("A59")
    void cancellingAllFreesThePort() {
        CompletableFuture<TokenSession> first = flow.login().toFuture();
        CompletableFuture<TokenSession> second = flow.login().toFuture();
        URI uri = await(firstOpened);
        first.cancel(true);
        second.cancel(true);

        WaitingLogin.awaitFree(URI.create(parameter(uri, "server_uri")).getPort());
    }

    @Test
    void theNextLoginStartsAnew() {
        LoginFlow obedient = flow.browser(OBEDIENT);
        TokenSession first = obedient.login().block();
        TokenSession second = obedient.login().block();

        assertThat(first).isNotSameAs(second);
        assertThat(endpoint.sent).hasSize(2);
    }

    @Test
    void loggingInAgainJoinsNoOtherLogin() {
        List<CompletableFuture<URI>> browsers =
                List.of(new CompletableFuture<>(), new CompletableFuture<>(), new CompletableFuture<>());
        AtomicInteger next = new AtomicInteger();
        LoginFlow again = flow.browser(Browser.printing(
                        uri -> browsers.get(next.getAndIncrement()).complete(uri)))
                .loginAgain();
        CompletableFuture<TokenSession> login = again.login().toFuture();
        signIn(await(browsers.get(0)));
        TokenSession session = await(login);
        CompletableFuture<TokenSession> another = again.login().toFuture();
        URI first = await(browsers.get(1));

        endpoint.endGrants();
        CompletableFuture<Token> renewed = session.refresh().toFuture();
        URI second = await(browsers.get(2));
        signIn(second);

        assertThat(await(renewed).accessToken().secret()).isEqualTo("token-for-" + WaitingLogin.CODE);
        assertThat(another).isNotDone();
        signIn(first);
        assertThat(await(another)).isNotSameAs(session);
        assertThat(endpoint.sent).hasSize(3);
    }

    @Test
    void aSwapThatCouldNotBeSentIsRepeated() {
        endpoint.failing(Reason.NOT_SENT, Reason.NOT_SENT);

        StepVerifier.create(flow.browser(OBEDIENT).token()).expectNextCount(1).verifyComplete();
        assertThat(endpoint.sent).hasSize(3).allMatch(code -> code == endpoint.sent.get(0));
    }

    @Test
    void itIsNotRepeatedForEver() {
        endpoint.failing(Reason.NOT_SENT, Reason.NOT_SENT);

        StepVerifier.create(flow.swapAttempts(2).browser(OBEDIENT).token())
                .verifyErrorSatisfies(error -> assertThat(error).isInstanceOf(TokenUnavailableException.class));
        assertThat(endpoint.sent).hasSize(2);
        assertThatThrownBy(() -> flow.swapAttempts(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NOT_SENT")
    void aSwapThatMayHaveArrivedIsNeverRepeated(Reason reason) {
        endpoint.failing(reason);

        StepVerifier.create(flow.browser(OBEDIENT).token()).verifyErrorMessage(reason.toString());
        assertThat(endpoint.sent).hasSize(1);
    }

    @Test
    @Tag("A12")
    void aCodeThatComesWithAnErrorIsNotSwapped() {
        Browser denying = uri -> Mono.fromRunnable(() -> RawResponse.to(
                URI.create(parameter(uri, "server_uri")).getPort(),
                "GET /auth?error=access_denied&code=c&state=" + parameter(uri, "state")
                        + " HTTP/1.1\r\nHost: localhost:"
                        + URI.create(parameter(uri, "server_uri")).getPort() + "\r\n\r\n"));

        StepVerifier.create(flow.browser(denying).token()).verifyError(AuthorizationFailedException.class);
        assertThat(endpoint.sent).isEmpty();
    }

    @Test
    @Tag("E01")
    void optionsDoNotDependOnTheirOrder() {
        LoopbackReceiver receiver = WaitingLogin.RECEIVER.timeout(Duration.ofMinutes(1));
        Duration moment = Duration.ofMillis(50);
        for (LoginFlow timed : List.of(
                flow.timeout(moment).receiver(receiver),
                flow.receiver(receiver).timeout(moment),
                flow.timeout(moment)
                        .browser(Browser.printing(opened::add))
                        .scopes("a")
                        .swapAttempts(1))) {
            StepVerifier.create(timed.token())
                    .verifyErrorSatisfies(error -> assertThat(error)
                            .isInstanceOfSatisfying(
                                    LoginTimeoutException.class,
                                    late -> assertThat(late.timeout()).isEqualTo(moment)));
        }
    }

    @Test
    @Tag("E01")
    void portsAndRedirectUriOfAReceiverDoNotDependOnTheirOrder() {
        URI first = URI.create("http://127.0.0.1:4002/a");
        URI second = URI.create("http://[::1]:4003/b");
        LoopbackReceiver receiver = LoopbackReceiver.create();

        assertThat(receiver.ports(1, 2).redirectUri(first, second).options().candidates())
                .isEqualTo(receiver.redirectUri(first, second)
                        .ports(1, 2)
                        .options()
                        .candidates())
                .containsExactly(
                        URI.create("http://127.0.0.1:1/a"),
                        URI.create("http://127.0.0.1:2/a"),
                        URI.create("http://[::1]:1/b"),
                        URI.create("http://[::1]:2/b"));
    }

    @Test
    void theTimeoutOfTheReceiverHoldsForAFlowThatHasNone() {
        Duration moment = Duration.ofMillis(50);

        StepVerifier.create(flow.receiver(WaitingLogin.RECEIVER.timeout(moment)).token())
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOfSatisfying(
                                LoginTimeoutException.class,
                                late -> assertThat(late.timeout()).isEqualTo(moment)));
    }

    @Test
    @Tag("A58")
    void theTimeoutOfTheFlowIsTheReceivers() {
        StepVerifier.create(flow.timeout(Duration.ofMillis(50)).token())
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOfSatisfying(
                                LoginTimeoutException.class,
                                late -> assertThat(late.timeout()).isEqualTo(Duration.ofMillis(50))));
    }

    @Test
    void theFirstTokenOfASessionIsStoredBeforeAnyoneSeesIt() {
        TokenStore store = TokenStore.inMemory();

        StepVerifier.create(flow.browser(OBEDIENT)
                        .session(session -> session.store(store, "me"))
                        .login()
                        .then(store.load(TokenStore.key("me"))))
                .assertNext(
                        entry -> assertThat(entry.record().token().accessToken().secret())
                                .isEqualTo("token-for-" + WaitingLogin.CODE))
                .verifyComplete();
    }

    @Test
    void aProgramThatKeepsItsTokenOpensTheBrowserOnce() {
        LoginFlow kept = flow.store(TokenStore.inMemory()).browser(uri -> {
            opened.add(uri);
            return OBEDIENT.open(uri);
        });
        TokenSession first = kept.restoreOrLogin().block();
        first.disposeLater().block();
        TokenSession second = kept.restoreOrLogin().block();

        assertThat(opened).hasSize(1);
        assertThat(second).isNotSameAs(first);
        assertThat(second.token().block().accessToken().secret()).isEqualTo("token-for-" + WaitingLogin.CODE);
        assertThat(endpoint.sent).hasSize(1);
        second.disposeLater().block();
    }

    @Test
    void aSignOutRemovesTheTokenAndTheNextStartOpensTheBrowser() {
        LoginFlow kept = flow.store(TokenStore.inMemory(), "alice").browser(uri -> {
            opened.add(uri);
            return OBEDIENT.open(uri);
        });
        kept.restoreOrLogin().flatMap(TokenSession::disposeLater).block();
        StepVerifier.create(kept.signOut()).verifyComplete();
        StepVerifier.create(kept.signOut()).as("a second time").verifyComplete();
        kept.restoreOrLogin().flatMap(TokenSession::disposeLater).block();

        assertThat(opened).hasSize(2);
    }

    @Test
    void usersOfOneStoreAreKeptApart() {
        TokenStore store = TokenStore.inMemory();
        LoginFlow alice = flow.store(store, "alice").browser(OBEDIENT);
        LoginFlow bob = flow.store(store, "bob").browser(OBEDIENT);
        alice.restoreOrLogin().flatMap(TokenSession::disposeLater).block();
        bob.restoreOrLogin().flatMap(TokenSession::disposeLater).block();
        assertThat(endpoint.sent).hasSize(2);

        alice.signOut().block();
        bob.restoreOrLogin().flatMap(TokenSession::disposeLater).block();
        assertThat(endpoint.sent).hasSize(2);
    }

    @Test
    void anEndedGrantThatIsStoredOpensTheBrowser() {
        LoginFlow kept = flow.store(TokenStore.inMemory()).browser(OBEDIENT);
        TokenSession first = kept.restoreOrLogin().block();
        endpoint.endGrants();
        StepVerifier.create(first.refresh()).verifyError(LoginRequiredException.class);
        first.disposeLater().block();

        kept.restoreOrLogin().flatMap(TokenSession::disposeLater).block();
        assertThat(endpoint.sent).hasSize(2);
    }

    @Test
    void whoRestoresAtTheSameTimeSharesOneSessionAndOneLogin() {
        LoginFlow kept = flow.store(TokenStore.inMemory());
        CompletableFuture<TokenSession> first = kept.restoreOrLogin().toFuture();
        CompletableFuture<TokenSession> second = kept.restoreOrLogin().toFuture();
        CompletableFuture<TokenSession> login = kept.login().toFuture();
        signIn(await(firstOpened));

        assertThat(await(first)).isSameAs(await(second)).isSameAs(await(login));
        assertThat(opened).hasSize(1);
    }

    @Test
    void withoutAStoreThereIsNothingToRestoreOrToSignOutOf() {
        StepVerifier.create(flow.restoreOrLogin()).verifyError(IllegalStateException.class);
        StepVerifier.create(flow.signOut()).verifyError(IllegalStateException.class);
        assertThat(opened).isEmpty();
        assertThatThrownBy(() -> flow.store(TokenStore.inMemory(), " ")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    @Tag("E01")
    void theStoreDoesNotDependOnTheOrderOfTheOptions() {
        TokenStore store = TokenStore.inMemory();
        flow.store(store)
                .session(session -> session)
                .loginAgain()
                .browser(OBEDIENT)
                .restoreOrLogin()
                .flatMap(TokenSession::disposeLater)
                .block();
        flow.browser(OBEDIENT)
                .loginAgain()
                .session(session -> session)
                .store(store)
                .restoreOrLogin()
                .flatMap(TokenSession::disposeLater)
                .block();

        assertThat(endpoint.sent).hasSize(1);
    }

    @Test
    @Tag("A64")
    void aBrowserThatFailsLeavesTheLoginToTheFallback() {
        Browser none = uri -> Mono.error(new BrowserUnavailableException("there is none", null));

        StepVerifier.create(flow.browser(none.orElse(OBEDIENT)).token())
                .expectNextCount(1)
                .verifyComplete();
    }

    @Test
    @Tag("A64")
    void withoutAFallbackTheErrorIsTypedAndThePortIsFree() {
        Browser none = uri -> Mono.error(new BrowserUnavailableException("there is none", null));

        StepVerifier.create(flow.browser(none).token()).verifyError(BrowserUnavailableException.class);
    }

    @Test
    void anExchangeServerIsEnough() {
        LoginFlow throughExchange = LoginFlow.create(ExchangeServerEndpoint.create("https://auth.example.com"))
                .receiver(WaitingLogin.RECEIVER)
                .browser(Browser.printing(firstOpened::complete));
        CompletableFuture<Token> token = throughExchange.token().toFuture();
        URI uri = await(firstOpened);
        token.cancel(true);

        assertThat(uri.getHost()).isEqualTo("auth.example.com");
    }

    @Test
    void joiningAndLeavingInARaceNeverStrandsAnybody() {
        for (int round = 0; round < 50; round++) {
            LoginFlow fresh = flow.browser(OBEDIENT);
            List<CompletableFuture<Token>> tokens = IntStream.range(0, 6)
                    .mapToObj(i ->
                            CompletableFuture.supplyAsync(() -> fresh.token().toFuture()))
                    .map(CompletableFuture::join)
                    .toList();
            tokens.subList(0, 3).forEach(token -> token.cancel(true));
            tokens.subList(3, 6)
                    .forEach(token -> assertThat(await(token).accessToken().secret())
                            .isEqualTo("token-for-" + WaitingLogin.CODE));
        }
    }
}
