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
class TokenBodiesTest extends ResponseTest {

    private static final TokenRequest STRICT = TokenRequest.swap(
            new Peer("exchange server", URI.create("https://auth.example.com"), "", true), Encoding.JSON, Samples.CODE);

    @ParameterizedTest(name = "{0}: {2} yields {1}")
    @CsvSource(delimiter = '|', textBlock = """
        B01 | TOKEN    | {"access_token":"canary","token_type":"Bearer","expires_in":3600}
        B02 | LOGIN    | {"error":"invalid_grant"}
        B02 | CONFIG invalid_client | {"error":"invalid_client","error_description":"no such client"}
        B02 | RESPONSE_LOST  | {"error":"temporarily_unavailable"}
        B02 | INVALID_RESPONSE | {"error":""}
        B02 | INVALID_RESPONSE | {"error":{"status":400,"message":"invalid"}}
        B03 | INVALID_RESPONSE | {"access_token":"canary","error":"invalid_grant"}
        B03 | INVALID_RESPONSE | {"access_token":"canary","error":{"status":400}}
        B03 | INVALID_RESPONSE | {"access_token":"canary","error":["invalid_grant"]}
        B03 | INVALID_RESPONSE | {"access_token":"canary","error":400}
        B03 | INVALID_RESPONSE | {"access_token":"canary","error":true}
        B03 | TOKEN    | {"access_token":"canary","error":false}
        B03 | TOKEN    | {"access_token":"canary","error":""}
        B03 | TOKEN    | {"access_token":"canary","error":null}
        B04 | INVALID_RESPONSE | <!doctype html><title>canary: sign in to the network</title>
        B05 | INVALID_RESPONSE | ''
        B05 | INVALID_RESPONSE | '  '
        B06 | INVALID_RESPONSE | ["access_token","canary"]
        B06 | INVALID_RESPONSE | "canary"
        B06 | INVALID_RESPONSE | 42
        B06 | INVALID_RESPONSE | null
        B07 | INVALID_RESPONSE | {}
        B07 | INVALID_RESPONSE | {"access_token":""}
        B07 | INVALID_RESPONSE | {"access_token":null}
        B07 | INVALID_RESPONSE | {"access_token":42}
        B07 | INVALID_RESPONSE | {"access_token":{"value":"canary"}}
        B08 | INVALID_RESPONSE | {"access_token":"canary\\r\\nX-Injected: yes"}
        B08 | INVALID_RESPONSE | {"access_token":"canary token"}
        B08 | INVALID_RESPONSE | {"access_token":"canary\\u0000"}
        B08 | INVALID_RESPONSE | {"access_token":"canary\\u007f"}
        B08 | INVALID_RESPONSE | {"access_token":"canary\\u00e9"}
        B12 | INVALID_RESPONSE | {"access_token":"canary","token_type":"mac"}
        B12 | INVALID_RESPONSE | {"access_token":"canary","token_type":"DPoP"}
        B12 | INVALID_RESPONSE | {"access_token":"canary","token_type":1}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":-1}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":"-1"}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":"NaN"}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":"an hour"}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":""}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":true}
        B18 | INVALID_RESPONSE | {"access_token":"canary","expires_in":[3600]}
        B22 | INVALID_RESPONSE | {"access_token":"canary","scope":7}
        B22 | INVALID_RESPONSE | {"access_token":"canary","scope":"a \\u001b[31mb"}
        B22 | INVALID_RESPONSE | {"access_token":"canary","scope":["a",7]}
        B26 | INVALID_RESPONSE | {"access_token":"canary","refresh_token":7}
        B27 | TOKEN    | {"access_token":"canary","refresh_token":"\\ud83c\\udfb5"}
        B35 | INVALID_RESPONSE | {"access_token":"canary","refresh_token":"\\ud83c"}
        B28 | TOKEN    | {"access_token":"canary","unknown":{"deep":[1,2,{"er":null}]},"ok":true}
        B29 | INVALID_RESPONSE | {"access_token":"canary","access_token":"other"}
        B29 | INVALID_RESPONSE | {"access_token":"canary","extra":{"a":1,"a":2}}
        B36 | INVALID_RESPONSE | {"access_token":"canary"} trailing
        B36 | INVALID_RESPONSE | {"access_token":"canary"}{"access_token":"other"}
        B36 | INVALID_RESPONSE | {"access_token":"canary"/* comment */}
        B36 | INVALID_RESPONSE | {"access_token":"canary","expires_in":NaN}
        B36 | INVALID_RESPONSE | {"access_token":"canary",}
        B36 | INVALID_RESPONSE | {"access_token":"canary"
        """)
    void haveOneOutcomeAndAreNotQuoted(String id, String outcome, String body) {
        TokenSwapException failure = failure(200, body);

        assertThat(failure == null ? "TOKEN" : Outcomes.of(failure)).isEqualTo(outcome);
        if (failure != null) {
            assertThat(failure).hasMessageNotContaining(Samples.CANARY).hasNoCause();
        }
    }

