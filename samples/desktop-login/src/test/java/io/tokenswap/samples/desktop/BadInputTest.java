package io.tokenswap.samples.desktop;

import static io.tokenswap.samples.desktop.Servers.assertFree;
import static io.tokenswap.samples.desktop.Servers.freePort;
import static io.tokenswap.samples.desktop.Servers.parameter;
import static io.tokenswap.samples.desktop.Servers.url;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.JsonNode;

/** Each failure has one line that names the remedy, its own exit code, and leaves the port free. */
class BadInputTest {

    private static EmbeddedSystem system;

    @BeforeAll
    static void start() {
        system = EmbeddedSystem.withDemoProvider(
                List.of(URI.create("http://127.0.0.1:0/auth")), Duration.ofMinutes(1), true);
    }

    @AfterAll
    static void stop() {
        system.close();
    }

    private static String headless(int port, String exchange) {
        return "--browser headless --refreshes 0 --listen http://127.0.0.1:" + port + "/auth --exchange " + exchange
                + " ";
    }

    /** Sends the login where the application wants it, with this. */
    private static Publisher<Void> redirect(HttpServerRequest request, HttpServerResponse response, String query) {
        return response.sendRedirect(parameter(request, "server_uri") + "?" + query);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --dialect french                                              | json, single-uri, form
            --timeout soon                                                | 30s, 5m or 1h
            --timeout 0s                                                  | 30s, 5m or 1h
            --timeout 99999999999999999999h                               | 30s, 5m or 1h
            --browser netscape                                            | system, print, headless
            --refreshes many                                              | --refreshes
            --refreshes -1                                                | 0 or more
            --frobnicate                                                  | --frobnicate
            --exchange nonsense                                           | https://auth.example.com
            --exchange http://exa[mple                                    | --exchange
            --exchange ftp://127.0.0.1                                    | --exchange ftp://127.0.0.1 must start with https://
            --exchange https://a.test --swap-url ftp://b.test:99/swap     | --swap-url ftp://b.test:99 must start with https://
            --exchange https://a.test --refresh-url ftp://b.test          | --refresh-url ftp://b.test must start with https://
            --exchange https://a.test --authorize-url ftp://b.test        | --authorize-url ftp://b.test must start with https://
            --exchange http://example.com                                 | --exchange http://example.com is plain http
            --exchange https://u:p@a.test                                 | user information
            --exchange https://a.test/?key=u:p%                           | --exchange
            --swap-url https://a.test/swap                                | --exchange
            --exchange http://127.0.0.1:1 --token-lifetime 5s             | demo provider
            --exchange http://127.0.0.1:1 --listen http://10.0.0.1/auth   | http://127.0.0.1:4002/auth
            --listen http://localhost:0/auth                              | --listen http://127.0.0.1:0/auth
            --listen http://u:p@127.0.0.1:4002/auth                       | '--listen' (URI): no address of this machine like http://127.0.0.1:4002/auth
            --listen https://localhost:4002/auth                          | http://127.0.0.1:4002/auth
            --listen http://localhost:99999/auth                          | http://127.0.0.1:4002/auth
            --listen localhost:4002                                       | http://127.0.0.1:4002/auth
            --exchange 127.0.0.1:8080                                     | https://auth.example.com
            --refreshes 99999999999999999999                              | no number like 3
            """)
    void aWrongCommandLineIsNamedWithItsRemedy(String options, String remedy) {
        Run run = Run.of(options).failsWith(2);
        assertThat(run.err()).contains(remedy).doesNotContain("u:p");
        assertThat(run.out()).doesNotContain("Sign in at", " are up at ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--frobnicate --json", "--json --refreshes -1"})
    void aWrongCommandLineIsOneObjectForPrograms(String options) {
        Run run = Run.of(options);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).isEmpty();
        assertThat(run.events()).hasSize(1);
        assertThat(run.events().get(0).get("event").asString()).isEqualTo("error");
        assertThat(run.events().get(0).get("kind").asString()).isEqualTo("usage");
    }

    @ParameterizedTest
    @CsvSource({"SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET", "SPOTIFY_CLIENT_SECRET, SPOTIFY_CLIENT_ID"})
    void halfOfSpotifysVariablesIsToldOfTheOtherHalf(String given, String missing) {
        Run run = Run.of(Map.of(given, "canary", "PORT", "0"), "--browser print", line -> {})
                .failsWith(2);
        assertThat(run.err()).contains(missing).doesNotContain("canary");
    }

    @ParameterizedTest
    @ValueSource(strings = {"headless", "print", "system"})
    void anUnreachableExchangeServerIsNamedWhateverTheBrowser(String browser) {
        int port = freePort();
        int listen = freePort();
        Run run = Run.of("--browser " + browser + " --listen http://127.0.0.1:" + listen
                        + "/auth --exchange http://127.0.0.1:" + port)
                .failsWith(6);
        assertThat(run.err()).contains("127.0.0.1:" + port).contains("Is it running");
        assertFree(listen);
    }

    @Test
    void anExchangeServerOfNoKnownNameIsNamed() {
        Run run = Run.of(headless(0, "https://no-such-host.invalid")).failsWith(6);
        assertThat(run.err()).contains("the name of no-such-host.invalid:443 is unknown");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            415 | 7 | another dialect: try --dialect single-uri or --dialect form
            302 | 7 | another dialect: try --dialect single-uri or --dialect form
            400 | 7 | another dialect: try --dialect single-uri or --dialect form
            404 | 7 | check the URL
            200 | 6 | something else respond
            500 | 6 | temporarily unavailable
            """)
    void anUnexpectedResponseToASwapIsNamed(int status, int exitCode, String remedy) {
        DisposableServer odd = Servers.start((request, response) ->
                response.status(status).header("Location", "/elsewhere").sendString(Mono.just("<html>hello")));
        int port = freePort();
        try {
            Run run = Run.of(headless(port, system.exchangeUri().toString()) + "--swap-url " + url(odd) + "/swap")
                    .failsWith(exitCode);
            assertThat(run.err()).contains(url(odd)).contains(remedy).doesNotContain("hello");
            assertFree(port);
        } finally {
            odd.disposeNow();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            200 | needs a person
            404 | with status 404
            500 | with status 500
            """)
    void aLoginPageThatLeadsNowhereIsNamed(int status, String complaint) {
        DisposableServer odd =
                Servers.start((request, response) -> response.status(status).sendString(Mono.just("<html>hello")));
        int port = freePort();
        try {
            Run run = Run.of(headless(port, url(odd))).failsWith(5);
            assertThat(run.err())
                    .contains(url(odd))
                    .contains(complaint)
                    .contains("--")
                    .doesNotContain("hello", "state=");
            assertFree(port);
        } finally {
            odd.disposeNow();
        }
    }

    @Test
    void aWrongPathOfAnExchangeServerIsNamedWithTheOptionsThatSayIt() {
        int port = freePort();
        Run run = Run.of(headless(port, system.exchangeUri().toString()) + "--swap-url " + system.exchangeUri()
                        + "/nowhere")
                .failsWith(7);
        assertThat(run.err()).contains("status 404").contains("Are --exchange, --swap-url and --refresh-url right?");
        assertFree(port);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "--json"})
    void itEndsWhenTheReaderOfTheOutputIsGone(String json) {
        int port = freePort();
        StringWriter err = new StringWriter();
        int exitCode = DesktopLogin.commandLine(Map.of(), InputStream.nullInputStream())
                .setOut(new PrintWriter(new ClosedWriter()))
                .setErr(new PrintWriter(err, true))
                .execute((headless(port, system.exchangeUri().toString()) + json).split(" "));
        assertThat(exitCode).isEqualTo(10);
        assertThat(err.toString()).doesNotContain("Exception", "\tat ");
        assertFree(port);
    }

    private static final class ClosedWriter extends Writer {

        @Override
        public void write(char[] text, int offset, int length) throws IOException {
            throw new IOException("Broken pipe");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @Test
    void aDenialIsSaidAndThePortIsFree() {
        DisposableServer denying = Servers.start((request, response) ->
                redirect(request, response, "error=access_denied&state=" + parameter(request, "state")));
        int port = freePort();
        try {
            Run run = Run.of(headless(port, url(denying))).failsWith(5);
            assertThat(run.err()).contains("denied");
            assertFree(port);
        } finally {
            denying.disposeNow();
        }
    }

    @Test
    void aRedirectOfAnotherLoginIsNamedAtOnceWithoutAPerson() {
        DisposableServer confused =
                Servers.start((request, response) -> redirect(request, response, "code=canary-code&state=another"));
        int port = freePort();
        try {
            Run run = Run.of(headless(port, url(confused))).failsWith(5);
            assertThat(run.err()).contains("the state").doesNotContain("canary");
            assertFree(port);
        } finally {
            confused.disposeNow();
        }
    }

    @Test
    void aTimeoutIsNamedAndThePortIsFree() {
        int port = freePort();
        Run run = Run.of("--browser print --timeout 1s --listen http://localhost:" + port + "/auth --exchange "
                        + system.exchangeUri())
                .failsWith(4);
        assertThat(run.err()).contains("The sign-in was not finished within").contains("--timeout");
        assertFree(port);
    }

    @ParameterizedTest
    @CsvSource({"403, responds with status 403", "0, no response"})
    void anApiThatDoesNotTakeTheTokenIsNamed(int status, String complaint) {
        DisposableServer api = Servers.start((request, response) -> status == 0
                ? response.withConnection(connection -> connection.channel().close())
                : response.status(status).send());
        int port = freePort();
        try {
            Run run = Run.of(
                            headless(port, system.exchangeUri().toString()) + "--me-url " + url(api) + "/me?key=canary")
                    .failsWith(9);
            assertThat(run.err()).contains(url(api) + "/me").contains(complaint).contains("--me-url");
            assertThat(run.err()).doesNotContain("canary");
            assertFree(port);
        } finally {
            api.disposeNow();
        }
    }

    @Test
    @Tag("E39")
    void anApiThatTheTokenMayNotGoToIsNotSaidToBeSilent() {
        int port = freePort();
        Run run = Run.of(headless(port, system.exchangeUri().toString())
                        + "--me-url http://api.example.com/me?key=canary")
                .failsWith(2);

        assertThat(run.err())
                .contains("--me-url is plain http to api.example.com")
                .contains("use https")
                .doesNotContain("canary");
        assertFree(port);
    }

    /** Within one JVM two logins share a port: the first program is another process's stand-in, a foreign socket. */
    @Test
    void aTakenPortIsNamedWithTheOptionThatChoosesAnother() {
        DisposableServer foreign = Servers.start((request, response) -> response.sendNotFound());
        try {
            Run run = Run.of(headless(foreign.port(), system.exchangeUri().toString()))
                    .failsWith(3);
            assertThat(run.err()).contains("Port " + foreign.port()).contains("--listen");
        } finally {
            foreign.disposeNow();
        }
    }

    @Test
    void aTakenPortOfTheExchangeServerIsNamedWithItsVariable() {
        DisposableServer foreign = Servers.start((request, response) -> response.sendNotFound());
        try {
            Map<String, String> environment =
                    Map.of("SPOTIFY_CLIENT_ID", "id", "SPOTIFY_CLIENT_SECRET", "canary", "PORT", "" + foreign.port());
            Run run = Run.of(environment, "--browser print", line -> {}).failsWith(3);
            assertThat(run.err())
                    .contains("Port " + foreign.port())
                    .contains("PORT")
                    .doesNotContain("canary");
        } finally {
            foreign.disposeNow();
        }
    }

    @Test
    void aFailureIsOneObjectForPrograms() {
        Run run = Run.of(headless(0, "http://127.0.0.1:" + freePort()) + "--json");
        assertThat(run.exitCode()).isEqualTo(6);
        assertThat(run.err()).isEmpty();
        JsonNode error = run.events().get(0);
        assertThat(error.get("event").asString()).isEqualTo("error");
        assertThat(error.get("kind").asString()).isEqualTo("unavailable");
        assertThat(error.get("message").asString()).contains("Is it running");
    }

    @Test
    void aPrintedUrlCanBeOpenedByAnyBrowser() {
        int port = freePort();
        CompletableFuture<URI> printed = new CompletableFuture<>();
        CompletableFuture<Run> running = CompletableFuture.supplyAsync(() -> Run.of(
                Map.of(),
                "--browser print --timeout 20s --refreshes 0 --listen http://127.0.0.1:" + port + "/auth --exchange "
                        + system.exchangeUri(),
                line -> {
                    if (line.startsWith("http")) {
                        printed.complete(URI.create(line));
                    }
                }));
        new HeadlessBrowser().open(printed.join()).block();
        running.join().succeeds();
        assertFree(port);
    }
}
