package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.CodeVerifier;
import io.tokenswap.KeyRing;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Codes and refresh tokens in the hands of applications. */
class SealingTest {

    private static final CodeVerifier VERIFIER = CodeVerifier.of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    private static final CodeVerifier OTHER_VERIFIER = CodeVerifier.of("eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    private static final Map<String, String> SEALED = Map.of("SEAL_KEYS", Exchange.KEY);
    private static final Pattern REFRESH_TOKEN = Pattern.compile("\"refresh_token\":\"([^\"]*)\"");
    private static final String ROTATED = "{\"access_token\":\"at-2\",\"expires_in\":3600,\"refresh_token\":\"rt-2\"}";
    private static final String NOT_ROTATED = "{\"access_token\":\"at-2\",\"expires_in\":3600}";
    private static final String SAME = "{\"access_token\":\"at-2\",\"expires_in\":3600,\"refresh_token\":\"rt-1\"}";

    @Test
    @Tag("C33")
    void aCodeWithAChallengeNeedsItsVerifier() {
        try (Exchange exchange = new Exchange()) {
            assertInvalidGrant(exchange.form("/swap", "code=" + exchange.code("c", VERIFIER)));
            assertInvalidGrant(exchange.form(
                    "/swap", "code=" + exchange.code("c", VERIFIER) + "&code_verifier=" + OTHER_VERIFIER.secret()));
            assertInvalidGrant(
                    exchange.form("/swap", "code=" + exchange.code("c") + "&code_verifier=" + VERIFIER.secret()));
            assertThat(exchange.provider.asked).isEmpty();

            HttpResponse<String> right = exchange.form(
                    "/swap", "code=" + exchange.code("c", VERIFIER) + "&code_verifier=" + VERIFIER.secret());
            assertThat(right.statusCode()).isEqualTo(200);
            assertThat(exchange.provider.asked.get(0).form()).containsEntry("code_verifier", VERIFIER.secret());
        }
    }

    @Test
    @Tag("C19")
    @Tag("C35")
    void aCodeLivesForAMinute() {
        try (Exchange exchange = new Exchange()) {
            String code = exchange.code("c");
            String late = exchange.code("d");
            assertThat(code).doesNotContain("c=").hasSizeGreaterThan(100);

            exchange.now = exchange.now.plusSeconds(60).minusMillis(1);
            assertThat(exchange.form("/swap", "code=" + code).statusCode()).isEqualTo(200);
            exchange.now = exchange.now.plusMillis(1);
            assertInvalidGrant(exchange.form("/swap", "code=" + late));
        }
    }

    @Test
    @Tag("C36")
    @Tag("C69")
    void aSealOfAnotherKeyOrApplicationGetsTheSameError() {
        try (Exchange ours = new Exchange(SEALED);
                Exchange otherKey = new Exchange(Map.of("SEAL_KEYS", Exchange.OTHER_KEY));
                Exchange otherApplication = new Exchange(Map.of("SEAL_KEYS", Exchange.KEY, "CLIENT_ID", "other"))) {
            for (Exchange foreign : List.of(otherKey, otherApplication)) {
                String refreshToken = refreshToken(foreign.swap("c"));

                assertInvalidGrant(ours.form("/swap", "code=" + foreign.code("d")));
                assertInvalidGrant(ours.refresh(refreshToken));
            }
            assertThat(ours.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("C40")
    void aRefreshTokenIsSealedOnSwapAndOnRefresh() {
        try (Exchange exchange = new Exchange(SEALED)) {
            String first = refreshToken(exchange.swap("c"));
            exchange.provider.respondsWith(200, ROTATED);
            String second = refreshToken(exchange.refresh(first));
            exchange.provider.respondsWith(200, NOT_ROTATED);
            HttpResponse<String> third = exchange.refresh(second);

            assertThat(List.of(first, second))
                    .allSatisfy(
                            token -> assertThat(token).hasSizeGreaterThan(100).doesNotContain("rt-"));
            assertThat(third.body()).doesNotContain("refresh_token");
            assertThat(exchange.provider.asked)
                    .extracting(asked -> asked.form().get("refresh_token"))
                    .containsExactly(null, "rt-1", "rt-2");
        }
    }

    @Test
    @Tag("C40")
    void theSameRefreshTokenFromTheProviderIsLeftOut() {
        try (Exchange exchange = new Exchange(SEALED)) {
            String sealed = refreshToken(exchange.swap("c"));
            exchange.provider.respondsWith(200, SAME);

            assertThat(exchange.refresh(sealed).body()).doesNotContain("refresh_token");
        }
    }

    @Test
    @Tag("C41")
    void whatIsNoSealGetsOneErrorAndNeverReachesTheProvider() {
        try (Exchange exchange = new Exchange(SEALED)) {
            String sealed = refreshToken(exchange.swap("c"));
            List<String> broken = new ArrayList<>(List.of("", "rt-1", "x", sealed + "A", sealed.substring(1)));
            try (Exchange otherKey = new Exchange(Map.of("SEAL_KEYS", Exchange.OTHER_KEY))) {
                broken.add(refreshToken(otherKey.swap("c")));
            }
            // Five characters apart, so that each field of the header is changed, the id of the key too.
            for (int i = 0; i < sealed.length(); i += 5) {
                char other = sealed.charAt(i) == 'A' ? 'B' : 'A';
                broken.add(sealed.substring(0, i) + other + sealed.substring(i + 1));
                broken.add(sealed.substring(0, i + 1));
            }
            exchange.provider.asked.clear();
            String body = exchange.refresh("rt-1").body();

            for (String text : broken) {
                HttpResponse<String> response = exchange.refresh(text);
                assertThat(response.statusCode()).isEqualTo(400);
                assertThat(response.body()).isEqualTo(body);
            }
            // Characters that no token has, for example after a bit of one was flipped.
            for (String escaped : List.of("\\u0000", "\\u00c1", "\\n", sealed.substring(1) + "\\u0001")) {
                assertThat(exchange.json("/refresh", "{\"refresh_token\":\"" + escaped + "\"}")
                                .body())
                        .isEqualTo(body);
            }
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("C41")
    void aLongRefreshTokenNeverReachesTheProvider() {
        try (Exchange exchange = new Exchange(SEALED)) {
            assertThat(exchange.refresh("A".repeat(16_000)).body()).startsWith("{\"error\":\"invalid_grant\",");
            assertThat(exchange.refresh("A".repeat(1_000_000)).statusCode()).isEqualTo(413);
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("C41")
    void textThatIsNoTokenIsRefusedWhereTokensAreNotSealed() {
        try (Exchange exchange = new Exchange()) {
            for (HttpResponse<String> response : List.of(
                    exchange.refresh(""),
                    exchange.form("/index.php", "grant_type=refresh_token&code=&refresh_token="),
                    exchange.json("/refresh", "{\"refresh_token\":\"\"}"),
                    exchange.json("/refresh", "{\"refresh_token\":\"rt\\u0000\"}"))) {
                assertInvalidGrant(response);
            }
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("C42")
    @Tag("E79")
    void aSealOfAnOlderKeyOpensAndIsSealedAnew() {
        try (Exchange old = new Exchange(SEALED);
                Exchange both = new Exchange(Map.of("SEAL_KEYS", Exchange.OTHER_KEY + "," + Exchange.KEY));
                Exchange fresh = new Exchange(Map.of("SEAL_KEYS", Exchange.OTHER_KEY))) {
            String sealed = refreshToken(old.swap("c"));
            assertInvalidGrant(fresh.refresh(sealed));
            both.provider.respondsWith(200, NOT_ROTATED);
            String anew = refreshToken(both.refresh(sealed));

            fresh.provider.respondsWith(200, NOT_ROTATED);
            assertThat(fresh.refresh(anew).statusCode()).isEqualTo(200);
            assertThat(fresh.provider.asked.get(0).form()).containsEntry("refresh_token", "rt-1");
        }
    }

    @Test
    @Tag("E78")
    void aSealOfAKeyThatThisNodeDoesNotKnowYetIsNoDeadGrant() {
        try (Exchange behind = new Exchange(SEALED);
                Exchange ahead = new Exchange(Map.of("SEAL_KEYS", Exchange.OTHER_KEY + " " + Exchange.KEY));
                Exchange accepting = new Exchange(Map.of("SEAL_KEYS", Exchange.KEY + "," + Exchange.OTHER_KEY))) {
            String refreshToken = refreshToken(ahead.swap("c"));
            accepting.provider.respondsWith(200, NOT_ROTATED);

            for (HttpResponse<String> response :
                    List.of(behind.refresh(refreshToken), behind.form("/swap", "code=" + ahead.code("d")))) {
                assertThat(response.statusCode()).isEqualTo(503);
                assertThat(response.body()).contains("\"processed\":\"no\"");
                assertThat(response.headers().firstValue("Retry-After")).contains("5");
            }
            // A login waits for its person, who reloads the page.
            Exchange.Login login = ahead.login(Exchange.AUTHORIZE);
            HttpResponse<String> page = behind.callback("code=c&state=" + login.state(), login);
            assertThat(page.statusCode()).isEqualTo(503);
            assertThat(page.headers().firstValue("Retry-After")).contains("5");
            assertThat(page.headers().firstValue("Content-Type")).contains("text/html; charset=utf-8");
            assertThat(behind.provider.asked).isEmpty();
            assertThat(accepting.refresh(refreshToken).statusCode()).isEqualTo(200);
        }
    }

    @Test
    @Tag("E86")
    void aSealOfAnotherVersionOfTheServerAsksForANewSignIn() {
        try (Exchange exchange = new Exchange(SEALED)) {
            Seals otherVersion = new Seals("client", KeyRing.of(Exchange.KEY), () -> exchange.now);
            Seals.Content content = out -> out.writeInt(1);

            HttpResponse<String> page =
                    exchange.get("/callback?code=c&state=" + otherVersion.seal(Seals.Purpose.LOGIN, content));
            assertThat(page.statusCode()).isEqualTo(400);
            assertThat(page.body()).contains("updated").contains("sign in again");
            assertInvalidGrant(exchange.form("/swap", "code=" + otherVersion.seal(Seals.Purpose.CODE, content)));
            assertInvalidGrant(exchange.refresh(otherVersion.seal(Seals.Purpose.REFRESH_TOKEN, content)));
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("E69")
    void rawRefreshTokensAreTakenUntilADateAndSealed() {
        try (Exchange exchange =
                new Exchange(Map.of("SEAL_KEYS", Exchange.KEY, "ACCEPT_RAW_REFRESH_TOKENS_UNTIL", "2026-11-24"))) {
            exchange.provider.respondsWith(200, NOT_ROTATED);
            String sealed = refreshToken(exchange.refresh("rt-old"));
            assertThat(exchange.provider.asked.get(0).form()).containsEntry("refresh_token", "rt-old");

            exchange.now = java.time.Instant.parse("2026-11-24T00:00:00Z");
            assertInvalidGrant(exchange.refresh("rt-old"));
            assertThat(exchange.refresh(sealed).statusCode()).isEqualTo(200);
        }
    }

    @Test
    @Tag("E80")
    void withoutAConfiguredKeyRefreshTokensAreNotSealed() {
        try (Exchange exchange = new Exchange()) {
            assertThat(refreshToken(exchange.swap("c"))).isEqualTo("rt-1");
        }
    }

    @Test
    @Tag("E85")
    void aSealFromTheFutureIsRefused() {
        try (Exchange exchange = new Exchange(SEALED)) {
            exchange.now = exchange.now.plus(Duration.ofMinutes(5)).plusMillis(1);
            String refreshToken = refreshToken(exchange.swap("c"));
            String code = exchange.code("d");
            exchange.now = exchange.now.minus(Duration.ofMinutes(5)).minusMillis(1);
            exchange.provider.asked.clear();

            // The clock is wrong, which must not sign the user out.
            HttpResponse<String> refused = exchange.refresh(refreshToken);
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.body()).contains("\"processed\":\"no\"").contains("clock");
            assertInvalidGrant(exchange.form("/swap", "code=" + code));
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("C43")
    @Tag("E68")
    void theSameRefreshTokenNeverLooksTheSameAndASealServesItsPurposeOnly() {
        try (Exchange exchange = new Exchange(SEALED)) {
            Set<String> salts = new HashSet<>();
            for (int i = 0; i < 50; i++) {
                byte[] sealed = Base64.getUrlDecoder().decode(refreshToken(exchange.swap("c" + i)));
                // Version, key and time. The salt behind them makes the key of one message.
                salts.add(HexFormat.of().formatHex(sealed, 13, 13 + 32));
            }
            assertThat(salts).hasSize(50);

            String refreshToken = refreshToken(exchange.swap("c"));
            String code = exchange.code("d");
            String state = exchange.login(Exchange.AUTHORIZE).state();
            exchange.provider.asked.clear();
            for (String other : List.of(code, state)) {
                assertInvalidGrant(exchange.refresh(other));
            }
            for (String other : List.of(refreshToken, state)) {
                assertInvalidGrant(exchange.form("/swap", "code=" + other));
            }
            Exchange.Login login = exchange.login(Exchange.AUTHORIZE);
            for (String other : List.of(refreshToken, code)) {
                assertThat(exchange.callback("code=c&state=" + other, login).statusCode())
                        .isEqualTo(400);
            }
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    @Test
    @Tag("C68")
    void nodesWhoseClocksDifferByFiveMinutesShareLoginsAndTokensAndNoneLivesLonger() {
        Map<String, String> sameNode = Map.of("SEAL_KEYS", Exchange.KEY, "PUBLIC_URL", "https://exchange.example");
        try (Exchange behind = new Exchange(sameNode);
                Exchange ahead = new Exchange(sameNode)) {
            ahead.now = behind.now.plus(Duration.ofMinutes(5));
            for (List<Exchange> way : List.of(List.of(behind, ahead), List.of(ahead, behind))) {
                Exchange first = way.get(0);
                Exchange second = way.get(1);
                Exchange.Login login = first.login(Exchange.AUTHORIZE);
                HttpResponse<String> redirect = second.callback("code=c&state=" + login.state(), login);
                assertThat(redirect.statusCode()).isEqualTo(303);

                String refreshToken = refreshToken(first.swap("e" + first.port()));
                assertThat(second.refresh(refreshToken).statusCode()).isEqualTo(200);
            }
            // A code lives for a minute of each clock: too long is worse than too short.
            assertThat(behind.form("/swap", "code=" + ahead.code("f")).statusCode())
                    .isEqualTo(200);
            assertInvalidGrant(ahead.form("/swap", "code=" + behind.code("g")));
        }
    }

    @Test
    void theEndOfTheGrantIsToldWhereOnlyTheOperatorKnowsIt() {
        try (Exchange exchange = new Exchange(Map.of("SEAL_KEYS", Exchange.KEY, "GRANT_LIFETIME", "P10D"))) {
            HttpResponse<String> swap = exchange.swap("c");
            assertThat(swap.body()).contains("\"authorization_expires_in\":864000,");

            exchange.now = exchange.now.plus(Duration.ofDays(3));
            exchange.provider.respondsWith(200, ROTATED);
            HttpResponse<String> refresh = exchange.refresh(refreshToken(swap));
            assertThat(refresh.body()).contains("\"authorization_expires_in\":604800,");
            exchange.now = exchange.now.plus(Duration.ofDays(1));
            assertThat(exchange.refresh(refreshToken(refresh)).body()).contains("\"authorization_expires_in\":518400");
        }
    }

    private static String refreshToken(HttpResponse<String> response) {
        Matcher refreshToken = REFRESH_TOKEN.matcher(response.body());
        assertThat(refreshToken.find()).as(response.body()).isTrue();
        return refreshToken.group(1);
    }

    private static void assertInvalidGrant(HttpResponse<String> response) {
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).startsWith("{\"error\":\"invalid_grant\",");
    }
}
