package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpCookie;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Sign-in and sign-out at a real server. */
class SignInTest {

    private static FakeProvider provider;
    private static TestService.Running service;

    private final TestBrowser browser = new TestBrowser();

    @BeforeAll
    static void start() {
        provider = new FakeProvider();
        service = TestService.start(provider);
    }

    @AfterAll
    static void stop() {
        service.close();
        provider.close();
    }

    @AfterEach
    void reset() {
        provider.error = "";
        provider.swapGate = Mono.empty();
    }

    private static URI uri(String path) {
        return service.uri(path);
    }

    /** Begins a login and returns the redirect to this service, which has not been followed yet. */
    private URI redirect() {
        return browser.openUntil(uri("/login"), "/auth");
    }

    private String me() {
        HttpResponse<String> response = browser.fetch(uri("/me"));
        return response.statusCode() == 200 ? response.body() : String.valueOf(response.statusCode());
    }

    @Test
    void usersSignInAndEachGetsTheirOwnToken() {
        TestBrowser other = new TestBrowser();
        assertThat(browser.open(uri("/login")).uri()).isEqualTo(uri("/"));
        assertThat(other.open(uri("/login")).uri()).isEqualTo(uri("/"));
        assertThat(me())
                .contains("Bearer access-")
                .isNotEqualTo(other.fetch(uri("/me")).body());
        assertThat(browser.cookie("tokenswap-user")).hasSize(43).isNotEqualTo(other.cookie("tokenswap-user"));
    }

    @Test
    void theLoginGoesToTheExchangeServerWithThisServiceAsItsRedirectUri() {
        HttpResponse<String> login = browser.get(uri("/login"));
        assertThat(login.statusCode()).isEqualTo(303);
        assertThat(TestBrowser.location(login).toString())
                .startsWith(provider.uri() + "/?")
                .contains("server_uri="
                        + uri("/auth").toString().replace(":", "%3A").replace("/", "%2F"))
                .contains("code_challenge_method=S256")
                .contains("scope=user-read-private");
        assertThat(login.headers().firstValue("Cache-Control")).hasValue("no-store");
        assertThat(login.headers().allValues("Set-Cookie"))
                .singleElement()
                .asString()
                .startsWith("tokenswap-login-")
                .contains("Path=/; Max-Age=600;", "HttpOnly", "SameSite=Lax")
                .doesNotContain("Secure");
    }

    @Test
    void aPageLoadOfASignedOutBrowserSignsInAndReturnsToThePage() {
        HttpResponse<String> page = browser.get(uri("/me?x=%C3%A9&y=1"));
        assertThat(page.statusCode()).isEqualTo(303);
        assertThat(TestBrowser.location(page)).isEqualTo(uri("/login?to=%2Fme%3Fx%3D%25C3%25A9%26y%3D1"));
        HttpResponse<String> back = browser.open(TestBrowser.location(page));
        assertThat(back.uri()).isEqualTo(uri("/me?x=%C3%A9&y=1"));
        assertThat(back.statusCode()).isEqualTo(200);
    }