    @Test
    void b01_validAnswerIsTheTokenThatItDescribes() {
        Token token = read(200, Samples.TOKEN_RESPONSE);

        assertThat(token.accessToken().secret()).isEqualTo("canary-new");
        assertThat(token.tokenType()).isEqualTo("Bearer");
        assertThat(token.scopes()).containsExactly("user-read-private");
        assertThat(token.issuedAt()).isEqualTo(Samples.NOW);
        assertThat(token.expiresAt()).isEqualTo(Samples.NOW.plusSeconds(3600));
        assertThat(token.refreshToken().secret()).isEqualTo("canary-rotated");
    }

    @Test
    void b09_accessTokenOfMoreThan16KibIsRefused() {
        assertThat(outcome(200, "{\"access_token\":\"" + "x".repeat(16 * 1024) + "\"}"))
                .isEqualTo("TOKEN");
        assertThat(outcome(200, "{\"access_token\":\"" + "x".repeat(16 * 1024 + 1) + "\"}"))
                .isEqualTo("INVALID_RESPONSE");
    }

    @ParameterizedTest(name = "{0}: {1} is a token of type {2}")
    @CsvSource(delimiter = '|', textBlock = """
        B10 | {"access_token":"canary"}                       | Bearer
        B10 | {"access_token":"canary","token_type":null}     | Bearer
        B10 | {"access_token":"canary","token_type":""}       | Bearer
        B11 | {"access_token":"canary","token_type":"bearer"} | bearer
        B11 | {"access_token":"canary","token_type":"BEARER"} | BEARER
        """)
    void tellTheType(String id, String body, String type) {
        assertThat(read(200, body).tokenType()).isEqualTo(type);
    }

