package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.internal.Json;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Responses of status 200. */
class TokenBodiesTest extends ResponseFixture {

    private static final TokenRequest STRICT = TokenRequest.swap(
            new TokenServer("exchange server", URI.create("https://auth.example.com"), "", true),
            Encoding.JSON,
            Samples.CODE);

    @ParameterizedTest(name = "{1} yields {0}")
    @CsvSource(delimiter = '|', textBlock = """
        TOKEN    | {"access_token":"canary","token_type":"Bearer","expires_in":3600}
        LOGIN    | {"error":"invalid_grant"}
        CONFIG invalid_client | {"error":"invalid_client","error_description":"no such client"}
        RESPONSE_LOST  | {"error":"temporarily_unavailable"}
        INVALID_RESPONSE | {"error":""}
        INVALID_RESPONSE | {"error":{"status":400,"message":"invalid"}}
        INVALID_RESPONSE | {"access_token":"canary","error":"invalid_grant"}
        INVALID_RESPONSE | {"access_token":"canary","error":{"status":400}}
        INVALID_RESPONSE | {"access_token":"canary","error":["invalid_grant"]}
        INVALID_RESPONSE | {"access_token":"canary","error":400}
        INVALID_RESPONSE | {"access_token":"canary","error":true}
        TOKEN    | {"access_token":"canary","error":false}
        TOKEN    | {"access_token":"canary","error":""}
        TOKEN    | {"access_token":"canary","error":null}
        INVALID_RESPONSE | <!doctype html><title>canary: sign in to the network</title>
        INVALID_RESPONSE | ''
        INVALID_RESPONSE | '  '
        INVALID_RESPONSE | ["access_token","canary"]
        INVALID_RESPONSE | "canary"
        INVALID_RESPONSE | 42
        INVALID_RESPONSE | null
        INVALID_RESPONSE | {}
        INVALID_RESPONSE | {"access_token":""}
        INVALID_RESPONSE | {"access_token":null}
        INVALID_RESPONSE | {"access_token":42}
        INVALID_RESPONSE | {"access_token":{"value":"canary"}}
        INVALID_RESPONSE | {"access_token":"canary\\r\\nX-Injected: yes"}
        INVALID_RESPONSE | {"access_token":"canary token"}
        INVALID_RESPONSE | {"access_token":"canary\\u0000"}
        INVALID_RESPONSE | {"access_token":"canary\\u007f"}
        INVALID_RESPONSE | {"access_token":"canary\\u00e9"}
        INVALID_RESPONSE | {"access_token":"canary","token_type":"mac"}
        INVALID_RESPONSE | {"access_token":"canary","token_type":"DPoP"}
        INVALID_RESPONSE | {"access_token":"canary","token_type":1}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":-1}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":"-1"}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":"NaN"}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":"an hour"}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":""}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":true}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":[3600]}
        INVALID_RESPONSE | {"access_token":"canary","scope":7}
        INVALID_RESPONSE | {"access_token":"canary","scope":"a \\u001b[31mb"}
        INVALID_RESPONSE | {"access_token":"canary","scope":["a",7]}
        INVALID_RESPONSE | {"access_token":"canary","refresh_token":7}
        TOKEN    | {"access_token":"canary","refresh_token":"\\ud83c\\udfb5"}
        INVALID_RESPONSE | {"access_token":"canary","refresh_token":"\\ud83c"}
        TOKEN    | {"access_token":"canary","unknown":{"deep":[1,2,{"er":null}]},"ok":true}
        INVALID_RESPONSE | {"access_token":"canary","access_token":"other"}
        INVALID_RESPONSE | {"access_token":"canary","extra":{"a":1,"a":2}}
        INVALID_RESPONSE | {"access_token":"canary"} trailing
        INVALID_RESPONSE | {"access_token":"canary"}{"access_token":"other"}
        INVALID_RESPONSE | {"access_token":"canary"/* comment */}
        INVALID_RESPONSE | {"access_token":"canary","expires_in":NaN}
        INVALID_RESPONSE | {"access_token":"canary",}
        INVALID_RESPONSE | {"access_token":"canary"
        """)
    @Tag("B01")
    @Tag("B02")
    @Tag("B03")
    @Tag("B04")
    @Tag("B05")
    @Tag("B06")
    @Tag("B07")
    @Tag("B08")
    @Tag("B12")
    @Tag("B18")
    @Tag("B22")
    @Tag("B26")
    @Tag("B27")
    @Tag("B35")
    @Tag("B28")
    @Tag("B29")
    @Tag("B36")
    void haveOneOutcomeAndAreNotQuoted(String outcome, String body) {
        TokenSwapException failure = failure(200, body);

        assertThat(failure == null ? "TOKEN" : Outcomes.of(failure)).isEqualTo(outcome);
        if (failure != null) {
            assertThat(failure).hasMessageNotContaining(Samples.CANARY).hasNoCause();
        }
    }

