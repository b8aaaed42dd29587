package io.tokenswap.samples.exchange;

import static io.tokenswap.samples.exchange.Exchange.AUTHORIZE;
import static io.tokenswap.samples.exchange.Exchange.RETURN_URI;
import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuthorizeRouteTest {

    private static Exchange exchange;

    @BeforeAll
    static void start() {
        exchange = new Exchange();
    }

    @AfterAll
    static void stop() {
        exchange.close();
    }

    @Tag("C01")
    @ParameterizedTest(name = "a login at {0} goes to the provider with this server''s client id and redirect URI")
    @ValueSource(strings = {"/", "/authorize", "/authorize/", "/index.php"})
    void toTheProvider(String path) {
        HttpResponse<String> response = exchange.get(path + "?" + AUTHORIZE);

        Exchange.Login login = new Exchange.Login(response);
        assertThat(response.statusCode()).isEqualTo(302);
        assertThat(login.providerUrl())
                .startsWith(exchange.provider.uri("/authorize?").toString());
        assertThat(login.providerQuery())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "client_id", "client",
                        "response_type", "code",
                        "redirect_uri", exchange.server.uri() + "/callback",
                        "scope", "a b",
                        "state", login.state(),
                        "show_dialog", "false"));
        assertThat(login.state()).matches("[A-Za-z0-9_-]{100,1500}").doesNotContain("0a1b2c3d");
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(response.headers().firstValue("Referrer-Policy")).contains("no-referrer");
    }

    @Test
    void whatSpotifyApiNetSendsIsServed() {
        HttpResponse<String> response = exchange.get(
                "/?response_type=code&state=DEADBEEF&scope=user-read-private%20user-read-email&show_dialog=False");

        assertThat(new Exchange.Login(response).providerQuery())
                .containsEntry("scope", "user-read-private user-read-email")
                .containsEntry("show_dialog", "false")
                .doesNotContainKey("code_challenge");
    }

    @Test
    void whatOurLibrarySendsIsServed() {
        URI uri = AuthorizationRequest.builder(URI.create(exchange.server.uri() + "/authorize"))
                .scopes("a", "b")
                .build(URI.create("http://127.0.0.1:4002/auth"))
                .uri();

        HttpResponse<String> response = exchange.get("/authorize?" + uri.getRawQuery());

        Map<String, String> asked = Parameters.ofQuery(uri.getRawQuery());
        assertThat(new Exchange.Login(response).providerQuery())
                .containsEntry("code_challenge", asked.get("code_challenge"))
                .containsEntry("code_challenge_method", "S256")
                .containsEntry("scope", "a b");
    }

    @Tag("C02")
    @ParameterizedTest(name = "an off-list {0} gets a page and no redirect")
    @ValueSource(strings = {"redirect_uri", "server_uri"})
    void offList(String parameter) {
        assertRefused(AUTHORIZE + "&" + parameter + "=https%3A%2F%2Fevil.example%2Fauth");
        assertThat(exchange.get("/authorize?" + AUTHORIZE + "&" + parameter + "=" + encode(RETURN_URI))
                        .statusCode())
                .isEqualTo(302);
    }

    @Test
    @Tag("C02")
    void twoDifferentDestinationsAreRefused() {
        assertRefused(AUTHORIZE + "&server_uri=" + encode(RETURN_URI) + "&redirect_uri="
                + encode("http://127.0.0.1:4002/auth"));
    }

    @Tag("C03")
    @ParameterizedTest(name = "by default a login may not end at {0}")
    @ValueSource(
            strings = {
                "http://localhost:4002/auth/",
                "http://localhost:4002/AUTH",
                "http://localhost:4003/auth",
                "http://localhost/auth",
                "https://localhost:4002/auth",
                "http://127.0.0.1/auth",
                "http://127.0.0.1:4003/auth",
                "http://[::1]:4002/auth",
                ""
            })
    void offDefaultList(String uri) {
        assertRefused(AUTHORIZE + "&server_uri=" + encode(uri));
    }

    @Test
    @Tag("C04")
    void noneOfThousandsOfDestinationsGetsARedirect() {
        List<String> corpus = corpus();
        assertThat(corpus).hasSizeGreaterThan(1000);

        for (String parameter : List.of("server_uri", "redirect_uri")) {
            for (String destination : corpus) {
                assertRefused(AUTHORIZE + "&" + parameter + "=" + encode(destination));
            }
        }
    }

    @Tag("C05")
    @ParameterizedTest(name = "the look-alike {0} is refused")
    @ValueSource(
            strings = {
                "http://localhost:4002@evil.example/auth",
                "http://evil.example\\@localhost:4002/auth",
                "http://localhost:4002\\.evil.example/auth",
                "http:\\\\localhost:4002\\auth",
                "http:/\\localhost:4002/auth",
                "http://localhost:4002\t/auth",
                "http://localhost:4002/auth\n",
                " http://localhost:4002/auth",
                "http://localhost:4002/auth ",
                "//localhost:4002/auth",
                "///localhost:4002/auth",
                "http:localhost:4002/auth",
                "http://localhost:4002//auth",
                "http://localhost:4002/%2Fauth",
                "http://localhost:4002/x/../auth",
                "http://localhost%3A4002/auth",
                "http://ｌocalhost:4002/auth",
                "http://locаlhost:4002/auth",
                "http://localhost。:4002/auth",
                "http://2130706433:4002/auth",
                "http://017700000001:4002/auth",
                "http://0x7f000001:4002/auth",
                "http://0x7f.1:4002/auth",
                "http://127.1:4002/auth",
                "http://127.000.000.001:4002/auth",
                "http://[::ffff:127.0.0.1]:4002/auth",
                "http://[0:0:0:0:0:0:0:1]:4002/auth",
                "http://localhost.:4002/auth",
                "http://127.0.0.1.:4002/auth",
                "http://127.0.0.1.nip.example:4002/auth",
                "http://localhost.evil.example:4002/auth",
                "HTTP://LOCALHOST:4002/auth",
                "http://localhost:04002/auth",
                "http://localhost:4002/auth#",
                "http://localhost:4002/auth?",
                "http://localhost:4002/auth;x"
            })
    void lookAlike(String uri) {
        assertRefused(AUTHORIZE + "&server_uri=" + encode(uri));
        assertRefused(AUTHORIZE + "&redirect_uri=" + encode(uri));
    }

    @Tag("C06")
    @ParameterizedTest(name = "the state {0} is refused")
    @ValueSource(
            strings = {
                "",
                "&state=",
                "&state=1234567",
                "&state=1234567%C3%A9",
                "&state=1234567%0A",
                "&state=12345678%00"
            })
    void badState(String state) {
        assertRefused("response_type=code" + state);
    }

    @Test
    @Tag("C06")
    void aStateHas8To512Characters() {
        assertThat(exchange.get("/authorize?response_type=code&state=12345678").statusCode())
                .isEqualTo(302);
        assertThat(exchange.get("/authorize?response_type=code&state=" + "x".repeat(512))
                        .statusCode())
                .isEqualTo(302);
        assertRefused("response_type=code&state=" + "x".repeat(513));
    }

    @Tag("C07")
    @ParameterizedTest(name = "the show_dialog {0} arrives as {1}")
    @CsvSource({"True,true", "False,false", "TRUE,true", "false,false", "tRuE,true"})
    void showDialog(String sent, String arrives) {
        Exchange.Login login = exchange.login("response_type=code&state=12345678&show_dialog=" + sent);

        assertThat(login.providerQuery()).containsEntry("show_dialog", arrives);
    }

    @Test
    @Tag("C07")
    void otherDialogsAndScopesOutsideTheListAreRefused() {
        assertRefused("response_type=code&state=12345678&show_dialog=1");
        assertRefused("response_type=code&state=12345678&scope=a%22b");
        try (Exchange strict = new Exchange(Map.of("SCOPES", "a b"))) {
            assertThat(strict.get("/authorize?" + AUTHORIZE).statusCode()).isEqualTo(302);
            assertThat(strict.get("/authorize?response_type=code&state=12345678&scope=a%20c")
                            .statusCode())
                    .isEqualTo(400);
        }
    }

    @Tag("C08")
    @ParameterizedTest(name = "the response type {0} is refused")
    @ValueSource(strings = {"token", "code%20token", "CODE", "", "none"})
    void responseType(String type) {
        assertRefused("response_type=" + type + "&state=12345678");
    }

    @Test
    @Tag("C08")
    void anAbsentResponseTypeMeansCode() {
        assertThat(exchange.login("state=12345678").providerQuery()).containsEntry("response_type", "code");
    }

    @Test
    @Tag("C08")
    void unknownParametersGoNowhere() {
        assertThat(exchange.login(AUTHORIZE + "&client_id=other&prompt=none&request_uri=https://evil.example")
                        .providerQuery())
                .containsEntry("client_id", "client")
                .doesNotContainKeys("prompt", "request_uri");
    }

    @Tag("C09")
    @ParameterizedTest(name = "a second {0} is refused")
    @ValueSource(strings = {"response_type=code", "state=0a1b2c3d", "scope=a", "show_dialog=false", "x=1&x=1"})
    void duplicates(String duplicate) {
        assertRefused(AUTHORIZE + "&" + duplicate);
    }

    @Test
    void malformedQueriesAreRefused() throws IOException {
        for (String query : List.of("%", "%zz", "%C0%AF", "%ED%A0%80", "\u00e9")) {
            assertThat(exchange.raw("GET /authorize?" + AUTHORIZE + "&x=" + query
                            + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 400 ")
                    .doesNotContainIgnoringCase("location:");
        }
    }

    @Tag("C10")
    @ParameterizedTest(name = "the challenge {0} is refused")
    @ValueSource(
            strings = {
                "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=plain",
                "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c&code_challenge_method=S256",
                "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM&code_challenge_method=S256",
                "code_challenge=&code_challenge_method=S256",
                "code_challenge_method=S256"
            })
    void challenge(String parameters) {
        assertRefused(AUTHORIZE + "&" + parameters);
    }

    @Test
    @Tag("C10")
    void pkceIsDemandedWhereItIsRequired() {
        try (Exchange strict = new Exchange(Map.of("REQUIRE_PKCE", "true"))) {
            assertThat(strict.get("/authorize?" + AUTHORIZE).statusCode()).isEqualTo(400);
            assertThat(strict.get(
                                    "/authorize?" + AUTHORIZE
                                            + "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256")
                            .statusCode())
                    .isEqualTo(302);
        }
    }

    @Test
    @Tag("C11")
    void eachLoginHasItsOwnStateAndCookie() {
        Set<String> states = new HashSet<>();
        Set<String> cookies = new HashSet<>();
        IntStream.range(0, 100).mapToObj(i -> exchange.login(AUTHORIZE)).forEach(login -> {
            states.add(login.state());
            // The name is taken from the state, which anyone can read. The value is the secret.
            String value = login.cookie().substring(login.cookie().indexOf('=') + 1);
            assertThat(value).matches("[0-9a-z]+\\.[A-Za-z0-9_-]{43}");
            cookies.add(value);
            assertThat(login.setCookie())
                    .startsWith("login-")
                    .endsWith("; Max-Age=600; Path=/; HttpOnly; SameSite=Lax");
        });
        assertThat(states).hasSize(100);
        assertThat(cookies).hasSize(100);
    }

    @Test
    @Tag("C11")
    void onHttpsTheCookieBelongsToThisHostAlone() {
        try (Exchange secure =
                new Exchange(Map.of("PUBLIC_URL", "https://exchange.example", "SEAL_KEYS", Exchange.KEY))) {
            HttpResponse<String> response = secure.get("/authorize?" + AUTHORIZE);

            assertThat(new Exchange.Login(response).setCookie())
                    .startsWith("__Host-login-")
                    .endsWith("; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure");
            assertThat(response.headers().firstValue("Strict-Transport-Security"))
                    .isPresent();
        }
    }

    @Test
    @Tag("C13")
    @Tag("E66")
    void aLoginThatLeavesThisMachineIsConfirmedOnAPage() {
        try (Exchange other =
                new Exchange(Map.of("RETURN_URIS", "http://localhost:4002/auth,https://app.example/auth"))) {
            HttpResponse<String> response =
                    other.get("/authorize?" + AUTHORIZE + "&server_uri=https%3A%2F%2Fapp.example%2Fauth");

            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Location")).isEmpty();
            assertThat(response.headers().firstValue("X-Frame-Options")).contains("DENY");
            assertThat(response.body()).contains("app.example");
            Exchange.Login login = Exchange.Login.confirmed(response);
            assertThat(login.providerQuery()).containsEntry("show_dialog", "true");
            assertThat(Exchange.location(other.callback("code=c&state=" + login.state(), login)))
                    .startsWith("https://app.example/auth?code=");
            assertThat(other.login(AUTHORIZE).providerQuery()).containsEntry("show_dialog", "false");
        }
    }

    @Test
    @Tag("E66")
    void theLinkOfAConfirmPageWorksInItsOwnBrowserOnly() {
        try (Exchange other = new Exchange(Map.of("RETURN_URIS", "https://app.example/auth"))) {
            Exchange.Login strangers = Exchange.Login.confirmed(other.get("/authorize?" + AUTHORIZE));

            assertThat(other.get("/callback?code=c&state=" + strangers.state()).statusCode())
                    .isEqualTo(400);
        }
    }

    @Test
    @Tag("C12")
    @Tag("E72")
    void fiveHundredLoginsLeaveTenCookies() {
        Map<String, String> jar = new LinkedHashMap<>();
        List<Exchange.Login> logins = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            exchange.now = exchange.now.plusSeconds(1);
            String cookies = jar.entrySet().stream()
                    .map(cookie -> cookie.getKey() + "=" + cookie.getValue())
                    .collect(Collectors.joining("; "));
            HttpResponse<String> response = cookies.isEmpty()
                    ? exchange.get("/authorize?" + AUTHORIZE)
                    : exchange.get("/authorize?" + AUTHORIZE, "Cookie", cookies);
            logins.add(new Exchange.Login(response));
            for (String set : response.headers().allValues("Set-Cookie")) {
                String name = set.substring(0, set.indexOf('='));
                if (set.contains("Max-Age=0")) {
                    jar.remove(name);
                } else {
                    jar.put(name, set.substring(name.length() + 1, set.indexOf(';')));
                }
            }
            assertThat(jar).hasSizeLessThanOrEqualTo(LoginCookie.MOST);
        }
        for (Exchange.Login newest : logins.subList(490, 500)) {
            assertThat(jar)
                    .containsKey(newest.cookie().substring(0, newest.cookie().indexOf('=')));
            assertThat(exchange.callback("code=c&state=" + newest.state(), newest)
                            .statusCode())
                    .isEqualTo(303);
        }
    }

    @Tag("C58")
    @ParameterizedTest(name = "the host {0} of a request gets into no URL")
    @ValueSource(strings = {"Host: evil.example", "Host: evil.example:80", "Host: localhost.evil.example"})
    void hostIsInert(String host) throws IOException {
        String response = exchange.raw(
                "GET /authorize?" + AUTHORIZE + " HTTP/1.1\r\n" + host
                        + "\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\nConnection: close\r\n\r\n");

        assertThat(response)
                .startsWith("HTTP/1.1 302 ")
                .contains(encode(exchange.server.uri() + "/callback"))
                .doesNotContain("evil");
    }

    @Test
    void aBrowserThatCameByAnotherNameOfThisMachineIsSentToTheOneThatTheCallbackUses() throws IOException {
        String response = exchange.raw("GET /?" + AUTHORIZE + " HTTP/1.1\r\nHost: localhost:" + exchange.port()
                + "\r\nConnection: close\r\n\r\n");

        assertThat(response)
                .startsWith("HTTP/1.1 302 ")
                .contains("ocation: " + exchange.server.uri() + "/?" + AUTHORIZE + "\r\n")
                .doesNotContainIgnoringCase("set-cookie");
    }

    private static void assertRefused(String query) {
        HttpResponse<String> response = exchange.get("/authorize?" + query);

        assertThat(response.statusCode()).as(query).isEqualTo(400);
        assertThat(response.headers().map()).doesNotContainKeys("location", "set-cookie", "refresh");
        assertThat(response.headers().firstValue("Content-Type")).contains("text/html; charset=utf-8");
        assertThat(response.headers().firstValue("Content-Security-Policy"))
                .get()
                .asString()
                .startsWith("default-src 'none'");
        assertThat(response.body()).doesNotContain("evil").doesNotContain("http");
    }

    /** Spellings of a foreign or malformed destination: every way of writing a host in every shape of URL. */
    private static List<String> corpus() {
        List<String> hosts = List.of(
                "evil.example",
                "localhost.evil.example",
                "localhost:4002.evil.example",
                "localhost:4002@evil.example",
                "localhost:4002%40evil.example",
                "evil.example#localhost:4002",
                "evil.example?localhost:4002",
                "evil.example\\localhost:4002",
                "evil.example%23.localhost:4002",
                "evil.example;localhost:4002",
                "127.0.0.1.evil.example",
                "127.0.0.1:4002@evil.example:4002",
                "[::1]@evil.example",
                "[::ffff:127.0.0.1]:4002",
                "0:4002",
                "0.0.0.0:4002",
                "127.1:4002",
                "2130706433:4002",
                "0x7f.0.0.1:4002",
                "LOCALHOST:4002",
                "localhost.:4002",
                "localhost:4002:4002",
                "localhost:99999",
                "%6cocalhost:4002",
                "xn--localhost-evil.example",
                "user:pass@localhost:4002",
                "localhost\t:4002",
                "localhost\u200b:4002",
                "lоcalhost:4002",
                "evil.example\r\nX: y");
        List<String> shapes = List.of(
                "http://%s/auth",
                "https://%s/auth",
                "HTTP://%s/auth",
                "http:%s/auth",
                "http:/%s/auth",
                "http:///%s/auth",
                "http:\\\\%s/auth",
                "http:/\\%s/auth",
                "//%s/auth",
                "/\\%s/auth",
                "\\/%s/auth",
                "\t//%s/auth",
                "%s/auth",
                "http://%s",
                "http://%s/",
                "http://%s/auth/",
                "http://%s/../auth",
                "http://%s/%%2e%%2e/auth",
                "http://%s/auth%%00",
                "http://%s/auth?x=http://localhost:4002/auth",
                "http://%s/auth#http://localhost:4002/auth",
                "http://x@%s/auth",
                "javascript://%s/%%0aalert(1)",
                "data:text/html,%s",
                "file://%s/auth",
                "ws://%s/auth",
                "http%%3A//%s/auth",
                "http://localhost:4002/auth@%s",
                "http://localhost:4002/auth,http://%s/auth",
                "http://localhost:4002/auth http://%s/auth",
                "http://localhost:4002/auth\r\nLocation: http://%s/auth",
                "http://localhost:4002/auth?%s",
                "http://localhost:4002/auth#%s",
                "http://localhost:4002%s/auth",
                "http://localhost:4002/%s");
        List<String> corpus = new ArrayList<>();
        for (String host : hosts) {
            for (String shape : shapes) {
                corpus.add(String.format(shape, host));
            }
        }
        return corpus;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
