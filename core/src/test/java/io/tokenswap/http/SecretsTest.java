package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.cookie.DefaultCookie;
import io.netty.handler.logging.LogLevel;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import io.tokenswap.session.TokenSession;
import io.tokenswap.testing.Canary;
import io.tokenswap.testing.RawServer;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.transport.logging.AdvancedByteBufFormat;
import tools.jackson.databind.json.JsonMapper;

/** Everything that could print is switched on, and every secret bears a word that the {@link Canary} knows. */
class SecretsTest {

    private final List<RawServer> servers = new ArrayList<>();
    private final long inspected = Canary.inspected();

    @BeforeEach
    void switchEverythingOn() {
        Hooks.onOperatorDebug();
        Hooks.onErrorDropped(error -> Canary.inspect("dropped error", printed(error)));
        Hooks.onNextDropped(value -> Canary.inspect("dropped value", String.valueOf(value)));
    }

    @AfterEach
    void switchItOff() {
        Hooks.resetOnOperatorDebug();
        Hooks.resetOnErrorDropped();
        Hooks.resetOnNextDropped();
        servers.forEach(RawServer::dispose);
        assertThat(Canary.inspected()).isGreaterThan(inspected);
    }

    private static String printed(Throwable error) {
        StringWriter text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.toString().toLowerCase(Locale.ROOT); // Netty quotes what is no HTTP in capitals
    }

    private enum Fate {
        TOKEN("TOKEN", http("200 OK\r\nX-Canary: canary", Samples.TOKEN_RESPONSE)),
        DEAD_GRANT("LOGIN", http("400 Bad", "{\"error\":\"invalid_grant\",\"error_description\":\"it is canary\"}")),
        REDIRECT("REJECTED", http("302 Found\r\nLocation: http://127.0.0.1/?code=canary", "")),
        MALFORMED("INVALID_RESPONSE", http("200 OK", "{\"access_token\":\"canary \"}")),
        GARBAGE("INVALID_RESPONSE", "canary\r\n\r\n"),
        NO_LENGTH("INVALID_RESPONSE", "HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n"),
        NO_CHUNK("INVALID_RESPONSE", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n"),
        REST_OF_A_BODY("INVALID_RESPONSE", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + Samples.TOKEN_RESPONSE),
        CUT("RESPONSE_LOST", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + Samples.TOKEN_RESPONSE),
        SILENCE("RESPONSE_LOST", "");

        private final String outcome;
        private final String bytes;

        Fate(String outcome, String bytes) {
            this.outcome = outcome;
            this.bytes = bytes;
        }

        private static String http(String head, String body) {
            return "HTTP/1.1 " + head + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        }
    }

    private RawServer server(Fate fate) {
        RawServer server = RawServer.playing(connection -> {
            connection.request();
            connection.write(fate.bytes);
            if (fate == Fate.SILENCE) {
                connection.awaitClose();
            }
        });
        servers.add(server);
        return server;
    }

    @ParameterizedTest(name = "{0} leaves no secret in any log, and none in any failure")
    @EnumSource
    @Tag("B109")
    @Tag("B108")
    void exchangeLeavesNoSecretBehind(Fate fate) {
        URI uri = server(fate).uri();
        HttpClient chatty = HttpClient.newConnection()
                .wiretap("wire", LogLevel.TRACE, AdvancedByteBufFormat.TEXTUAL)
                .wiretap(true)
                .cookie(new DefaultCookie("session", "canary"));
        ExchangeServerEndpoint exchange = ExchangeServerEndpoint.builder(uri)
                .httpClient(chatty)
                .header("X-Api-Key", "canary")
                .timeout(Duration.ofMillis(fate == Fate.SILENCE ? 200 : 10_000))
                .build();
        ProviderEndpoint provider = ProviderEndpoint.builder(uri, ClientAuthentication.basic("me", "canary"))
                .httpClient(chatty)
                .timeout(Duration.ofMillis(fate == Fate.SILENCE ? 200 : 10_000))
                .build();

        TokenSession session =
                TokenSession.builder(exchange).clock(() -> Samples.NOW).build(Samples.TOKEN);

        List<Object> results = List.of(
                result(exchange.swap(Samples.CODE)),
                result(exchange.refresh(Samples.REFRESH_TOKEN)),
                result(provider.swap(Samples.CODE)),
                result(provider.refresh(Samples.REFRESH_TOKEN)),
                result(session.token()));
        session.dispose();
        assertThat(results.get(1) instanceof Throwable failure ? Outcomes.of(failure) : "TOKEN")
                .isEqualTo(fate.outcome);

        for (Object result : results) {
            assertThat(result instanceof Throwable error ? printed(error) : result.toString())
                    .doesNotContain(Samples.CANARY);
        }
    }