    @Test
    @Tag("B01")
    void aValidResponseIsTheTokenThatItDescribes() {
        Token token = read(200, Samples.TOKEN_RESPONSE);

        assertThat(token.accessToken().secret()).isEqualTo("canary-new");
        assertThat(token.tokenType()).isEqualTo("Bearer");
        assertThat(token.scopes()).containsExactly("user-read-private");
        assertThat(token.issuedAt()).isEqualTo(Samples.NOW);
        assertThat(token.expiresAt()).isEqualTo(Samples.NOW.plusSeconds(3600));
        assertThat(token.refreshToken().secret()).isEqualTo("canary-rotated");
    }

    @Test
    @Tag("B09")
    void accessTokenOfMoreThan16KibIsRefused() {
        assertThat(outcome(200, "{\"access_token\":\"" + "x".repeat(16 * 1024) + "\"}"))
                .isEqualTo("TOKEN");
        assertThat(outcome(200, "{\"access_token\":\"" + "x".repeat(16 * 1024 + 1) + "\"}"))
                .isEqualTo("INVALID_RESPONSE");
    }

    @Test
    @Tag("B31")
    void aBodyOf64KibIsReadAndALongerOneIsRefused() {
        String token = "{\"access_token\":\"canary\"}";

        assertThat(outcome(200, token + " ".repeat(TokenResponse.LONGEST_BODY - token.length())))
                .isEqualTo("TOKEN");
        assertThat(outcome(200, token + " ".repeat(TokenResponse.LONGEST_BODY - token.length() + 1)))
                .isEqualTo("INVALID_RESPONSE");
    }

    @Test
    @Tag("B18")
    void aLifetimeAsTextHasAtMost32Characters() {
        assertThat(outcome(200, "{\"access_token\":\"canary\",\"expires_in\":\"" + "0".repeat(28) + "3600\"}"))
                .isEqualTo("TOKEN");
        assertThat(outcome(200, "{\"access_token\":\"canary\",\"expires_in\":\"" + "0".repeat(29) + "3600\"}"))
                .isEqualTo("INVALID_RESPONSE");
    }

    @ParameterizedTest(name = "{0} is a token of type {1}")
    @CsvSource(delimiter = '|', textBlock = """
        {"access_token":"canary"}                       | Bearer
        {"access_token":"canary","token_type":null}     | Bearer
        {"access_token":"canary","token_type":""}       | Bearer
        {"access_token":"canary","token_type":"bearer"} | bearer
        {"access_token":"canary","token_type":"BEARER"} | BEARER
        """)
    @Tag("B10")
    @Tag("B11")
    void tellTheType(String body, String type) {
        assertThat(read(200, body).tokenType()).isEqualTo(type);
    }

