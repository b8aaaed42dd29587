package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request must look like to be judged at all. Each of them carries the right code and state. */
@ExtendWith(NothingIsLeft.class)
class ReceivedRequestsTest {

    @ParameterizedTest(name = "{0}")
    @Tag("A26")
    @Tag("A27")
    @Tag("A28")
    @Tag("A29")
    @Tag("A30")
    @ValueSource(strings = {"POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"})
    void isNotGet(String method) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request(method, "/auth?" + login.goodQuery(), "Content-Length: 3") + "a=b");

            assertThat(response.status()).isEqualTo(405);
            assertThat(response.header("Allow")).isEqualTo("GET");
            assertThat(response.text()).doesNotContain("Access-Control", WaitingLogin.CODE);
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A32")
    @ValueSource(
            strings = {
                "/",
                "/AUTH",
                "/auth/",
                "/auth/x",
                "//auth",
                "/%61uth",
                "/auth;x",
                "/a/../auth",
                "/./auth",
                "auth",
                "*",
                "?x",
                "/auth%3Fx",
                "\\auth"
            })
    void isAnotherPath(String path) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.get(path + "?" + login.goodQuery());

            assertThat(response.status()).isEqualTo(404);
            isAPageOfTheReceiver(response);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A31")
    void theIconIsNotThere() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request("GET", "/favicon.ico", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"));

            assertThat(response.status()).isEqualTo(404);
            isAPageOfTheReceiver(response);
            assertThat(login.get("/favicon.ico?" + login.goodQuery()).status()).isEqualTo(404);
            login.isStillPending();
        }
    }

    private static void isAPageOfTheReceiver(RawResponse response) {
        assertThat(response.header("Content-Type")).isEqualTo("text/html; charset=utf-8");
        assertThat(response.header("Content-Security-Policy")).isEqualTo(PageTemplate.SECURITY_POLICY);
        assertThat(response.body()).contains("<h1>There is no page here</h1>", "go back to the application.");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A35")
    @ValueSource(strings = {"localhost", "127.0.0.1", "[::1]", "LocalHost"})
    void hostIsOurs(String host) {
        try (WaitingLogin login = WaitingLogin.start()) {
            assertThat(login.raw(withHost(login, "Host: " + host + ":" + login.port() + "\r\n"))
                            .status())
                    .isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A36")
    @Tag("A37")
    @CsvSource(delimiter = '|', textBlock = """
                    rebinding             | 421 | Host: evil.example:PORT
                    trailing dot          | 421 | Host: localhost.:PORT
                    another loopback name | 421 | Host: localhost.localdomain:PORT
                    number of the address | 421 | Host: 2130706433:PORT
                    prefix                | 421 | Host: localhost.evil.example:PORT
                    address without braces| 421 | Host: ::1:PORT
                    no Host               | 400 | X-Nothing: x
                    empty Host            | 400 | Host:
                    two Hosts             | 400 | Host: localhost:PORT+Host: localhost:PORT
                    two different Hosts   | 400 | Host: localhost:PORT+Host: evil.example
                    userinfo              | 400 | Host: user@localhost:PORT
                    a name and a password | 400 | Host: localhost:PORT@evil.example:PORT
                    wrong port            | 400 | Host: localhost:1
                    no port               | 400 | Host: localhost
                    garbage for a port    | 400 | Host: localhost:PORTx
                    """)
    void hostIsRefused(String what, int status, String headers) {
        try (WaitingLogin login = WaitingLogin.start()) {
            String lines = headers.replace("PORT", "" + login.port()).replace("+", "\r\n") + "\r\n";

            assertThat(login.raw(withHost(login, lines)).status()).isEqualTo(status);
            login.isStillPending();
        }
    }

    private static String withHost(WaitingLogin login, String lines) {
        return "GET /auth?" + login.goodQuery() + " HTTP/1.1\r\n" + lines + "\r\n";
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A25")
    @CsvSource(delimiter = '|', textBlock = """
                    absolute form, ours       | 200 | http://127.0.0.1:PORT/auth
                    absolute form, not ours   | 421 | http://evil.example:PORT/auth
                    absolute form, other port | 400 | http://localhost:1/auth
                    absolute form, userinfo   | 400 | http://user@localhost:PORT/auth
                    absolute form, no path    | 404 | http://localhost:PORT
                    absolute form, https      | 404 | https://localhost:PORT/auth
                    """)
    void targetIsAbsolute(String what, int status, String target) {
        try (WaitingLogin login = WaitingLogin.start()) {
            assertThat(login.get(target.replace("PORT", "" + login.port()) + "?" + login.goodQuery())
                            .status())
                    .isEqualTo(status);
            if (status != 200) {
                login.isStillPending();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A34")
    @Tag("A38")
    @Tag("A39")
    @CsvSource(delimiter = '|', textBlock = """
                    prefetch             | Sec-Purpose: prefetch
                    prerender            | Sec-Purpose: prefetch;prerender
                    old prefetch         | Purpose: prefetch
                    preview of Safari    | X-Purpose: preview
                    prefetch of Firefox  | X-Moz: prefetch
                    Origin               | Origin: https://evil.example
                    Origin null          | Origin: null
                    Origin ours          | Origin: http://localhost:4002
                    fetch, cors          | Sec-Fetch-Mode: cors
                    fetch, no-cors       | Sec-Fetch-Mode: no-cors
                    websocket            | Sec-Fetch-Mode: websocket
                    image                | Sec-Fetch-Dest: image
                    script               | Sec-Fetch-Dest: script
                    iframe               | Sec-Fetch-Dest: iframe
                    empty                | Sec-Fetch-Dest: empty
                    navigation of iframe | Sec-Fetch-Mode: navigate+Sec-Fetch-Dest: iframe
                    said twice           | Sec-Fetch-Mode: navigate+Sec-Fetch-Mode: cors
                    """)
    void isNoNavigation(String what, String headers) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request("GET", "/auth?" + login.goodQuery(), headers.split("\\+")));

            assertThat(response.status()).isEqualTo(403);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A39")
    void aNavigationOfATabIsJudged() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request(
                    "GET",
                    "/auth?" + login.goodQuery(),
                    "Sec-Fetch-Site: cross-site",
                    "Sec-Fetch-Mode: navigate",
                    "Sec-Fetch-User: ?1",
                    "Sec-Fetch-Dest: document",
                    "Upgrade-Insecure-Requests: 1",
                    "Cookie: of=another-program"));

            assertThat(response.status()).isEqualTo(200);
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A41")
    @CsvSource(delimiter = '|', textBlock = """
                    a wrong host stays wrong | 421 | evil.example:PORT | localhost:PORT
                    a wrong port stays wrong | 400 | localhost:1       | localhost:PORT
                    a right one stays right  | 200 | localhost:PORT    | evil.example:1
                    """)
    void forwardedHeadersChangeNothing(String what, int status, String host, String forwarded) {
        try (WaitingLogin login = WaitingLogin.start()) {
            String lines = "Host: %s+Forwarded: host=%s;proto=https+X-Forwarded-Host: %s+X-Forwarded-Port: 1+"
                    .formatted(host, forwarded, forwarded)
                    .concat("X-Forwarded-Proto: https+X-Forwarded-Prefix: /x+X-Forwarded-For: 192.0.2.1+")
                    .replace("PORT", "" + login.port())
                    .replace("+", "\r\n");

            assertThat(login.raw(withHost(login, lines)).status()).isEqualTo(status);
            if (status != 200) {
                login.isStillPending();
            }
            assertThat(login.code().redirectUri()).isEqualTo(login.request().redirectUri());
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A72")
    @Tag("A73")
    @Tag("A75")
    @CsvSource(delimiter = '|', textBlock = """
                    length and chunks      | Content-Length: 0,Transfer-Encoding: chunked
                    two lengths            | Content-Length: 0,Content-Length: 5
                    two equal lengths      | Content-Length: 0,Content-Length: 0
                    list of lengths        | Content-Length: 0\\, 5
                    signed length          | Content-Length: +0
                    chunks                 | Transfer-Encoding: chunked
                    odd transfer encoding  | Transfer-Encoding: x-chunked
                    folded header          | X-A: 1,  folded
                    space before the colon | Origin : https://evil.example
                    tab before the colon   | Origin\\t: https://evil.example
                    NUL in a value         | X-A: a\\0b
                    no colon               | nonsense
                    empty name             | : x
                    a body                 | Content-Length: 5
                    a body of 1 GB         | Content-Length: 1000000000
                    websocket              | Connection: Upgrade,Upgrade: websocket,Sec-WebSocket-Version: 13,Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
                    websocket among others | Connection: Upgrade,Upgrade: h2c\\, WebSocket
                    """)
    void isSmuggling(String what, String headers) {
        try (WaitingLogin login = WaitingLogin.start()) {
            String lines = headers.replaceAll("(?<!\\\\),", "\r\n")
                    .replace("\\,", ",")
                    .replace("\\t", "\t")
                    .replace("\\0", "\0");

            RawResponse response = login.raw(login.request("GET", "/auth?" + login.goodQuery(), lines.split("\r\n")));

            assertThat(response.status()).isEqualTo(400);
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A72")
    @Tag("A74")
    @CsvSource(delimiter = '|', textBlock = """
                    bare LF              | 400 | GET TARGET HTTP/1.1\\nHost: HOST\\n\\n
                    bare LF after header | 400 | GET TARGET HTTP/1.1\\r\\nHost: HOST\\n\\r\\n
                    control bytes first  | 400 | \\0\\0GET TARGET HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n
                    empty lines first    | 400 | \\r\\n\\r\\nGET TARGET HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n
                    chunk extension      | 400 | GET TARGET HTTP/1.1\\r\\nHost: HOST\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0;a="\\r\\n\\r\\n
                    chunks in HTTP/1.0   | 400 | GET TARGET HTTP/1.0\\r\\nHost: HOST\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n
                    HTTP/2 preface       | 400 | PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n
                    HTTP/0.9             | 400 | GET TARGET\\r\\n\\r\\n
                    HTTP/3.0             | 400 | GET TARGET HTTP/3.0\\r\\nHost: HOST\\r\\n\\r\\n
                    no version           | 400 | GET TARGET FTP\\r\\nHost: HOST\\r\\n\\r\\n
                    another protocol     | 400 | \\0\\1\\2\\3
                    """)
    void isNotHttp11(String what, int status, String request) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(request.replace("\\r", "\r")
                    .replace("\\n", "\n")
                    .replace("\\0", "\0")
                    .replace("\\1", "\1")
                    .replace("\\2", "\2")
                    .replace("\\3", "\3")
                    .replace("TARGET", "/auth?" + login.goodQuery())
                    .replace("HOST", "localhost:" + login.port()));

            assertThat(response.status()).isEqualTo(status);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A74")
    void aTlsHandshakeIsClosedAtOnceWithOneHint(CapturedLog log) {
        try (WaitingLogin login = WaitingLogin.start()) {
            for (int i = 0; i < 3; i++) {
                assertThat(RawResponse.to(
                                        login.port(),
                                        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003")
                                .text())
                        .isEmpty();
            }

            assertThat(log.warnings(Listener.class)).singleElement().asString().contains("https", "" + login.port());
            login.isStillPending();
        }
    }

    /** Some clients offer the upgrade with every first request; it is the upgrade that is refused, not the request. */
    @Test
    @Tag("A75")
    void anUpgradeToHttp2IsNotTakenUp() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request(
                    "GET",
                    "/auth?" + login.goodQuery(),
                    "Connection: Upgrade, HTTP2-Settings",
                    "Upgrade: h2c",
                    "HTTP2-Settings: AAMAAABk"));

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.header("Upgrade")).isEmpty();
            assertThat(response.header("Connection")).isEqualTo("close");
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    @Tag("A76")
    void anExpectationFails() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request("GET", "/auth?" + login.goodQuery(), "Expect: 100-continue"));

            assertThat(response.status()).isEqualTo(417);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A68")
    void anOverlongRequestLineIsRefused() {
        try (WaitingLogin login = WaitingLogin.start()) {
            String rest = "&x=" + "x".repeat(8192);

            assertThat(login.hit(login.goodQuery() + rest).status()).isEqualTo(414);
            login.isStillPending();
        }
    }

    /** The cookies of every program that was ever on this host, whatever its port. */
    private static String[] cookies(int kibibytes) {
        return IntStream.range(0, kibibytes)
                .mapToObj(i -> "Cookie: c" + i + "=" + "x".repeat(1000))
                .toArray(String[]::new);
    }

    @Test
    @Tag("A68")
    void theCookiesOfOtherProgramsKeepNoRedirectOut() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request("GET", "/auth?" + login.goodQuery(), cookies(31)));

            assertThat(response.status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @ParameterizedTest(name = "{0} KiB")
    @Tag("A68")
    @ValueSource(ints = {33, 64, 200})
    void moreCookiesThanThatGetAPageThatSaysWhatToDoAndTheLoginKeepsWaiting(int kibibytes) {
        LoopbackReceiver named =
                WaitingLogin.RECEIVER.page(CallbackPage.create().application("Night Radio"));
        try (WaitingLogin login = WaitingLogin.start(named)) {
            RawResponse response = login.raw(login.request("GET", "/auth?" + login.goodQuery(), cookies(kibibytes)));

            assertThat(response.status()).isEqualTo(431);
            assertThat(response.header("Content-Type")).isEqualTo("text/html; charset=utf-8");
            assertThat(response.body())
                    .contains("There are too many cookies", "Night Radio")
                    .contains(
                            "Clear the cookies of localhost and reload this page, or start again in a private window.")
                    .as("the reload needs the address")
                    .doesNotContain("replaceState")
                    .doesNotContain(WaitingLogin.CODE);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A68")
    void aRequestLineOfAlmost8KiBIsJudged() {
        try (WaitingLogin login = WaitingLogin.start()) {
            assertThat(login.hit(login.goodQuery() + "&x=" + "x".repeat(8000)).status())
                    .isEqualTo(200);
        }
    }

    /** A browser may connect ahead of need. With room for one connection, the empty one must yield to the real hit. */
    @Test
    @Tag("A33")
    void anEmptyConnectionKeepsNoPlaceThatTheRealOneNeeds() throws IOException {
        LoopbackReceiver narrow =
                WaitingLogin.RECEIVER.limits(new Listener.Limits(1, Duration.ofDays(1), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(narrow);
                Socket first = new Socket("127.0.0.1", login.port());
                Socket second = new Socket("127.0.0.1", login.port())) {
            // Whichever it is: both were accepted then, and the other one holds the place.
            NothingIsLeft.eventually(
                    () -> assertThat(isCut(first) || isCut(second)).isTrue());

            login.isStillPending();
        }
    }

    @Test
    @Tag("E46")
    void theLogSaysWhyARedirectIsRefusedAndHowTheLoginEnds(CapturedLog log) {
        try (WaitingLogin login = WaitingLogin.start()) {
            login.hit("code=c&state=wrong");
            login.hit("code=c&code=d&state=" + login.state());
            login.isStillPending();

            String name = "The login at " + login.request().redirectUri();
            assertThat(log.messages())
                    .anyMatch(line ->
                            line.startsWith(name + " ignores a redirect: The state is not the one of this login"))
                    .anyMatch(line -> line.startsWith(name + " ignores a redirect: A parameter is repeated"))
                    .anyMatch(line -> line.startsWith(name + " has ended: SIGNED_IN"));
            assertThat(log.warnings(PendingLogin.class)).isEmpty();
        }
    }

    /** Event loops admit connections in any order, so that a browser's new connection may seem to be the oldest. */
    @Test
    @Tag("A70")
    void aNewConnectionIsNotCutBeforeItHasSentItsRequest() throws IOException {
        try (WaitingLogin login = WaitingLogin.start(WithOneConnection.RECEIVER);
                Socket browser = new Socket("127.0.0.1", login.port());
                Socket second = new Socket("127.0.0.1", login.port());
                Socket third = new Socket("127.0.0.1", login.port())) {
            for (Socket connection : List.of(second, third)) {
                writeQuietly(connection, login.request("GET", "/auth?code=c&state=wrong"));
                assertThat(RawResponse.read(connection).status()).isEqualTo(400);
            }
            writeQuietly(browser, login.request("GET", "/auth?" + login.goodQuery()));
            assertThat(RawResponse.read(browser).status()).isEqualTo(200);
        }
    }

    @Test
    @Tag("A70")
    void newConnectionsAreBoundedToo() throws IOException {
        List<Socket> silent = new ArrayList<>();
        try (WaitingLogin login = WaitingLogin.start(WithOneConnection.RECEIVER)) {
            // More than one beyond the limit: of two that are admitted at the same time, one may replace none.
            int beyond = 10;
            for (int i = 0; i < 1 + ConnectionLimit.MOST_SURPLUS + beyond; i++) {
                silent.add(new Socket("127.0.0.1", login.port()));
            }
            NothingIsLeft.eventually(() ->
                    assertThat(silent).filteredOn(ReceivedRequestsTest::isCut).hasSizeBetween(1, beyond));
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    /** A receiver that keeps one connection, and more of them for as long as they may take to send their requests. */
    private static final class WithOneConnection {
        static final LoopbackReceiver RECEIVER = WaitingLogin.RECEIVER.limits(
                new Listener.Limits(1, Duration.ofDays(1), Duration.ofMillis(20), Duration.ofDays(1)));
    }

    private static boolean isCut(Socket silent) {
        try {
            silent.setSoTimeout(10);
            return silent.getInputStream().read() < 0;
        } catch (SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    @Tag("A33")
    void anEmptyConnectionThatEndsIsNoHit() throws IOException {
        try (WaitingLogin login = WaitingLogin.start()) {
            try (Socket early = new Socket("127.0.0.1", login.port())) {
                early.shutdownOutput();
                // The receiver has seen its end, and says nothing.
                assertThat(RawResponse.read(early).text()).isEmpty();
            }
            login.isStillPending();
        }
    }

    @Test
    @Tag("A33")
    void theEmptyConnectionMayBecomeTheRealOne() throws IOException {
        try (WaitingLogin login = WaitingLogin.start();
                Socket early = new Socket("127.0.0.1", login.port())) {
            assertThat(login.get("/favicon.ico").status()).isEqualTo(404);
            early.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery()).getBytes(StandardCharsets.US_ASCII));

            assertThat(RawResponse.read(early).status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    /** A byte now and then would keep any idle timeout from firing. */
    @Test
    @Tag("A69")
    void aRequestThatDripsIsCutAtTheDeadline() throws IOException {
        assertThat(Listener.Limits.DEFAULT.connectionLife()).isEqualTo(Duration.ofSeconds(10));
        LoopbackReceiver impatient =
                WaitingLogin.RECEIVER.limits(new Listener.Limits(64, Duration.ofMillis(500), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(impatient);
                Socket slow = new Socket("127.0.0.1", login.port())) {
            slow.setSoTimeout(50);
            slow.getOutputStream().write("GET /auth HTTP/1.1\r\nHost: ".getBytes(StandardCharsets.US_ASCII));

            assertThat(dripUntilCut(slow)).as("bytes received").isEmpty();
            login.isStillPending();
        }
    }

    private static String dripUntilCut(Socket slow) {
        StringBuilder response = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            try {
                slow.getOutputStream().write('x');
                int b = slow.getInputStream().read();
                if (b < 0) {
                    return response.toString();
                }
                response.append((char) b);
            } catch (SocketTimeoutException pause) {
                // The next byte.
            } catch (IOException reset) {
                return response.toString();
            }
        }
        throw new AssertionError("The connection was not cut");
    }

    @Test
    @Tag("A73")
    void aBodyOf1GBIsNotRead() throws IOException {
        try (WaitingLogin login = WaitingLogin.start();
                Socket socket = new Socket("127.0.0.1", login.port())) {
            socket.getOutputStream()
                    .write(login.request("GET", "/auth?" + login.goodQuery(), "Content-Length: 1000000000")
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] some = new byte[64 * 1024];
            long written = 0;
            try {
                while (written < 1_000_000_000) {
                    socket.getOutputStream().write(some);
                    written += some.length;
                }
            } catch (IOException closed) {
                // As it should be.
            }

            // What the buffers of both sockets take, and nothing near the whole.
            assertThat(written).isLessThan(100_000_000);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A70")
    void idleConnectionsDoNotKeepTheRealHitOut() throws IOException {
        List<Socket> idle = new ArrayList<>();
        // No deadline here: it is the cap that bites.
        LoopbackReceiver longWaiting =
                WaitingLogin.RECEIVER.limits(new Listener.Limits(64, Duration.ofDays(1), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(longWaiting)) {
            for (int i = 0; i < 500; i++) {
                Socket socket = new Socket("127.0.0.1", login.port());
                idle.add(socket);
                if (i % 2 == 0) {
                    writeQuietly(socket, "GET /auth");
                }
            }
            assertThat(Listener.Limits.DEFAULT.connections()).isEqualTo(64);
            // The oldest had to go.
            idle.get(0).setSoTimeout(20_000);
            assertThat(RawResponse.read(idle.get(0)).text()).isEmpty();
            login.isStillPending();
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    private static void writeQuietly(Socket socket, String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException cut) {
            // It was the oldest already.
        }
    }

    @Test
    @Tag("A71")
    void onlyTheFirstOfPipelinedRequestsGetsAResponse() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request("GET", "/auth?code=c&state=wrong")
                    + login.request("GET", "/auth?" + login.goodQuery()));

            assertThat(response.status()).isEqualTo(400);
            assertThat(response.text().split("HTTP/1\\.1 ", -1)).hasSize(2);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A71")
    void norIsOneThatFollowsARefusal() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request("POST", "/auth") + login.request("GET", "/auth?" + login.goodQuery()));

            assertThat(response.status()).isEqualTo(405);
            assertThat(response.text().split("HTTP/1\\.1 ", -1)).hasSize(2);
            login.isStillPending();
        }
    }

    @Test
    @Tag("A42")
    void anOrdinaryClientGetsThePageWithItsHeaders() throws Exception {
        try (WaitingLogin login = WaitingLogin.start()) {
            HttpResponse<String> response = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create(login.request().redirectUri() + "?" + login.goodQuery()))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());

            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().map())
                    .containsEntry("content-type", List.of("text/html; charset=utf-8"))
                    .containsEntry("cache-control", List.of("no-store"))
                    .containsEntry("pragma", List.of("no-cache"))
                    .containsEntry("referrer-policy", List.of("no-referrer"))
                    .containsEntry("x-content-type-options", List.of("nosniff"))
                    .containsEntry("x-frame-options", List.of("DENY"))
                    .containsEntry("connection", List.of("close"))
                    .doesNotContainKeys("server", "set-cookie", "access-control-allow-origin");
            assertThat(response.headers().firstValue("content-security-policy"))
                    .get()
                    .asString()
                    .startsWith("default-src 'none'; ")
                    .contains("frame-ancestors 'none'")
                    .doesNotContain("unsafe");
        }
    }

    /** Every other case is searched for secrets too; this one proves that the search would find them. */
    @Test
    @Tag("A80")
    void whatIsSearchedForSecretsIsEverythingThatIsLogged(CapturedLog log) {
        try (WaitingLogin login = WaitingLogin.start()) {
            login.hit(login.goodQuery());
            login.code();

            // Both would show the query: Reactor Netty's access log, switched on for all of these tests, and its
            // wiretap.
            assertThat(System.getProperty("reactor.netty.http.server.accessLogEnabled"))
                    .isEqualTo("true");
            assertThat(log.messages()).anyMatch(line -> line.contains("127.0.0.1:" + login.port()));
        }
    }
}
