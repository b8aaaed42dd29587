package io.tokenswap.samples.exchange;

import static io.tokenswap.samples.exchange.Exchange.AUTHORIZE;
import static io.tokenswap.samples.exchange.Exchange.RETURN_URI;
import static io.tokenswap.samples.exchange.Exchange.location;
import static io.tokenswap.samples.exchange.Exchange.query;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CallbackRouteTest {

    private final Exchange exchange = new Exchange();

    @AfterEach
    void stop() {
        exchange.close();
    }

    @Test
    @Tag("C18")
    void theCodeArrivesWithTheStateOfTheApplicationByteForByte() {
        String state = " ~!@#$%^&*()_+{}|:<>? \"'\\/=;,`[] 0 ";
        Exchange.Login login = exchange.login("response_type=code&state=" + encode(state));

        HttpResponse<String> response =
                exchange.callback("code=" + encode("AQ+/=&x") + "&state=" + login.state(), login);

        assertThat(response.statusCode()).isEqualTo(303);
        assertThat(location(response)).startsWith(RETURN_URI + "?");
        assertThat(query(location(response)))
                .containsOnlyKeys("code", "state")
                .containsEntry("state", state)
                .doesNotContainValue("AQ+/=&x");
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(response.headers().firstValue("Referrer-Policy")).contains("no-referrer");
        assertThat(response.headers().firstValue("Set-Cookie"))
                .contains(login.cookie() + "; Max-Age=60; Path=/; HttpOnly; SameSite=Lax");
        assertThat(exchange.provider.asked).isEmpty();

        exchange.form("/swap", "code=" + query(location(response)).get("code"));
        assertThat(exchange.provider.asked.get(0).form()).containsEntry("code", "AQ+/=&x");
    }

    @Test
    void theCodeArrivesWhereTheApplicationAsked() {
        Exchange.Login login = exchange.login(AUTHORIZE + "&server_uri=" + encode("http://127.0.0.1:4002/auth"));

        assertThat(location(exchange.callback("code=c&state=" + login.state(), login)))
                .matches("http://127\\.0\\.0\\.1:4002/auth\\?code=[A-Za-z0-9_-]+&state=0a1b2c3d");
    }

    @Test
    void aReturnUriWithAQueryKeepsIt() {
        try (Exchange other = new Exchange(Map.of("RETURN_URIS", "https://app.example/auth?from=x"))) {
            Exchange.Login login = Exchange.Login.confirmed(other.get("/authorize?" + AUTHORIZE));

            assertThat(location(other.callback("code=c&state=" + login.state(), login)))
                    .matches("https://app\\.example/auth\\?from=x&code=[A-Za-z0-9_-]+&state=0a1b2c3d");
        }
    }

    @Test
    @Tag("C16")
    void anErrorOfTheProviderArrivesWithTheState() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        HttpResponse<String> response = exchange.callback("error=access_denied&state=" + login.state(), login);

        assertThat(response.statusCode()).isEqualTo(303);
        assertThat(location(response)).isEqualTo(RETURN_URI + "?error=access_denied&state=0a1b2c3d");
    }

    @Test
    @Tag("C16")
    void anErrorThatIsNoneArrivesAsServerError() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertThat(location(exchange.callback("error=%22&state=" + login.state(), login)))
                .isEqualTo(RETURN_URI + "?error=server_error&state=0a1b2c3d");
    }

    @Test
    @Tag("C14")
    void anUnknownStateGetsAPage() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        for (String state : List.of("", "&state=", "&state=0a1b2c3d", "&state=" + login.state() + "A")) {
            assertRefused(exchange.callback("code=c" + state, login));
        }
    }

    @Test
    @Tag("C14")
    void aStateTamperedWithAnywhereGetsAPage() {
        Exchange.Login login = exchange.login(AUTHORIZE);
        String state = login.state();
        String cookie = login.cookie();

        for (int i = 0; i < state.length(); i++) {
            char other = state.charAt(i) == 'A' ? 'B' : 'A';
            String tampered = state.substring(0, i) + other + state.substring(i + 1);
            // The cookie comes along under the name that the tampered state asks for.
            String renamed =
                    "login-" + tampered.substring(tampered.length() - 10) + cookie.substring(cookie.indexOf('='));
            assertRefused(exchange.get("/callback?code=c&state=" + tampered, "Cookie", renamed));
        }
    }

    @Test
    @Tag("C14")
    void aStateEndsAfterTenMinutes() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        Exchange.Login late = exchange.login(AUTHORIZE);

        exchange.now = exchange.now.plus(Duration.ofMinutes(10)).minusMillis(1);
        assertThat(exchange.callback("code=c&state=" + login.state(), login).statusCode())
                .isEqualTo(303);
        exchange.now = exchange.now.plusMillis(1);
        assertRefused(exchange.callback("code=c&state=" + late.state(), late));
    }

    @Test
    @Tag("C14")
    void aStateSealedElsewhereGetsAPage() {
        try (Exchange other = new Exchange()) {
            Exchange.Login login = other.login(AUTHORIZE);

            assertRefused(exchange.callback("code=c&state=" + login.state(), login));
        }
    }

    @Test
    void aStateSealedUnderTheSameKeyOpensOnAnotherNode() {
        Map<String, String> key = Map.of("SEAL_KEYS", Exchange.KEY);
        try (Exchange one = new Exchange(key);
                Exchange two = new Exchange(key)) {
            Exchange.Login login = one.login(AUTHORIZE);

            assertThat(two.callback("code=c&state=" + login.state(), login).statusCode())
                    .isEqualTo(303);
        }
    }

    @Test
    @Tag("C15")
    void aBrowserWithoutTheCookieGetsAPage() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertRefused(exchange.get("/callback?code=c&state=" + login.state()));
        assertRefused(exchange.get("/callback?code=c"));
        assertRefused(exchange.get("/callback"));
    }

    @Test
    @Tag("C15")
    void aBrowserWithTheCookieOfAnotherLoginGetsAPage() {
        Exchange.Login victims = exchange.login(AUTHORIZE);
        Exchange.Login attackers = exchange.login(AUTHORIZE);
        String name = attackers.cookie().split("=")[0];

        assertRefused(exchange.callback("code=c&state=" + attackers.state(), victims));
        assertRefused(exchange.get(
                "/callback?code=c&state=" + attackers.state(),
                "Cookie",
                name + "=" + victims.cookie().split("=")[1]));
        assertRefused(exchange.get("/callback?code=c&state=" + attackers.state(), "Cookie", name + "="));
        assertRefused(exchange.get(
                "/callback?code=c&state=" + attackers.state(), "Cookie", name + "=x; " + attackers.cookie()));
    }

    @Tag("C17")
    @ParameterizedTest(name = "the redirect {0} gets a page")
    @ValueSource(
            strings = {
                "code=c&error=access_denied&",
                "code=c&code=c&",
                "error=a&error=a&",
                "code=&",
                "error=&code=&",
                "code=%00&",
                "code=%C3%A9&",
                ""
            })
    void ambiguous(String parameters) {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertRefused(exchange.callback(parameters + "state=" + login.state(), login));
        assertRefused(exchange.callback("code=c&state=" + login.state() + "&state=" + login.state(), login));
    }

    @Tag("E39")
    @ParameterizedTest(name = "the page says what the provider sent: {1}")
    @CsvSource({
        "code=c&error=access_denied&, both a code and an error",
        "code=%C3%A4&, not in printable ASCII",
        "code=&error=&, neither a code nor an error"
    })
    void thePageSaysWhatTheProviderSent(String parameters, String fault) {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertThat(exchange.callback(parameters + "state=" + login.state(), login)
                        .body())
                .contains("The provider sent")
                .contains(fault);
    }

    @Test
    @Tag("C17")
    void aParameterWithoutAValueCountsAsOmitted() {
        Exchange.Login granted = exchange.login(AUTHORIZE);
        Exchange.Login denied = exchange.login(AUTHORIZE);

        assertThat(query(location(
                        exchange.callback("code=c&error=&error_description=&state=" + granted.state(), granted))))
                .containsOnlyKeys("code", "state");
        assertThat(query(location(exchange.callback("code=&error=access_denied&state=" + denied.state(), denied))))
                .containsEntry("error", "access_denied");
    }

    @Test
    @Tag("C12")
    void twentyTabsDoNotDisturbEachOther() {
        List<Exchange.Login> tabs = IntStream.range(0, 20)
                .mapToObj(i -> exchange.login("response_type=code&state=state-of-tab-" + i))
                .toList();
        String jar = tabs.stream().map(Exchange.Login::cookie).collect(Collectors.joining("; "));

        for (int i = 19; i >= 0; i--) {
            HttpResponse<String> response = exchange.get(
                    "/callback?code=c" + i + "&state=" + tabs.get(i).state(), "Cookie", jar);
            assertThat(query(location(response)))
                    .containsEntry("state", "state-of-tab-" + i)
                    .containsKey("code");
        }
    }

    @Test
    @Tag("C21")
    void theBrowserIsNeverToldToRepeatItsMethod() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertThat(login.response().statusCode()).isIn(302, 303);
        assertThat(exchange.callback("code=c&state=" + login.state(), login).statusCode())
                .isIn(302, 303);
        Exchange.Login denied = exchange.login(AUTHORIZE);
        assertThat(exchange.callback("error=x&state=" + denied.state(), denied).statusCode())
                .isIn(302, 303);
    }

    @Test
    @Tag("C22")
    void lineBreaksInAnyParameterSplitNoHeader() {
        String injection = "c%0d%0aX-Injected:%20yes";

        for (String query : List.of("code=" + injection, "error=" + injection)) {
            Exchange.Login login = exchange.login(AUTHORIZE);
            HttpResponse<String> response = exchange.callback(query + "&state=" + login.state(), login);
            // The whole query is refused, before a part of it is used.
            assertRefused(response);
            assertThat(response.headers().firstValue("X-Injected")).isEmpty();
        }
    }

    @Test
    @Tag("C22")
    void charactersOutsideOfAsciiReachNoHeader() {
        for (String state : List.of("state%0d%0aX-Injected:yes", "state-%C4%8D%C4%8A", "state-%E2%80%A8-x")) {
            HttpResponse<String> response = exchange.get("/authorize?response_type=code&state=" + state);
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(response.headers().map()).doesNotContainKeys("location", "set-cookie", "x-injected");
        }
        // The low byte of these characters is a line break.
        Exchange.Login login = exchange.login(AUTHORIZE);
        assertThat(location(exchange.callback(
                        "error=%C4%8D%C4%8A&error_description=a%C4%8D%C4%8AX-Injected:%20yes&state=" + login.state(),
                        login)))
                .isEqualTo(
                        RETURN_URI + "?error=server_error&error_description=a%3F%3FX-Injected%3A%20yes&state=0a1b2c3d");
    }

    @Test
    @Tag("C23")
    void goingBackGetsAPageAndAsksTheProviderNothing() {
        Exchange.Login login = exchange.login(AUTHORIZE);
        exchange.callback("code=c&state=" + login.state(), login);

        // A browser drops the cookie after a minute.
        assertRefused(exchange.get("/callback?code=c&state=" + login.state()));
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Test
    @Tag("C14")
    @Tag("E51")
    void theSameRedirectWithinAMinuteGetsTheSameResponse() {
        Exchange.Login login = exchange.login(AUTHORIZE);
        String redirect = "code=c&state=" + login.state();
        HttpResponse<String> first = exchange.callback(redirect, login);

        exchange.now = exchange.now.plus(Duration.ofMinutes(1)).minusMillis(1);
        assertThat(location(exchange.callback(redirect, login))).isEqualTo(location(first));
        assertRefused(exchange.callback("code=other&state=" + login.state(), login));
        assertRefused(exchange.callback("error=access_denied&state=" + login.state(), login));
        exchange.now = exchange.now.plusMillis(1);
        assertRefused(exchange.callback(redirect, login));
    }

    @ParameterizedTest(name = "a request with {0}: {1} consumes nothing")
    @CsvSource({
        "Sec-Purpose, prefetch",
        "Sec-Purpose, prefetch;prerender",
        "Purpose, prefetch",
        "X-Purpose, preview",
        "X-Moz, prefetch"
    })
    @Tag("E51")
    void aSpeculativeRequestConsumesNothing(String header, String value) {
        Exchange.Login login = exchange.login(AUTHORIZE);
        String redirect = "/callback?code=c&state=" + login.state();

        HttpResponse<String> speculative = exchange.get(redirect, "Cookie", login.cookie(), header, value);
        assertThat(speculative.statusCode()).isEqualTo(503);
        assertThat(speculative.headers().map()).doesNotContainKeys("location", "set-cookie");
        exchange.now = exchange.now.plus(Duration.ofMinutes(2));
        assertThat(exchange.get(redirect, "Cookie", login.cookie()).statusCode())
                .isEqualTo(303);
    }

    @Test
    @Tag("C16")
    void theDescriptionOfTheProviderArrivesFiltered() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertThat(query(location(exchange.callback(
                        "error=access_denied&error_description=" + encode("No \"thanks\" \u00e9" + "x".repeat(300))
                                + "&state=" + login.state(),
                        login))))
                .containsEntry("error_description", "No ?thanks? ?" + "x".repeat(243));
    }

    @Test
    @Tag("C18")
    void aLongCodeFitsTheReceiver() {
        String providerCode = "x".repeat(5_000);

        assertThat(exchange.code(providerCode)).hasSizeLessThanOrEqualTo(7 * 1024);
        Exchange.Login login = exchange.login(AUTHORIZE);
        assertRefused(exchange.callback("code=" + providerCode + "x&state=" + login.state(), login));
    }

    @Test
    @Tag("E71")
    void theHeadOfAResponseWithALongCodeFitsTheBuffersOfAProxy() throws IOException {
        Exchange.Login login = exchange.login(AUTHORIZE);

        String response = exchange.raw("GET /callback?code=" + "x".repeat(2_400) + "&state=" + login.state()
                + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: " + login.cookie() + "\r\n\r\n");

        assertThat(response).startsWith("HTTP/1.1 303 ").hasSizeLessThan(4_096);
    }

    @Test
    @Tag("E71")
    void theFirstLongRedirectNamesTheSettingOfTheProxy() {
        try (LogLines lines = new LogLines()) {
            exchange.code("x".repeat(2_000));
            assertThat(lines.forOperator()).isEmpty();

            exchange.code("x".repeat(3_000));
            exchange.code("x".repeat(3_001));
            assertThat(lines.forOperator()).singleElement().asString().contains("proxy_buffer_size");
        }
    }

    @Test
    @Tag("E85")
    void aStateFromTheFutureGetsAPage() {
        exchange.now = exchange.now.plus(Duration.ofMinutes(5)).plusMillis(1);
        Exchange.Login ahead = exchange.login(AUTHORIZE);
        exchange.now = exchange.now.minusMillis(1);
        Exchange.Login almost = exchange.login(AUTHORIZE);
        exchange.now = exchange.now.minus(Duration.ofMinutes(5));

        assertRefused(exchange.callback("code=c&state=" + ahead.state(), ahead));
        assertThat(exchange.callback("code=c&state=" + almost.state(), almost).statusCode())
                .isEqualTo(303);
    }

    @Test
    @Tag("E86")
    void aResponseOfTheProviderByPostGetsAPage() {
        HttpResponse<String> response = exchange.form("/callback", "code=c&state=s");

        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow")).contains("GET");
        assertThat(response.headers().firstValue("Content-Type")).contains("text/html; charset=utf-8");
        assertThat(response.body()).contains("response_mode");
    }

    @Test
    @Tag("C20")
    void aResponseOfAnotherIssuerGetsAPage() {
        String issuer = "https://provider.example";
        try (Exchange strict = new Exchange(Map.of("PROVIDER_ISSUER", issuer))) {
            for (String iss :
                    new String[] {"", "&iss=", "&iss=https://provider.example/", "&iss=https://evil.example"}) {
                Exchange.Login login = strict.login(AUTHORIZE);
                assertRefused(strict.callback("code=c&state=" + login.state() + iss, login));
                assertRefused(strict.callback("error=access_denied&state=" + login.state() + iss, login));
                // The right response is still taken.
                assertThat(location(strict.callback("code=c&state=" + login.state() + "&iss=" + encode(issuer), login)))
                        .contains("code=");
            }
        }
    }

    @Test
    @Tag("C20")
    void withoutAConfiguredIssuerTheParameterIsIgnored() {
        Exchange.Login login = exchange.login(AUTHORIZE);

        assertThat(location(exchange.callback("code=c&iss=anything&state=" + login.state(), login)))
                .contains("code=");
    }

    private static void assertRefused(HttpResponse<String> response) {
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.headers().map()).doesNotContainKeys("location", "set-cookie");
        assertThat(response.body()).contains("sign in again").doesNotContain("0a1b2c3d");
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