    @ParameterizedTest(name = "expires_in {0} lasts {1}")
    @CsvSource(delimiter = '|', textBlock = """
        3600      | PT1H
        "3600"    | PT1H
        3600.0    | PT1H
        3.6e3     | PT1H
        "3600.5"  | PT1H
        3600.999  | PT1H
        0.999     | PT0S
        1e-999999999 | PT0S
        null      |
        0         | PT0S
        "0"       | PT0S
        -0.0      | PT0S
        9223372036854775807   | P36500D
        "9223372036854775807" | P36500D
        1e400     | P36500D
        1e999999999 | P36500D
        2147483647    | PT596523H14M7S
        2147483648    | PT596523H14M8S
        2147483       | PT596H31M23S
        2147484       | PT596H31M24S
        9223372036    | P36500D
        9223372037    | P36500D
        """)
    @Tag("B13")
    @Tag("B14")
    @Tag("B15")
    @Tag("B16")
    @Tag("B17")
    @Tag("B19")
    @Tag("B20")
    void tellTheLifetime(String expiresIn, Duration lifetime) {
        Instant expiresAt = read(200, "{\"access_token\":\"canary\",\"expires_in\":" + expiresIn + "}")
                .expiresAt();

        assertThat(expiresAt).isEqualTo(lifetime == null ? null : Samples.NOW.plus(lifetime));
    }

    /** Of a draft, so that what makes no sense is no reason to refuse the token. */
    @ParameterizedTest(name = "{0} seconds are {1}")
    @CsvSource(delimiter = '|', textBlock = """
        3600   | PT1H
        "3600" | PT1H
        0      | PT0S
        1e400  | P36500D
        -1     |
        "soon" |
        true   |
        null   |
        """)
    void tellTheEndOfTheGrantAndOfAnUnusedRefreshToken(String seconds, Duration time) {
        Token token = read(
                200,
                "{\"access_token\":\"canary\",\"authorization_expires_in\":" + seconds + ",\"refresh_token_timeout\":"
                        + seconds + "}");

        assertThat(token.grantExpiresAt()).isEqualTo(time == null ? null : Samples.NOW.plus(time));
        assertThat(token.refreshTokenTimeout()).isEqualTo(time);
    }

    @Test
    @Tag("B16")
    void lifetimeThatIsAbsentIsUnknown() {
        assertThat(read(200, "{\"access_token\":\"canary\"}").expiresAt()).isNull();
    }

    @ParameterizedTest(name = "{0} grants {1}")
    @CsvSource(delimiter = '|', textBlock = """
        {"access_token":"canary"}                      | user-read-private
        {"access_token":"canary","scope":null}         | user-read-private
        {"access_token":"canary","scope":"a b"}        | a,b
        {"access_token":"canary","scope":"  a   b "}   | a,b
        {"access_token":"canary","scope":"b a b"}      | b,a
        {"access_token":"canary","scope":""}           | ''
        {"access_token":"canary","scope":["a","b c"]}  | a,b,c
        {"access_token":"canary","scope":"a,b, c"}     | a,b,c
        """)
    @Tag("B21")
    @Tag("B22")
    void tellTheScopes(String body, String scopes) {
        assertThat(String.join(",", read(200, body).scopes())).isEqualTo(scopes);
    }

    @ParameterizedTest(name = "{0} holds the refresh token {1}")
    @CsvSource(delimiter = '|', nullValues = "none", textBlock = """
        {"access_token":"canary"}                          | none
        {"access_token":"canary","refresh_token":""}       | none
        {"access_token":"canary","refresh_token":null}     | none
        {"access_token":"canary","refresh_token":"canary-next"} | canary-next
        """)
    @Tag("B24")
    @Tag("B26")
    @Tag("B27")
    void tellTheRefreshToken(String body, String refreshToken) {
        assertThat(read(200, body).refreshToken())
                .isEqualTo(refreshToken == null ? null : RefreshToken.of(refreshToken));
    }

