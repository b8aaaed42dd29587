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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request must look like to be judged at all. Each of them carries the right code and state. */
@ExtendWith(NothingIsLeft.class)
class ReceivedRequestsTest {

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "A26 POST",
                "A27 HEAD",
                "A28 POST",
                "A28 PUT",
                "A28 PATCH",
                "A28 DELETE",
                "A29 OPTIONS",
                "A30 TRACE",
                "A30 CONNECT",
                "A30 BREW",
                "A30 get"
            })
    void isNotGet(String method) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(
                    login.request(method.substring(4), "/auth?" + login.goodQuery(), "Content-Length: 3") + "a=b");

            assertThat(response.status()).isEqualTo(405);
            assertThat(response.header("Allow")).isEqualTo("GET");
            assertThat(response.text()).doesNotContain("Access-Control", WaitingLogin.CODE);
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "A32 {0}")
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
            assertThat(login.get(path + "?" + login.goodQuery()).status()).isEqualTo(404);
            login.isStillPending();
        }
    }

    @Test
    void a31_theIconIsNotThere() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request("GET", "/favicon.ico", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"));

            assertThat(response.status()).isEqualTo(404);
            assertThat(login.get("/favicon.ico?" + login.goodQuery()).status()).isEqualTo(404);
            login.isStillPending();
        }
    }

    @ParameterizedTest(name = "A35 {0}")
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
    @CsvSource(delimiter = '|', textBlock = """
                    A36 rebinding             | 421 | Host: evil.example:PORT
                    A36 trailing dot          | 421 | Host: localhost.:PORT
                    A36 another loopback name | 421 | Host: localhost.localdomain:PORT
                    A36 number of the address | 421 | Host: 2130706433:PORT
                    A36 prefix                | 421 | Host: localhost.evil.example:PORT
                    A36 address without braces| 421 | Host: ::1:PORT
                    A37 no Host               | 400 | X-Nothing: x
                    A37 empty Host            | 400 | Host:
                    A37 two Hosts             | 400 | Host: localhost:PORT+Host: localhost:PORT
                    A37 two different Hosts   | 400 | Host: localhost:PORT+Host: evil.example
                    A37 userinfo              | 400 | Host: user@localhost:PORT
                    A37 a name and a password | 400 | Host: localhost:PORT@evil.example:PORT
                    A37 wrong port            | 400 | Host: localhost:1
                    A37 no port               | 400 | Host: localhost
                    A37 garbage for a port    | 400 | Host: localhost:PORTx
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
    @CsvSource(delimiter = '|', textBlock = """
                    A25 absolute form, ours       | 200 | http://127.0.0.1:PORT/auth
                    A25 absolute form, not ours   | 421 | http://evil.example:PORT/auth
                    A25 absolute form, other port | 400 | http://localhost:1/auth
                    A25 absolute form, userinfo   | 400 | http://user@localhost:PORT/auth
                    A25 absolute form, no path    | 404 | http://localhost:PORT
                    A25 absolute form, https      | 404 | https://localhost:PORT/auth
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
    @CsvSource(delimiter = '|', textBlock = """
                    A34 prefetch             | Sec-Purpose: prefetch
                    A34 prerender            | Sec-Purpose: prefetch;prerender
                    A34 old prefetch         | Purpose: prefetch
                    A38 Origin               | Origin: https://evil.example
                    A38 Origin null          | Origin: null
                    A38 Origin ours          | Origin: http://localhost:4002
                    A39 fetch, cors          | Sec-Fetch-Mode: cors
                    A39 fetch, no-cors       | Sec-Fetch-Mode: no-cors
                    A39 websocket            | Sec-Fetch-Mode: websocket
                    A39 image                | Sec-Fetch-Dest: image
                    A39 script               | Sec-Fetch-Dest: script
                    A39 iframe               | Sec-Fetch-Dest: iframe
                    A39 empty                | Sec-Fetch-Dest: empty
                    A39 navigation of iframe | Sec-Fetch-Mode: navigate+Sec-Fetch-Dest: iframe
                    A39 said twice           | Sec-Fetch-Mode: navigate+Sec-Fetch-Mode: cors
                    """)
    void isNoNavigation(String what, String headers) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request("GET", "/auth?" + login.goodQuery(), headers.split("\\+")));

            assertThat(response.status()).isEqualTo(403);
            login.isStillPending();
        }
    }

    @Test
    void a39_aNavigationOfATabIsJudged() {
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

    @ParameterizedTest(name = "A41 {0}")
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
    @CsvSource(delimiter = '|', textBlock = """
                    A72 length and chunks      | Content-Length: 0,Transfer-Encoding: chunked
                    A72 two lengths            | Content-Length: 0,Content-Length: 5
                    A72 two equal lengths      | Content-Length: 0,Content-Length: 0
                    A72 list of lengths        | Content-Length: 0\\, 5
                    A72 signed length          | Content-Length: +0
                    A72 chunks                 | Transfer-Encoding: chunked
                    A72 odd transfer encoding  | Transfer-Encoding: x-chunked
                    A72 folded header          | X-A: 1,  folded
                    A72 space before the colon | Origin : https://evil.example
                    A72 tab before the colon   | Origin\\t: https://evil.example
                    A72 NUL in a value         | X-A: a\\0b
                    A72 no colon               | nonsense
                    A72 empty name             | : x
                    A73 a body                 | Content-Length: 5
                    A73 a body of 1 GB         | Content-Length: 1000000000
                    A75 websocket              | Connection: Upgrade,Upgrade: websocket,Sec-WebSocket-Version: 13,Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
                    A75 websocket among others | Connection: Upgrade,Upgrade: h2c\\, WebSocket
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
    @CsvSource(delimiter = '|', textBlock = """
                    A72 bare LF              | 400 | GET TARGET HTTP/1.1\\nHost: HOST\\n\\n
                    A72 bare LF after header | 400 | GET TARGET HTTP/1.1\\r\\nHost: HOST\\n\\r\\n
                    A72 control bytes first  | 400 | \\0\\0GET TARGET HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n
                    A72 empty lines first    | 400 | \\r\\n\\r\\nGET TARGET HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n
                    A72 chunk extension      | 400 | GET TARGET HTTP/1.1\\r\\nHost: HOST\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0;a="\\r\\n\\r\\n
                    A72 chunks in HTTP/1.0   | 400 | GET TARGET HTTP/1.0\\r\\nHost: HOST\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n
                    A74 HTTP/2 preface       | 400 | PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n
                    A74 HTTP/0.9             | 400 | GET TARGET\\r\\n\\r\\n
                    A74 HTTP/3.0             | 400 | GET TARGET HTTP/3.0\\r\\nHost: HOST\\r\\n\\r\\n
                    A74 no version           | 400 | GET TARGET FTP\\r\\nHost: HOST\\r\\n\\r\\n
                    A74 another protocol     | 400 | \\0\\1\\2\\3
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
    void a74_aTlsHandshakeIsClosedAtOnceWithOneHint(CapturedLog log) {
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
    void a75_anUpgradeToHttp2IsNotTakenUp() {
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
    void a76_anExpectationFails() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request("GET", "/auth?" + login.goodQuery(), "Expect: 100-continue"));

            assertThat(response.status()).isEqualTo(417);
            login.isStillPending();
        }
    }

    @Test
    void a68_anOverlongRequestLineIsRefused() {
        try (WaitingLogin login = WaitingLogin.start()) {
            String rest = "&x=" + "x".repeat(8192);

            assertThat(login.hit(login.goodQuery() + rest).status()).isEqualTo(414);
            login.isStillPending();
        }
    }

    @Test
    void a68_overlongHeadersAreRefused() {
        try (WaitingLogin login = WaitingLogin.start()) {
            String[] headers = IntStream.range(0, 9)
                    .mapToObj(i -> "X-" + i + ": " + "x".repeat(1000))
                    .toArray(String[]::new);

            assertThat(login.raw(login.request("GET", "/auth?" + login.goodQuery(), headers))
                            .status())
                    .isEqualTo(431);
            login.isStillPending();
        }
    }

    @Test
    void a68_aRequestLineOfAlmost8KiBIsJudged() {
        try (WaitingLogin login = WaitingLogin.start()) {
            assertThat(login.hit(login.goodQuery() + "&x=" + "x".repeat(8000)).status())
                    .isEqualTo(200);
        }
    }

    /** A browser may connect ahead of need. With room for one connection, the empty one must yield to the real hit. */
    @Test
    void a33_anEmptyConnectionKeepsNoPlaceThatTheRealOneNeeds() throws IOException {
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
    void a33_anEmptyConnectionThatEndsIsNoHit() throws IOException {
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
    void a33_theEmptyConnectionMayBecomeTheRealOne() throws IOException {
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
    void a69_aRequestThatDripsIsCutAtTheDeadline() throws IOException {
        assertThat(Listener.Limits.DEFAULT.connectionLife()).isEqualTo(Duration.ofSeconds(10));
        LoopbackReceiver impatient =
                WaitingLogin.RECEIVER.limits(new Listener.Limits(64, Duration.ofMillis(500), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(impatient);
                Socket slow = new Socket("127.0.0.1", login.port())) {
            slow.setSoTimeout(50);
            slow.getOutputStream().write("GET /auth HTTP/1.1\r\nHost: ".getBytes(StandardCharsets.US_ASCII));

            assertThat(dripUntilCut(slow)).as("bytes answered").isEmpty();
            login.isStillPending();
        }
    }

    private static String dripUntilCut(Socket slow) {
        StringBuilder answer = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            try {
                slow.getOutputStream().write('x');
                int b = slow.getInputStream().read();
                if (b < 0) {
                    return answer.toString();
                }
                answer.append((char) b);
            } catch (SocketTimeoutException pause) {
                // The next byte.
            } catch (IOException reset) {
                return answer.toString();
            }
        }
        throw new AssertionError("The connection was not cut");
    }

    @Test
    void a73_aBodyOf1GBIsNotRead() throws IOException {
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
    void a70_idleConnectionsDoNotKeepTheRealHitOut() throws IOException {
        List<Socket> idle = new ArrayList<>();
        // No deadline here: it is the cap that bites.
        LoopbackReceiver patient =
                WaitingLogin.RECEIVER.limits(new Listener.Limits(64, Duration.ofDays(1), Duration.ofMillis(20)));
        try (WaitingLogin login = WaitingLogin.start(patient)) {
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
    void a71_onlyTheFirstOfPipelinedRequestsIsAnswered() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.raw(login.request("GET", "/auth?code=c&state=wrong")
                    + login.request("GET", "/auth?" + login.goodQuery()));

            assertThat(response.status()).isEqualTo(400);
            assertThat(response.text().split("HTTP/1\\.1 ", -1)).hasSize(2);
            login.isStillPending();
        }
    }

    @Test
    void a71_norIsOneThatFollowsARefusal() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.raw(login.request("POST", "/auth") + login.request("GET", "/auth?" + login.goodQuery()));

            assertThat(response.status()).isEqualTo(405);
            assertThat(response.text().split("HTTP/1\\.1 ", -1)).hasSize(2);
            login.isStillPending();
        }
    }

    @Test
    void a42_anOrdinaryClientGetsThePageWithItsHeaders() throws Exception {
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
    void a80_whatIsSearchedForSecretsIsEverythingThatIsLogged(CapturedLog log) {
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
