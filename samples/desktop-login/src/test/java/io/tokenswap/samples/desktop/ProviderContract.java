package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.CodeVerifier;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.callback.LoginFlow;
import io.tokenswap.callback.LoopbackReceiver;
import io.tokenswap.http.ClientAuthentication;
import io.tokenswap.http.Dialect;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.http.ProviderEndpoint;
import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.session.SessionEvent;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Contract of any provider that issues each refresh token once and ends the grant of a repeated one: a person signs in at
 * its own pages, in front of the exchange server and without one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ProviderContract {

    private static final LoopbackReceiver RECEIVER =
            LoopbackReceiver.create().redirectUri(URI.create("http://127.0.0.1:0/auth"));

    /** Long enough for a provider that has just started, on a busy machine. */
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    /** Random, and of no use elsewhere. */
    private static final String SEAL_KEY = "Zp0uW3mBqKc4yTn7vRfXh1sLgJd8eAoU2iNlP5xQbYk=";

    private ExchangeServer exchangeServer;

    /**
     * A running provider, which allows the redirect URIs {@code http://127.0.0.1/callback} and {@code http://127.0.0.1/auth}
     * at any port.
     */
    record Provider(URI authorizeUri, URI tokenUri, String clientId, String clientSecret, List<String> scopes) {

        /** The endpoint for code that holds the secret. */
        TokenEndpoint endpoint() {
            return ProviderEndpoint.builder(tokenUri, ClientAuthentication.basic(clientId, clientSecret))
                    .timeout(TIMEOUT)
                    .build();
        }

        AuthorizationRequest.Builder authorizationRequest() {
            return AuthorizationRequest.builder(authorizeUri).clientId(clientId).scopes(scopes);
        }
    }

    /** The provider, the same for all tests of a class. */
    abstract Provider provider();

    /** The same provider, with a client that need not send a challenge. It enforces a challenge that is sent. */
    abstract Provider withoutRequiredPkce();

    /** Somebody who can sign in there. */
    abstract FormBrowser person();

    /** Makes the provider ask again what an application may do, so that a person can say no. */
    abstract void forgetConsents();

    /** Ends all grants at the provider, as an administrator does. */
    abstract void endAllGrants();

    @BeforeAll
    void startExchangeServer() {
        exchangeServer = newExchangeServer();
    }

    /** Starts an exchange server that opens the seals of the others, and shares nothing else with them. */
    private ExchangeServer newExchangeServer() {
        Provider provider = provider();
        return ExchangeServer.start(ExchangeServerConfig.from(Map.of(
                        "PORT",
                        "0",
                        "CLIENT_ID",
                        provider.clientId(),
                        "CLIENT_SECRET",
                        provider.clientSecret(),
                        "PROVIDER_AUTHORIZE_URL",
                        provider.authorizeUri().toString(),
                        "PROVIDER_TOKEN_URL",
                        provider.tokenUri().toString(),
                        "SEAL_KEYS",
                        SEAL_KEY,
                        "RETURN_URIS",
                        "http://127.0.0.1/auth",
                        "DIRECT_REDIRECT_URIS",
                        "http://127.0.0.1/auth",
                        "REQUIRE_PKCE",
                        "true")))
                .blockOptional()
                .orElseThrow();
    }

    @AfterAll
    void stopExchangeServer() {
        exchangeServer.close();
    }

    @Test
    void aPersonSignsInThroughTheExchangeServerAndThreeRefreshesFollow() {
        Counting exchange = new Counting(exchange());
        TokenSession session = signIn(exchange, exchange()::authorizationRequest);
        List<Token> tokens = new ArrayList<>(List.of(current(session)));
        for (int refresh = 1; refresh <= 3; refresh++) {
            tokens.add(session.refresh().block());
        }
        session.dispose();

        assertThat(exchange.requests()).isEqualTo(1 + 3);
        assertThat(tokens).extracting(Token::accessToken).doesNotHaveDuplicates();
        assertThat(tokens).allSatisfy(token -> {
            assertThat(token.scopes()).containsAll(provider().scopes());
            assertThat(token.expiresAt()).isAfter(token.issuedAt());
            assertThat(token.authorizedAt()).isEqualTo(tokens.get(0).issuedAt());
        });
    }

    @ParameterizedTest
    @EnumSource
    void theExchangeServerServesEachDialect(Dialect dialect) {
        refreshThreeTimes(flow(exchange(dialect), exchange()::authorizationRequest));
    }

    /** The browser goes to the provider, with the client id in the open, and the code to the exchange server. */
    @Test
    @Tag("E52")
    void aDirectLoginWithPkceSwapsThroughTheExchangeServer() {
        // The other dialects do not name the redirect URI, whose port the server cannot know.
        TokenSession session = signIn(exchange(), provider()::authorizationRequest);
        Token first = current(session);

        assertThat(session.refresh().block().accessToken()).isNotEqualTo(first.accessToken());
        session.dispose();
    }

    @ParameterizedTest
    @EnumSource
    void aLoginByTheHopOfADeployedServerIsFollowedByThreeRefreshes(DeployedServer.Kind kind) {
        URI app = freeRedirectUri();
        try (DeployedServer server = DeployedServer.hop(kind, withoutRequiredPkce(), app)) {
            ExchangeServerEndpoint exchange = server.endpoint();

            refreshThreeTimes(flow(exchange, exchange::authorizationRequest).receiver(at(app)));
        }
    }

    @ParameterizedTest
    @EnumSource
    @Tag("A13")
    void aDenialByTheHopOfADeployedServerEndsTheLogin(DeployedServer.Kind kind) {
        forgetConsents();
        URI app = freeRedirectUri();
        try (DeployedServer server = DeployedServer.hop(kind, withoutRequiredPkce(), app)) {
            ExchangeServerEndpoint exchange = server.endpoint();
            LoginFlow login = flow(exchange, exchange::authorizationRequest)
                    .receiver(at(app))
                    .browser(person().denying());

            assertThatThrownBy(() -> login.token().block())
                    .isInstanceOfSatisfying(
                            AuthorizationFailedException.class,
                            failure -> assertThat(failure.denied()).isEqualTo(kind != DeployedServer.Kind.PHP));
        }
    }

    @ParameterizedTest
    @EnumSource
    @Tag("E52")
    void aDirectLoginThroughADeployedServerNeedsALoginWithoutPkce(DeployedServer.Kind kind) {
        URI app = freeRedirectUri();
        Provider provider = withoutRequiredPkce();
        try (DeployedServer server = DeployedServer.direct(kind, provider, app)) {
            LoginFlow login =
                    flow(server.endpoint(), provider::authorizationRequest).receiver(at(app));

            // The server drops the verifier, and the provider asks for it.
            assertThatThrownBy(() -> login.token().block())
                    .isInstanceOfSatisfying(
                            OAuthErrorException.class,
                            error -> assertThat(error.error()).isEqualTo(OAuthErrorException.INVALID_GRANT));
            refreshThreeTimes(login.request(request -> request.unsafeWithoutPkce()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDenialOfADirectLoginEndsIt(DeployedServer.Kind kind) {
        forgetConsents();
        URI app = freeRedirectUri();
        Provider provider = withoutRequiredPkce();
        try (DeployedServer server = DeployedServer.direct(kind, provider, app)) {
            LoginFlow login = flow(server.endpoint(), provider::authorizationRequest)
                    .receiver(at(app))
                    .browser(person().denying());

            assertThatThrownBy(() -> login.token().block())
                    .isInstanceOfSatisfying(
                            AuthorizationFailedException.class,
                            failure -> assertThat(failure.denied()).isTrue());
        }
    }

    private static URI freeRedirectUri() {
        return URI.create("http://127.0.0.1:" + Servers.freePort() + "/auth");
    }

    private static LoopbackReceiver at(URI redirectUri) {
        return LoopbackReceiver.create().redirectUri(redirectUri);
    }

    private static void refreshThreeTimes(LoginFlow login) {
        TokenSession session = login.login().block();
        List<Token> tokens = new ArrayList<>(List.of(current(session)));
        for (int refresh = 1; refresh <= 3; refresh++) {
            tokens.add(session.refresh().block());
        }
        session.dispose();

        assertThat(tokens).extracting(Token::accessToken).doesNotHaveDuplicates();
    }

    @Test
    void eachRefreshRotatesTheRefreshTokenOfTheProvider() {
        TokenEndpoint provider = provider().endpoint();
        List<Token> tokens = new ArrayList<>(List.of(signIn()));
        for (int refresh = 1; refresh <= 3; refresh++) {
            tokens.add(provider.refresh(tokens.get(refresh - 1).refreshToken()).block());
        }

        assertThat(tokens).extracting(Token::refreshToken).doesNotContainNull().doesNotHaveDuplicates();
    }

    @Test
    @Tag("C44")
    void fiftyParallelRefreshesThroughTheExchangeServerLeaveTheGrantAlive() {
        ExchangeServerEndpoint exchange = exchange();
        Token token = flow(exchange, exchange::authorizationRequest).token().block();
        List<Token> refreshed = Flux.range(0, 50)
                .flatMap(i -> exchange.refresh(token.refreshToken()), 50)
                .collectList()
                .block();

        assertThat(refreshed)
                .extracting(Token::accessToken)
                .containsOnly(refreshed.get(0).accessToken());
        Token next = exchange.refresh(refreshed.get(49).refreshToken()).block();
        assertThat(next.accessToken()).isNotEqualTo(refreshed.get(0).accessToken());
    }

    @Test
    @Tag("C73")
    void aRefreshTokenThatWasReplacedIsRefusedByTheProviderThroughAnExchangeServer() {
        ExchangeServerEndpoint exchange = exchange();
        Token token = flow(exchange, exchange::authorizationRequest).token().block();
        Token next = exchange.refresh(token.refreshToken()).block();
        assertThat(next.refreshToken()).isNotEqualTo(token.refreshToken());

        // It has no memory of the first response, and asks the provider.
        try (ExchangeServer other = newExchangeServer()) {
            assertThatThrownBy(() -> ExchangeServerEndpoint.create(other.uri())
                            .refresh(token.refreshToken())
                            .block())
                    .isInstanceOfSatisfying(
                            OAuthErrorException.class,
                            error -> assertThat(error.error()).isEqualTo(OAuthErrorException.INVALID_GRANT));
        }
    }

    @Test
    @Tag("B39")
    void aRefreshTokenThatAnotherClientHasUsedIsOneRequestAndOneLoginRequired() {
        Token token = signIn();
        Counting provider = new Counting(provider().endpoint());
        TokenSession session = TokenSession.builder(provider).build(token);
        provider().endpoint().refresh(token.refreshToken()).block();

        assertEndsOnce(session, provider);
    }

    /** A replayed refresh token ends the whole family, that of the lawful holder too. */
    @Test
    @Tag("C73")
    void aFamilyThatReuseDetectionEndsIsOneRequestAndOneLoginRequired() {
        TokenEndpoint endpoint = provider().endpoint();
        Token first = signIn();
        Counting counting = new Counting(endpoint);
        TokenSession session = TokenSession.builder(counting).build(first);
        session.refresh().block();
        counting.reset();
        assertThatThrownBy(() -> endpoint.refresh(first.refreshToken()).block()).hasMessageContaining("invalid_grant");

        assertEndsOnce(session, counting);
    }

    @Test
    @Tag("B99")
    @Tag("C73")
    void aGrantThatTheProviderEndsIsOneRequestAndOneLoginRequired() {
        Counting exchange = new Counting(exchange());
        TokenSession session = signIn(exchange, exchange()::authorizationRequest);
        exchange.reset();
        endAllGrants();

        assertEndsOnce(session, exchange);
    }

    @Test
    @Tag("B82")
    void twoSessionsOverOneStoredKeyRefreshOnce() {
        Counting exchange = new Counting(exchange());
        TokenStore store = TokenStore.inMemory();
        TokenSession one = flow(exchange, exchange()::authorizationRequest)
                .session(session -> session.store(store, "me"))
                .login()
                .block();
        TokenSession other =
                TokenSession.builder(exchange).store(store, "me").restore().block();
        exchange.reset();

        List<Token> tokens = Mono.zip(one.refresh(), other.refresh(), List::of).block();

        assertThat(exchange.requests()).isEqualTo(1);
        assertThat(tokens.get(0)).isEqualTo(tokens.get(1));
        // And the two go on from there, each with what the other has left in the store.
        assertThat(other.refresh().block()).isNotEqualTo(tokens.get(0));
        assertThat(one.refresh().block()).isNotEqualTo(tokens.get(0));
        one.dispose();
        other.dispose();
    }

    @Test
    void aCodeIsWorthNothingWithoutItsVerifier() {
        AuthorizationCode code = RECEIVER.receive(
                        uri -> provider().authorizationRequest().build(uri), person())
                .block();
        AuthorizationCode stolen =
                AuthorizationCode.of(code.secret(), code.redirectUri(), CodeVerifier.of("x".repeat(43)), code.scopes());

        assertThatThrownBy(() -> provider().endpoint().swap(stolen).block())
                .isInstanceOfSatisfying(
                        OAuthErrorException.class,
                        error -> assertThat(error.error()).isEqualTo(OAuthErrorException.INVALID_GRANT));
    }

    private ExchangeServerEndpoint exchange(Dialect dialect) {
        return ExchangeServerEndpoint.builder(exchangeServer.uri())
                .dialect(dialect)
                .timeout(TIMEOUT)
                .build();
    }

    ExchangeServerEndpoint exchange() {
        return exchange(Dialect.JSON);
    }

    /** A token that the provider itself has given. */
    Token signIn() {
        return flow(provider().endpoint(), provider()::authorizationRequest)
                .token()
                .block();
    }

    TokenSession signIn(TokenEndpoint endpoint, Supplier<AuthorizationRequest.Builder> authorizationRequest) {
        return flow(endpoint, authorizationRequest).login().block();
    }

    LoginFlow flow(TokenEndpoint endpoint, Supplier<AuthorizationRequest.Builder> authorizationRequest) {
        return LoginFlow.create(endpoint, authorizationRequest)
                .scopes(provider().scopes().toArray(String[]::new))
                .receiver(RECEIVER)
                .browser(person());
    }

    private static Token current(TokenSession session) {
        return session.token().block();
    }

    /** The refresh token is dead: whatever is asked of the session, the server hears of it once and the application too. */
    static void assertEndsOnce(TokenSession session, Counting endpoint) {
        Flux<SessionEvent> events = session.events().replay().autoConnect(0);
        for (int attempt = 1; attempt <= 3; attempt++) {
            assertThatThrownBy(() -> session.refresh().block()).isInstanceOf(LoginRequiredException.class);
            // Callers hear of it first, so that who disposes of the session at once may beat the event.
            events.ofType(SessionEvent.LoginRequired.class).blockFirst();
        }
        session.dispose();

        assertThat(endpoint.requests()).isEqualTo(1);
        assertThat(events.collectList().block())
                .hasExactlyElementsOfTypes(SessionEvent.LoginRequired.class, SessionEvent.Closed.class);
    }

    /** Counts what is asked of an endpoint. */
    record Counting(TokenEndpoint endpoint, AtomicInteger count) implements TokenEndpoint {

        Counting(TokenEndpoint endpoint) {
            this(endpoint, new AtomicInteger());
        }

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return endpoint.swap(code).doOnSubscribe(subscription -> count.incrementAndGet());
        }

        @Override
        public Mono<Token> refresh(RefreshToken token) {
            return endpoint.refresh(token).doOnSubscribe(subscription -> count.incrementAndGet());
        }

        int requests() {
            return count.get();
        }

        void reset() {
            count.set(0);
        }
    }
}