    @Test
    void refreshTokenWithLineBreaksIsKeptAsItIs() {
        // Ruby's exchange servers encrypt the refresh token and wrap its base64 after 60 characters.
        assertThat(read(200, "{\"access_token\":\"canary\",\"refresh_token\":\"can\\nary\\n\"}")
                        .refreshToken()
                        .secret())
                .isEqualTo("can\nary\n");
    }

    @Test
    @Tag("B30")
    void thirtyTwoLevelsAreReadAndMoreAreRefused() {
        assertThat(outcome(200, nested(31))).isEqualTo("TOKEN");
        assertThat(outcome(200, nested(32))).isEqualTo("INVALID_RESPONSE");
        assertThat(Outcomes.of(() -> read(200, nested(30_000)))).isEqualTo("INVALID_RESPONSE");
        assertThat(Json.readObject(nested(100_000).getBytes(StandardCharsets.UTF_8)))
                .isNull();
    }

    private String nested(int arrays) {
        return "{\"access_token\":\"canary\",\"a\":" + "[".repeat(arrays) + "]".repeat(arrays) + "}";
    }

    @ParameterizedTest(name = "{0} is no hindrance, and strictly {1}")
    @CsvSource(delimiter = '|', textBlock = """
        application/json                      | TOKEN
        application/json; charset=utf-8       | TOKEN
        Application/JSON ;charset=utf-8       | TOKEN
        application/problem+json              | INVALID_RESPONSE
                                              | INVALID_RESPONSE
        text/html                             | INVALID_RESPONSE
        text/html; charset=iso-8859-1         | INVALID_RESPONSE
        application/json, text/html           | INVALID_RESPONSE
        multipart/form-data; boundary=x       | INVALID_RESPONSE
        application/x-www-form-urlencoded     | INVALID_RESPONSE
        nonsense                              | INVALID_RESPONSE
        """)
    @Tag("B33")
    void contentTypeIsNoHindrance(String contentType, String strictly) {
        HttpHeaders headers = new DefaultHttpHeaders();
        if (contentType != null) {
            headers.set("Content-Type", contentType);
        }
        byte[] body = Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8);