    private static Object result(Mono<Token> request) {
        return request.<Object>map(token -> token).onErrorResume(Mono::just).block();
    }

    @ParameterizedTest(name = "{0} without a listener is dropped without a secret")
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "TOKEN")
    @Tag("B114")
    void droppedErrorHoldsNoSecret(Fate fate) throws Exception {
        CompletableFuture<String> dropped = new CompletableFuture<>();
        Hooks.onErrorDropped(error -> dropped.complete(printed(error)));

        ExchangeServerEndpoint.builder(server(fate).uri())
                .httpClient(HttpClient.newConnection())
                .timeout(Duration.ofMillis(fate == Fate.SILENCE ? 200 : 10_000))
                .build()
                .refresh(Samples.REFRESH_TOKEN)
                .subscribe();

        assertThat(dropped.get(30, TimeUnit.SECONDS))
                .contains("io.tokenswap.http")
                .doesNotContain(Samples.CANARY);
    }

    @Test
    @Tag("B114")
    void contextOfATokenRequestHoldsNoSecret() {
        List<String> contexts = new CopyOnWriteArrayList<>();
        ExchangeServerEndpoint endpoint = ExchangeServerEndpoint.builder(
                        server(Fate.TOKEN).uri())
                .httpClient(HttpClient.newConnection()
                        .mapConnect(connected -> Mono.deferContextual(context -> {
                            contexts.add(context.toString());
                            return connected;
                        })))
                .header("X-Api-Key", "canary")
                .build();

        endpoint.swap(Samples.CODE).block();
        endpoint.refresh(Samples.REFRESH_TOKEN).block();

        assertThat(contexts).hasSize(2).noneMatch(context -> context.contains(Samples.CANARY));
    }

    @Test
    @Tag("B112")
    void noSecretIsInAUrl() {
        RawServer server = server(Fate.TOKEN);
        ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection())
                .build()
                .swap(Samples.CODE)
                .block();

        assertThat(server.requests()).singleElement().asString().startsWith("POST /swap HTTP/1.1\r\n");
    }

    @Test
    @Tag("B114")
    void tokenInTheContextOfACallPrintsAsItsFingerprint() {
        RawServer server = server(Fate.TOKEN);
        Token token = Samples.TOKEN;
        TokenSource source = () -> Mono.just(token);

        String context = BearerAuthentication.apply(
                        HttpClient.newConnection().baseUrl(server.uri().toString()), source)
                .get()
                .uri("/v1/me")
                .responseSingle((response, body) -> body.then(Mono.deferContextual(view -> Mono.just(view.toString()))))
                .block();

        assertThat(context).contains(token.fingerprint()).doesNotContain(Samples.CANARY);
    }

    @Test
    @Tag("B107")
    void valuesAndEndpointsPrintNoSecret() {
        assertThat(List.of(
                        Samples.TOKEN,
                        Samples.CODE,
                        Samples.VERIFIER,
                        ExchangeServerEndpoint.builder(URI.create("https://h?key=canary"))
                                .header("X-Api-Key", "canary")
                                .build(),
                        ProviderEndpoint.create(
                                URI.create("https://h?key=canary"), ClientAuthentication.post("me", "canary"))))
                .asString()
                .doesNotContain(Samples.CANARY);
    }

    @Test
    @Tag("B107")
    void noSerializerGetsASecretOutOfAValue() {
        AuthorizationRequest request = ExchangeServerEndpoint.create("https://h")
                .authorizationRequest()
                .build(Samples.REDIRECT);
        for (Object value : List.of(
                Samples.TOKEN, Samples.CODE, Samples.VERIFIER, request, ClientAuthentication.basic("me", "canary"))) {
            assertThatThrownBy(() -> new ObjectOutputStream(OutputStream.nullOutputStream()).writeObject(value))
                    .isInstanceOf(NotSerializableException.class);
            assertThat(JsonMapper.shared().writeValueAsString(value)).isEqualTo("{}");
        }
    }
}
