package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import io.netty.handler.logging.LogLevel;
import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import io.tokenswap.testing.RawServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.transport.logging.AdvancedByteBufFormat;

/** Everything that could print is switched on, and every secret bears a word that must not be printed. */
class SecretsTest {

    private static final class Recording extends AppenderBase<ILoggingEvent> {

        /** Event loops go on logging while a test looks: of the connections that they close, for one. */
        private final Queue<String> lines = new ConcurrentLinkedQueue<>();

        @Override
        protected void append(ILoggingEvent event) {
            // The servers of the tests live in this process too; what they log is not what the library logs.
            if (!event.getLoggerName().startsWith("reactor.netty.http.server")) {
                lines.add(event.getLoggerName() + " " + event.getFormattedMessage()
                        + (event.getThrowableProxy() == null
                                ? ""
                                : ThrowableProxyUtil.asString(event.getThrowableProxy())));
            }
        }
    }

    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final Level level = root.getLevel();
    private final Recording log = new Recording();
    private final List<RawServer> servers = new ArrayList<>();

    @BeforeEach
    void switchEverythingOn() {
        log.start();
        root.iteratorForAppenders().forEachRemaining(appender -> appender.addFilter(new Muted()));
        root.addAppender(log);
        root.setLevel(Level.TRACE);
        Hooks.onOperatorDebug();
        Hooks.onErrorDropped(error -> log.lines.add("dropped " + printed(error)));
        Hooks.onNextDropped(value -> log.lines.add("dropped " + value));
    }

    @AfterEach
    void switchItOff() {
        Hooks.resetOnOperatorDebug();
        Hooks.resetOnErrorDropped();
        Hooks.resetOnNextDropped();
        root.setLevel(level);
        root.detachAppender(log);
        root.iteratorForAppenders().forEachRemaining(appender -> appender.clearAllFilters());
        servers.forEach(RawServer::dispose);
    }

    /** Keeps the flood off the console. */
    private static final class Muted extends Filter<ILoggingEvent> {
        @Override
        public FilterReply decide(ILoggingEvent event) {
            return FilterReply.DENY;
        }
    }

    private static String printed(Throwable error) {
        StringWriter text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private enum Fate {
        TOKEN("HTTP/1.1 200 OK\r\nX-Canary: canary\r\nContent-Length: " + Samples.ANSWER.length() + "\r\n\r\n"
                + Samples.ANSWER),
        DEAD_GRANT("HTTP/1.1 400 Bad\r\nContent-Length: 59\r\n\r\n"
                + "{\"error\":\"invalid_grant\",\"error_description\":\"it is canary\"}"),
        REDIRECT("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/?code=canary\r\nContent-Length: 0\r\n\r\n"),
        MALFORMED("HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"access_token\":\"canary \"} "),
        GARBAGE("canary\r\n\r\n"),
        CUT("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + Samples.ANSWER),
        SILENCE("");

        private final String bytes;

        Fate(String bytes) {
            this.bytes = bytes;
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

    @ParameterizedTest(name = "B109: {0} leaves no secret in any log, and B108: none in any failure")
    @EnumSource
    void exchangeLeavesNoSecretBehind(Fate fate) {
        URI uri = server(fate).uri();
        HttpClient chatty = HttpClient.newConnection()
                .wiretap("wire", LogLevel.TRACE, AdvancedByteBufFormat.TEXTUAL)
                .wiretap(true);
        ExchangeServerEndpoint exchange = ExchangeServerEndpoint.builder(uri)
                .httpClient(chatty)
                .header("X-Api-Key", "canary")
                .timeout(Duration.ofMillis(fate == Fate.SILENCE ? 200 : 10_000))
                .build();
        ProviderEndpoint provider = ProviderEndpoint.builder(uri, ClientAuthentication.basic("me", "canary"))
                .httpClient(chatty)
                .timeout(Duration.ofMillis(fate == Fate.SILENCE ? 200 : 10_000))
                .build();

        List<Object> results = List.of(
                result(exchange.swap(Samples.CODE)),
                result(exchange.refresh(Samples.TOKEN)),
                result(provider.swap(Samples.CODE)),
                result(provider.refresh(Samples.TOKEN)));

        for (Object result : results) {
            assertThat(result instanceof Throwable error ? printed(error) : result.toString())
                    .doesNotContain(Samples.CANARY);
        }
        assertThat(log.lines).isNotEmpty().noneMatch(line -> line.contains(Samples.CANARY));
    }

    private static Object result(Mono<Token> request) {
        return request.<Object>map(token -> token).onErrorResume(Mono::just).block();
    }

    @Test
    void b112_noSecretIsInAUrl() {
        RawServer server = server(Fate.TOKEN);
        ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection())
                .build()
                .swap(Samples.CODE)
                .block();

        assertThat(server.requests()).singleElement().asString().startsWith("POST /swap HTTP/1.1\r\n");
    }

    @Test
    void b114_tokenInTheContextOfACallPrintsAsItsFingerprint() {
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
        assertThat(log.lines).isNotEmpty().noneMatch(line -> line.contains(Samples.CANARY));
    }

    @Test
    void b107_valuesAndEndpointsPrintNoSecret() {
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
}