        assertThat(read(response(200, headers, body)).accessToken().secret()).isEqualTo("canary-new");
        assertThat(Outcomes.of(() -> read(new TokenResponse(STRICT, 200, headers, body))))
                .isEqualTo(strictly);
    }

    @ParameterizedTest(name = "strictly, {0} yields {1}")
    @CsvSource(delimiter = '|', textBlock = """
        {"access_token":"canary"}                       | INVALID_RESPONSE
        {"access_token":"canary","token_type":null}     | INVALID_RESPONSE
        {"access_token":"canary","token_type":""}       | INVALID_RESPONSE
        {"access_token":"canary","token_type":"bearer"} | TOKEN
        {"error":"invalid_grant"}                       | LOGIN
        """)
    @Tag("B10")
    void typeMustBeNamedWhereResponsesAreStrict(String body, String outcome) {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", "application/json");

        assertThat(Outcomes.of(
                        () -> read(new TokenResponse(STRICT, 200, headers, body.getBytes(StandardCharsets.UTF_8)))))
                .isEqualTo(outcome);
    }

    @ParameterizedTest(name = "{0} yields {1}")
    @CsvSource(textBlock = """
        UTF-8, TOKEN
        UTF-16, INVALID_RESPONSE
        UTF-16LE, INVALID_RESPONSE
        UTF-32, INVALID_RESPONSE
        ISO-8859-1, INVALID_RESPONSE
        """)
    @Tag("B34")
    @Tag("B35")
    void areUtf8OrNothing(String charset, String outcome) {
        byte[] body = "{\"access_token\":\"canary\",\"note\":\"caf\u00e9\"}".getBytes(Charset.forName(charset));

        assertThat(Outcomes.of(() -> read(response(200, new DefaultHttpHeaders(), body))))
                .isEqualTo(outcome);
    }

    @ParameterizedTest(name = "a form with the type {0} is read")
    @ValueSource(strings = {"application/x-www-form-urlencoded", "text/plain", "application/json"})
    @Tag("E74")
    @Tag("B37")
    void aFormIsReadLikeJson(String contentType) {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", contentType);
        byte[] form = "access_token=canary-new&token_type=bearer&expires_in=3600&scope=a+b&refresh_token=canary-next"
                .getBytes(StandardCharsets.UTF_8);

        Token token = read(response(200, headers, form));

        assertThat(token.accessToken().secret()).isEqualTo("canary-new");
        assertThat(token.scopes()).containsExactly("a", "b");
        assertThat(token.refreshToken()).isEqualTo(RefreshToken.of("canary-next"));
    }

    @Test
    @Tag("E74")
    void aRotatedRefreshTokenIsNotLostForItsMediaType() {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", "text/html");
        TokenServer strict = new TokenServer("provider", URI.create("https://provider.test/token"), "", true);
        TokenRequest refresh = TokenRequest.refresh(strict, Encoding.FORM, Samples.REFRESH_TOKEN);

        Token token =
                read(new TokenResponse(refresh, 200, headers, Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8)));

        assertThat(token.refreshToken()).isEqualTo(RefreshToken.of("canary-rotated"));
    }

    @ParameterizedTest(name = "the refresh token {0} replaces none")
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
        null
        17
        ""
        "canary-refresh"
        """)
    @Tag("E74")
    void onlyARotatedRefreshTokenExcusesTheMediaType(String refreshToken) {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", "text/html");
        TokenServer strict = new TokenServer("provider", URI.create("https://provider.test/token"), "", true);
        TokenRequest refresh = TokenRequest.refresh(strict, Encoding.FORM, RefreshToken.of("canary-refresh"));
        String body = "{\"access_token\":\"canary\",\"token_type\":\"Bearer\",\"refresh_token\":" + refreshToken + "}";

        assertThat(Outcomes.of(
                        () -> read(new TokenResponse(refresh, 200, headers, body.getBytes(StandardCharsets.UTF_8)))))
                .isEqualTo("INVALID_RESPONSE");
    }

    @Test
    @Tag("E74")
    void anUnchangedRefreshTokenDoesNotExcuseAnotherMediaType() {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", "text/html");
        TokenServer strict = new TokenServer("provider", URI.create("https://provider.test/token"), "", true);
        TokenRequest refresh = TokenRequest.refresh(strict, Encoding.FORM, RefreshToken.of("canary-rotated"));
        byte[] body = Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8);

        assertThat(Outcomes.of(() -> read(new TokenResponse(refresh, 200, headers, body))))
                .isEqualTo("INVALID_RESPONSE");
    }

    @Test
    @Tag("B34")
    void byteOrderMarkIsSkipped() {
        assertThat(outcome(200, "\uFEFF{\"access_token\":\"canary\"}")).isEqualTo("TOKEN");
    }

    @Test
    @Tag("B35")
    void brokenUtf8IsRefused() {
        byte[] overlong = "{\"access_token\":\"canary\",\"note\":\"??\"}".getBytes(StandardCharsets.UTF_8);
        int at = new String(overlong, StandardCharsets.UTF_8).indexOf("??");
        overlong[at] = (byte) 0xC0;
        overlong[at + 1] = (byte) 0xAF;

        assertThat(Outcomes.of(() -> read(response(200, new DefaultHttpHeaders(), overlong))))
                .isEqualTo("INVALID_RESPONSE");
    }

    @Test
    @Tag("B38")
    void compressionThatWasNotRequestedIsRefused() {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Encoding", "gzip");

        assertThat(Outcomes.of(
                        () -> read(response(200, headers, Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8)))))
                .isEqualTo("INVALID_RESPONSE");
    }
}
