package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.KeyRing;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.http.HttpCookie;
import org.springframework.http.ResponseCookie;
import org.springframework.mock.env.MockEnvironment;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;

class LoginCookiesTest {

    private final LoginCookies logins = new LoginCookies(
            new BrowserCookies(new PublicUri(URI.create("http://localhost:8080"), new MockEnvironment())),
            KeyRing.random());
    private final AuthorizationRequest login = AuthorizationRequest.builder(URI.create("https://auth.example.com"))
            .scopes("user-read-private", "user-read-email", "user-read-recently-played")
            .build(URI.create("http://localhost:8080/auth"));

    private static MockServerHttpRequest redirect(AuthorizationRequest login, ResponseCookie cookie) {
        String state = login.uri().getRawQuery().replaceAll(".*state=([^&]*).*", "$1");
        return MockServerHttpRequest.get("http://localhost:8080/auth?code=c&state=" + state)
                .cookie(new HttpCookie(cookie.getName(), cookie.getValue()))
                .build();
    }

    @Test
    void theOldestLoginMakesRoomForTheFifth() {
        MockServerHttpRequest request = MockServerHttpRequest.get("/login")
                .header(
                        "Cookie",
                        "tokenswap-login-a=1; other=2; tokenswap-login-c=3; tokenswap-login-b=4; tokenswap-login-d=5")
                .build();
        List<ResponseCookie> changes = logins.begin(request, login, null);
        assertThat(changes).hasSize(2);
        assertThat(changes.get(0).getName()).isEqualTo("tokenswap-login-a");
        assertThat(changes.get(0).getMaxAge()).isEqualTo(Duration.ZERO);
        assertThat(changes.get(1).getMaxAge()).isEqualTo(Duration.ofMinutes(10));
    }

    @Test
    void fourOfTheLongestCookiesFitIntoTheHeadersOfARequest() {
        ResponseCookie cookie = logins.begin(MockServerHttpRequest.get("/login").build(), login, "/" + "x".repeat(511))
                .get(0);
        assertThat(4 * (cookie.getName().length() + cookie.getValue().length() + 3))
                .isLessThan(7 * 1024);
    }

    @Test
    void theCookieKeepsTheLoginAndItsPage() {
        ResponseCookie cookie = logins.begin(MockServerHttpRequest.get("/login").build(), login, "/me?x=1")
                .get(0);
        LoginCookies.Login found = Objects.requireNonNull(logins.find(redirect(login, cookie)));
        assertThat(found.request().uri()).isEqualTo(login.uri());
        assertThat(found.page()).isEqualTo("/me?x=1");
    }

    @Test
    @Tag("E54")
    void aLoginEndsWithItsCookieAlsoWhereABrowserKeepsThat() {
        Instant begun = Instant.now();
        AtomicReference<Instant> now = new AtomicReference<>(begun);
        LoginCookies logins = new LoginCookies(
                new BrowserCookies(new PublicUri(URI.create("http://localhost:8080"), new MockEnvironment())),
                KeyRing.random().withClock(now::get));
        ResponseCookie cookie = logins.begin(MockServerHttpRequest.get("/login").build(), login, null)
                .get(0);
        now.set(begun.plus(Duration.ofMinutes(10).minusSeconds(1)));
        assertThat(logins.find(redirect(login, cookie))).isNotNull();
        now.set(begun.plus(Duration.ofMinutes(10).plusSeconds(2)));
        assertThatThrownBy(() -> logins.find(redirect(login, cookie))).isInstanceOf(AuthorizationFailedException.class);
    }

    @Test
    void thePageOfOneLoginDoesNotOpenForAnother() {
        MockServerHttpRequest request = MockServerHttpRequest.get("/login").build();
        AuthorizationRequest other = AuthorizationRequest.builder(URI.create("https://auth.example.com"))
                .build(URI.create("http://localhost:8080/auth"));
        ResponseCookie cookie = logins.begin(request, login, "/me").get(0);
        ResponseCookie otherCookie = logins.begin(request, other, "/other").get(0);
        String mixed =
                cookie.getValue().split("\\.")[0] + "." + otherCookie.getValue().split("\\.")[1];
        LoginCookies.Login found = Objects.requireNonNull(logins.find(
                redirect(login, ResponseCookie.from(cookie.getName(), mixed).build())));
        assertThat(found.page()).isNull();
    }
}
