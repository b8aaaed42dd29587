package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.CodeVerifier;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What no response and no log line may hold, and what no request may bring. */
class HardeningTest {

    private static final Map<String, String> HTTPS =
            Map.of("PUBLIC_URL", "https://exchange.example", "SEAL_KEYS", Exchange.KEY);

    @Test
    @Tag("C54")
    void cookiesChangeNothingForAnApplication() {
        try (Exchange exchange = new Exchange(Map.of("SEAL_KEYS", Exchange.KEY))) {
            Exchange.Login login = exchange.login(Exchange.AUTHORIZE);
            String form = "application/x-www-form-urlencoded";
            List<String> cookies = List.of(login.cookie(), "a", "=;=;;", "a=\"", "a=b; ".repeat(500), "a=\u00e9");
            String refused = exchange.post("/swap", form, "code=c").body();

            for (String cookie : cookies) {
                HttpResponse<String> good = exchange.post(
                        "/swap", form, "code=" + exchange.code("c" + cookie.hashCode()), "Cookie", cookie);
                assertThat(good.statusCode()).isEqualTo(200);
                assertThat(good.headers().map()).doesNotContainKey("set-cookie");
                assertThat(exchange.post("/swap", form, "code=c", "Cookie", cookie)
                                .body())
                        .isEqualTo(refused);
                // A cookie is no second way to name a parameter.
                assertThat(exchange.post(
                                        "/refresh",
                                        form,
                                        "",
                                        "Cookie",
                                        "refresh_token=" + Exchange.refreshToken(good) + "; " + cookie)
                                .body())
                        .contains("The refresh_token is missing");
            }
        }
    }

    @Test
    @Tag("C56")
    void eachResponseIsHardenedAndNamesNoProgram() throws IOException {
        try (Exchange exchange = new Exchange(HTTPS)) {
            List<HttpResponse<String>> responses = new ArrayList<>(List.of(
                    exchange.get("/"),
                    exchange.get("/authorize?" + Exchange.AUTHORIZE),
                    exchange.get("/authorize"),
                    exchange.get("/callback?state=x"),
                    exchange.get("/nowhere"),
                    exchange.get("/swap"),
                    exchange.get("/health/live"),
                    exchange.swap("c"),
                    exchange.json("/swap", "{"),
                    exchange.send("OPTIONS", "/")));
            exchange.provider.respondsWith(500, "{\"at\":\"com.example.Provider.java:17\"}");
            responses.add(exchange.swap("d"));

            assertThat(responses).allSatisfy(response -> {
                assertThat(response.headers().firstValue("Strict-Transport-Security"))
                        .contains("max-age=31536000");
                assertThat(response.headers().firstValue("X-Content-Type-Options"))
                        .contains("nosniff");
                assertThat(response.headers().map()).doesNotContainKeys("server", "x-powered-by", "via");
                assertThat(response.body()).doesNotContain("Exception", ".java", "netty", "\tat ");
                if (!response.body().isEmpty()) {
                    assertThat(response.headers()
                                    .firstValue("Content-Security-Policy")
                                    .orElse(""))
                            .startsWith("default-src 'none'");
                }
            });
            assertThat(exchange.raw("GET / HTTP/1.1\r\n\r\n"))
                    .contains("X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'")
                    .doesNotContainIgnoringCase("server:");
        }
    }

    @Test
    @Tag("C62")
    void noSecretIsLoggedAtAnyLevel() throws IOException {
        try (LogLines lines = new LogLines();
                Exchange exchange = new Exchange(Map.of(
                        "SEAL_KEYS",
                        Exchange.KEY,
                        "CLIENT_SECRET",
                        "canary-client-secret",
                        "DIRECT_REDIRECT_URIS",
                        "http://127.0.0.1/auth"))) {
            exchange.provider.respondsWith(200, """
                    {"access_token":"canary-access","expires_in":3600,"refresh_token":"canary-refresh"}""");
            CodeVerifier verifier = CodeVerifier.of("canary-verifier-" + "v".repeat(40));
            String code = exchange.code("canary-code", verifier);
            String refreshToken = Exchange.refreshToken(
                    exchange.form("/swap", "code=" + code + "&code_verifier=" + verifier.secret()));
            exchange.refresh(refreshToken);
            Exchange.Login login = exchange.login("response_type=code&state=canary-state");
            exchange.callback("error=access_denied&error_description=canary-description&state=" + login.state(), login);
            // And what goes wrong.
            exchange.get("/callback?code=canary-code&state=canary-state");
            exchange.form("/swap", "code=canary-code&redirect_uri=http://127.0.0.1:1/auth");
            exchange.json("/swap", "{\"code\":\"canary-code\"");
            exchange.form("/refresh?refresh_token=canary-refresh", "");
            exchange.raw("POST /swap HTTP/1.1\r\nHost: a\r\nAuthorization: canary\r\nBad Header: canary\r\n\r\n");
            for (int status : new int[] {400, 401, 429, 500, 503}) {
                exchange.now = exchange.now.plus(Duration.ofMinutes(1));
                exchange.provider.respondsWith(
                        status, "{\"error\":\"invalid_grant\",\"error_description\":\"canary-error\"}");
                exchange.refresh(refreshToken);
                exchange.provider.respondsWith(status, "canary-nonsense");
                exchange.refresh(refreshToken);
            }

            assertThat(lines.all()).hasSizeGreaterThan(100);
            String basic = "Basic Y2xpZW50OmNhbmFyeS";
            assertThat(lines.all())
                    .allSatisfy(line -> assertThat(line)
                            .doesNotContain(
                                    "canary", basic, code, refreshToken, login.state(), login.cookie(), Exchange.KEY));
        }
    }
}