    @ParameterizedTest(name = "{0}: expires_in {1} lasts {2}")
    @CsvSource(delimiter = '|', textBlock = """
        B13 | 3600      | PT1H
        B14 | "3600"    | PT1H
        B15 | 3600.0    | PT1H
        B15 | 3.6e3     | PT1H
        B15 | "3600.5"  | PT1H
        B15 | 3600.999  | PT1H
        B15 | 0.999     | PT0S
        B15 | 1e-999999999 | PT0S
        B16 | null      |
        B17 | 0         | PT0S
        B17 | "0"       | PT0S
        B17 | -0.0      | PT0S
        B19 | 9223372036854775807   | P36500D
        B19 | "9223372036854775807" | P36500D
        B19 | 1e400     | P36500D
        B19 | 1e999999999 | P36500D
        B20 | 2147483647    | PT596523H14M7S
        B20 | 2147483648    | PT596523H14M8S
        B20 | 2147483       | PT596H31M23S
        B20 | 2147484       | PT596H31M24S
        B20 | 9223372036    | P36500D
        B20 | 9223372037    | P36500D
        """)
    void tellTheLifetime(String id, String expiresIn, Duration lifetime) {
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
    void b16_lifetimeThatIsAbsentIsUnknown() {
        assertThat(read(200, "{\"access_token\":\"canary\"}").expiresAt()).isNull();
    }

    @ParameterizedTest(name = "{0}: {1} grants {2}")
    @CsvSource(delimiter = '|', textBlock = """
        B21 | {"access_token":"canary"}                      | user-read-private
        B21 | {"access_token":"canary","scope":null}         | user-read-private
        B22 | {"access_token":"canary","scope":"a b"}        | a,b
        B22 | {"access_token":"canary","scope":"  a   b "}   | a,b
        B22 | {"access_token":"canary","scope":"b a b"}      | b,a
        B22 | {"access_token":"canary","scope":""}           | ''
        B22 | {"access_token":"canary","scope":["a","b c"]}  | a,b,c
        B22 | {"access_token":"canary","scope":"a,b, c"}     | a,b,c
        """)
    void tellTheScopes(String id, String body, String scopes) {
        assertThat(String.join(",", read(200, body).scopes())).isEqualTo(scopes);
    }

    @ParameterizedTest(name = "{0}: {1} holds the refresh token {2}")
    @CsvSource(delimiter = '|', nullValues = "none", textBlock = """
        B24 | {"access_token":"canary"}                          | none
        B26 | {"access_token":"canary","refresh_token":""}       | none
        B26 | {"access_token":"canary","refresh_token":null}     | none
        B27 | {"access_token":"canary","refresh_token":"canary-next"} | canary-next
        """)
    void tellTheRefreshToken(String id, String body, String refreshToken) {
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
    void b30_32LevelsAreReadAndMoreAreRefused() {
        assertThat(outcome(200, nested(31))).isEqualTo("TOKEN");
        assertThat(outcome(200, nested(32))).isEqualTo("INVALID_RESPONSE");
        assertThat(Outcomes.of(() -> read(200, nested(30_000)))).isEqualTo("INVALID_RESPONSE");
        assertThat(Json.readObject(nested(100_000).getBytes(StandardCharsets.UTF_8)))
                .isNull();
    }

    private String nested(int arrays) {
        return "{\"access_token\":\"canary\",\"a\":" + "[".repeat(arrays) + "]".repeat(arrays) + "}";
    }

    @ParameterizedTest(name = "B33: {0} is no hindrance, and strictly {1}")
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

    @ParameterizedTest(name = "B10: strictly, {0} yields {1}")
    @CsvSource(delimiter = '|', textBlock = """
        {"access_token":"canary"}                       | INVALID_RESPONSE
        {"access_token":"canary","token_type":null}     | INVALID_RESPONSE
        {"access_token":"canary","token_type":""}       | INVALID_RESPONSE
        {"access_token":"canary","token_type":"bearer"} | TOKEN
        {"error":"invalid_grant"}                       | LOGIN
        """)
    void typeMustBeNamedWhereAnswersAreStrict(String body, String outcome) {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", "application/json");

        assertThat(Outcomes.of(
                        () -> read(new TokenResponse(STRICT, 200, headers, body.getBytes(StandardCharsets.UTF_8)))))
                .isEqualTo(outcome);
    }

    @ParameterizedTest(name = "{0}: {1} yields {2}")
    @CsvSource(textBlock = """
        B34, UTF-8, TOKEN
        B34, UTF-16, INVALID_RESPONSE
        B34, UTF-16LE, INVALID_RESPONSE
        B34, UTF-32, INVALID_RESPONSE
        B35, ISO-8859-1, INVALID_RESPONSE
        """)
    void areUtf8OrNothing(String id, String charset, String outcome) {
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
        Peer strict = new Peer("provider", URI.create("https://provider.test/token"), "", true);
        TokenRequest refresh = TokenRequest.refresh(strict, Encoding.FORM, Samples.REFRESH_TOKEN);

        Token token =
                read(new TokenResponse(refresh, 200, headers, Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8)));

        assertThat(token.refreshToken()).isEqualTo(RefreshToken.of("canary-rotated"));
    }

    @Test
    void b34_byteOrderMarkIsSkipped() {
        assertThat(outcome(200, "\uFEFF{\"access_token\":\"canary\"}")).isEqualTo("TOKEN");
    }

    @Test
    void b35_brokenUtf8IsRefused() {
        byte[] overlong = "{\"access_token\":\"canary\",\"note\":\"??\"}".getBytes(StandardCharsets.UTF_8);
        int at = new String(overlong, StandardCharsets.UTF_8).indexOf("??");
        overlong[at] = (byte) 0xC0;
        overlong[at + 1] = (byte) 0xAF;

        assertThat(Outcomes.of(() -> read(response(200, new DefaultHttpHeaders(), overlong))))
                .isEqualTo("INVALID_RESPONSE");
    }

    @Test
    void b38_compressionThatNobodyAskedForIsRefused() {
        HttpHeaders headers = new DefaultHttpHeaders().set("Content-Encoding", "gzip");

        assertThat(Outcomes.of(
                        () -> read(response(200, headers, Samples.TOKEN_RESPONSE.getBytes(StandardCharsets.UTF_8)))))
                .isEqualTo("INVALID_RESPONSE");
    }
}