    @Test
    void aScriptOfASignedOutBrowserGetsAProblemDocument() {
        HttpResponse<String> response = browser.fetch(uri("/me"));
        assertThat(response.statusCode()).isEqualTo(401);
        assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(response.body()).contains("\"title\":\"Sign in\"", "\"status\":401");
        assertThat(browser.get(uri("/me"), "Sec-Fetch-Mode", "cors").statusCode())
                .isEqualTo(401);
        assertThat(browser.get(uri("/states")).statusCode()).isEqualTo(303);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://evil.example.com/",
                "//evil.example.com/",
                "/\\evil.example.com/",
                "\\\\evil.example.com",
                "/%0d%0aSet-Cookie:a=b", // decoded once by the server: a real line break
                "javascript:alert(1)",
                "me",
                "",
                "/a|b", // no part of a URI
                "/[",
                "/100%",
                "/a?b=%zz",
                "/login",
                "/auth?code=1",
                "/logout"
            })
    void noLinkMakesTheSignInEndElsewhere(String to) {
        String query = to.startsWith("/%") ? to : URLEncoder.encode(to, StandardCharsets.UTF_8);
        assertThat(browser.open(uri("/login?to=" + query)).uri()).isEqualTo(uri("/"));
    }

    @Test
    void aResponseWithAWrongStateIsRefusedAndTheLoginContinues() {
        URI redirect = redirect();
        HttpResponse<String> wrong =
                browser.get(URI.create(redirect.toString().replaceAll("state=[^&]*", "state=AAAA")));
        assertThat(wrong.statusCode()).isEqualTo(400);
        assertThat(wrong.body()).contains("This is not the response to your sign-in");
        assertThat(browser.open(redirect).statusCode()).isEqualTo(200);
        assertThat(me()).contains("access");
    }

    @Test
    void anythingButAResponseIsRefused() {
        browser.get(uri("/login"));
        assertThat(browser.get(uri("/auth")).statusCode()).isEqualTo(400);
        assertThat(browser.get(uri("/auth?code=%00&code=x")).statusCode()).isEqualTo(400);
        assertThat(browser.get(uri("/auth?state=a&state=b&code=c")).statusCode())
                .isEqualTo(400);
    }

    @Test
    void anotherBrowserCannotFinishALogin() {
        TestBrowser victim = new TestBrowser();
        victim.get(uri("/login"));
        URI redirect = redirect();
        int swaps = provider.swaps.get();
        assertThat(victim.get(redirect).statusCode()).isEqualTo(400);
        assertThat(new TestBrowser().get(redirect).statusCode()).isEqualTo(400);
        assertThat(provider.swaps).hasValue(swaps);
    }

    @Test
    void anAlteredCookieFinishesNoLogin() {
        URI redirect = redirect();
        HttpCookie login = browser.cookies().get(0);
        String value = login.getValue();
        browser.setCookie(
                uri("/"),
                login.getName(),
                value.substring(0, 150) + (value.charAt(150) == 'A' ? "B" : "A") + value.substring(151));
        assertThat(browser.get(redirect).statusCode()).isEqualTo(400);
    }

    @Test
    void aLoginThatWasBegunInSeveralTabsEndsInEachOfThem() {
        URI first = redirect();
        URI second = redirect();
        assertThat(browser.open(second).uri()).isEqualTo(uri("/"));
        String user = browser.cookie("tokenswap-user");
        assertThat(browser.open(first).uri()).isEqualTo(uri("/"));
        assertThat(browser.cookie("tokenswap-user")).isNotEqualTo(user);
        assertThat(me()).contains("access");
    }

    @Test
    void aBrowserKeepsFourLoginsSoThatItsHeadersStaySmall() {
        for (int i = 0; i < 5; i++) {
            redirect();
        }
        URI last = redirect();
        assertThat(browser.cookies()).hasSize(4);
        assertThat(browser.get(last).statusCode()).isEqualTo(303);
    }

    @Test
    @Tag("E51")
    void aRedirectThatArrivesTwiceHasOneOutcome() {
        URI redirect = redirect();
        int swaps = provider.swaps.get();
        HttpResponse<String> first = browser.get(redirect);
        String user = browser.cookie("tokenswap-user");
        HttpResponse<String> second = browser.get(redirect);
        assertThat(first.statusCode()).isEqualTo(303);
        assertThat(second.statusCode()).isEqualTo(303);
        assertThat(browser.cookie("tokenswap-user")).isEqualTo(user);
        assertThat(provider.swaps).hasValue(swaps + 1);
        assertThat(me()).contains("access");
        assertThat(first.headers().allValues("Set-Cookie"))
                .anySatisfy(cookie ->
                        assertThat(cookie).startsWith("tokenswap-login-").contains("Max-Age=60;"));
    }

    @Test
    @Tag("E51")
    void aRedirectThatIsCutDuringTheSwapLosesNoLogin() throws IOException {
        URI redirect = redirect();
        int swaps = provider.swaps.get();
        Sinks.Empty<Void> gate = Sinks.empty();
        Sinks.Empty<Void> asked = Sinks.empty();
        provider.swapGate = Mono.defer(() -> {
            asked.tryEmitEmpty();
            return gate.asMono();
        });
        HttpCookie login = browser.cookies().get(0);
        try (Socket socket = new Socket("127.0.0.1", redirect.getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(("GET " + redirect.getRawPath() + "?" + redirect.getRawQuery() + " HTTP/1.1\r\nHost: localhost:"
                            + redirect.getPort() + "\r\nAccept: text/html\r\nCookie: " + login.getName() + "="
                            + login.getValue() + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            out.flush();
            asked.asMono().block();
        } // the browser goes away
        gate.tryEmitEmpty();
        assertThat(browser.get(redirect).statusCode()).isEqualTo(303);
        assertThat(me()).contains("access");
        assertThat(provider.swaps).hasValue(swaps + 1);
    }

    @Test
    @Tag("E51")
    void aRedirectAheadOfTheNavigationUsesNothingUp() {
        URI redirect = redirect();
        int swaps = provider.swaps.get();
        assertThat(browser.get(redirect, "Sec-Purpose", "prefetch").statusCode())
                .isEqualTo(403);
        assertThat(browser.get(redirect, "Purpose", "prefetch").statusCode()).isEqualTo(403);
        assertThat(browser.get(redirect, "X-Purpose", "preview").statusCode()).isEqualTo(403);
        assertThat(browser.get(redirect, "X-Moz", "prefetch").statusCode()).isEqualTo(403);
        assertThat(browser.get(redirect, "Sec-Fetch-Mode", "no-cors").statusCode())
                .isEqualTo(403);
        assertThat(browser.get(redirect, "Sec-Fetch-Dest", "iframe").statusCode())
                .isEqualTo(403);
        assertThat(browser.head(redirect).statusCode()).isEqualTo(403);
        assertThat(provider.swaps).hasValue(swaps);
        assertThat(browser.get(redirect, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
                        .statusCode())
                .isEqualTo(303);
        assertThat(browser.get(uri("/login"), "Sec-Purpose", "prefetch;prerender")
                        .statusCode())
                .isEqualTo(403);
    }

    @Test
    void aCodeThatCouldNotBeSentIsGoodForTheNextAttempt() {
        URI redirect = redirect();
        provider.goAway();
        HttpResponse<String> failed = browser.get(redirect);
        provider.comeBack();
        assertThat(failed.statusCode()).isEqualTo(503);
        assertThat(failed.headers().firstValue("Retry-After")).isPresent();
        assertThat(failed.body())
                .contains("Is it running", "Try again")
                .doesNotContain(redirect.getRawQuery().split("[=&]", -1));
        assertThat(browser.get(redirect).statusCode()).isEqualTo(303);
        assertThat(me()).contains("access");
    }

    @Test
    void aDenialIsShownWithAWayBack() {
        provider.error = "access_denied";
        HttpResponse<String> denied = browser.open(uri("/login"));
        assertThat(denied.statusCode()).isEqualTo(403);
        assertThat(denied.body()).contains("The sign-in was denied", "href=\"/login\"");
        assertThat(denied.headers().firstValue("Content-Security-Policy").orElse(""))
                .startsWith("default-src 'none'");
        assertThat(me()).isEqualTo("401");
    }

    @Test
    void aNewSignInSignsTheFormerUserOfTheBrowserOut() {
        browser.open(uri("/login"));
        String before = browser.cookie("tokenswap-user");
        browser.open(uri("/login"));
        TestBrowser thief = new TestBrowser();
        thief.setCookie(uri("/"), "tokenswap-user", before);
        assertThat(thief.fetch(uri("/me")).statusCode()).isEqualTo(401);
        assertThat(me()).contains("access");
    }

    @Test
    void whoSignsOutIsOut() {
        browser.open(uri("/login"));
        String before = browser.cookie("tokenswap-user");
        HttpResponse<String> signedOut = browser.post(uri("/logout"), "Sec-Fetch-Site", "same-origin");
        assertThat(signedOut.statusCode()).isEqualTo(303);
        assertThat(TestBrowser.location(signedOut)).isEqualTo(uri("/"));
        assertThat(browser.cookie("tokenswap-user")).isEmpty();
        TestBrowser thief = new TestBrowser();
        thief.setCookie(uri("/"), "tokenswap-user", before);
        assertThat(thief.fetch(uri("/me")).statusCode()).isEqualTo(401);
    }

    @Test
    void noOtherSiteSignsAUserOut() {
        browser.open(uri("/login"));
        assertThat(browser.post(uri("/logout"), "Sec-Fetch-Site", "cross-site").statusCode())
                .isEqualTo(403);
        assertThat(browser.post(uri("/logout"), "Sec-Fetch-Site", "same-site").statusCode())
                .isEqualTo(403);
        assertThat(browser.post(uri("/logout"), "Origin", "https://evil.example.com")
                        .statusCode())
                .isEqualTo(403);
        assertThat(browser.post(uri("/logout"), "Origin", "null").statusCode()).isEqualTo(403);
        assertThat(browser.post(uri("/logout")).statusCode()).isEqualTo(403);
        assertThat(browser.get(uri("/logout")).statusCode()).isEqualTo(405);
        assertThat(me()).contains("access");
        String origin = uri("").toString();
        assertThat(browser.post(uri("/logout"), "Origin", origin).statusCode()).isEqualTo(303);
        assertThat(me()).isEqualTo("401");
    }

    @Test
    void aBrowserThatUsesAnotherNameOfThisMachineIsSentToTheRightOne() {
        URI alias = URI.create(uri("/login?to=%2Fme").toString().replace("localhost", "127.0.0.1"));
        assertThat(TestBrowser.location(browser.get(alias))).isEqualTo(uri("/login?to=%2Fme"));
    }
}
