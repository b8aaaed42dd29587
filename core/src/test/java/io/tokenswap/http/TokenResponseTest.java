package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenResponseTest {

    private static final Peer PEER =
            new Peer("exchange server", URI.create("https://auth.example.com/swap?code=canary-key"), " Try ONE_URI.");
    private static final TokenRequest SWAP = TokenRequest.swap(PEER, Encoding.JSON, Samples.CODE);

    private static TokenResponse answer(int status, HttpHeaders headers, byte[] body) {
        return new TokenResponse(SWAP, status, headers, body);
    }

    private static Token read(int status, String body) {
        return read(answer(status, new DefaultHttpHeaders(), body.getBytes(StandardCharsets.UTF_8)));
    }

    private static Token read(TokenResponse response) {
        return response.token(Samples.NOW, Samples.NOW);
    }

    private static String outcome(int status, String body) {
        return Outcomes.of(() -> read(status, body));
    }

    private static TokenSwapException failure(int status, String body) {
        return catchThrowableOfType(TokenSwapException.class, () -> read(status, body));
    }

    @Test
    void aWordOfTheRfcIsNoEchoThoughTheRequestHoldsPartOfIt() {
        Token stranger = Samples.TOKEN.toBuilder().refreshToken("grant").build();
        TokenRequest request = TokenRequest.refresh(PEER, Encoding.FORM, stranger);
        byte[] body = "{\"error\":\"invalid_grant\"}".getBytes(StandardCharsets.UTF_8);

        assertThat(Outcomes.of(() -> read(new TokenResponse(request, 400, new DefaultHttpHeaders(), body))))
                .isEqualTo("LOGIN");
    }

    @Nested
    class BodiesOfStatus200 {

        @ParameterizedTest(name = "{0}: {2} yields {1}")
        @CsvSource(delimiter = '|', textBlock = """
            B01 | TOKEN    | {"access_token":"canary","token_type":"Bearer","expires_in":3600}
            B02 | LOGIN    | {"error":"invalid_grant"}
            B02 | CONFIG invalid_client | {"error":"invalid_client","error_description":"no such client"}
            B02 | UNKNOWN  | {"error":"temporarily_unavailable"}
            B02 | PROTOCOL | {"error":""}
            B02 | PROTOCOL | {"error":{"status":400,"message":"invalid"}}
            B03 | PROTOCOL | {"access_token":"canary","error":"invalid_grant"}
            B04 | PROTOCOL | <!doctype html><title>canary: sign in to the network</title>
            B05 | PROTOCOL | ''
            B05 | PROTOCOL | '  '
            B06 | PROTOCOL | ["access_token","canary"]
            B06 | PROTOCOL | "canary"
            B06 | PROTOCOL | 42
            B06 | PROTOCOL | null
            B07 | PROTOCOL | {}
            B07 | PROTOCOL | {"access_token":""}
            B07 | PROTOCOL | {"access_token":null}
            B07 | PROTOCOL | {"access_token":42}
            B07 | PROTOCOL | {"access_token":{"value":"canary"}}
            B08 | PROTOCOL | {"access_token":"canary\\r\\nX-Injected: yes"}
            B08 | PROTOCOL | {"access_token":"canary token"}
            B08 | PROTOCOL | {"access_token":"canary\\u0000"}
            B08 | PROTOCOL | {"access_token":"canary\\u007f"}
            B08 | PROTOCOL | {"access_token":"canary\\u00e9"}
            B10 | TOKEN    | {"access_token":"canary"}
            B10 | TOKEN    | {"access_token":"canary","token_type":null}
            B11 | TOKEN    | {"access_token":"canary","token_type":"bearer"}
            B11 | TOKEN    | {"access_token":"canary","token_type":"BEARER"}
            B12 | PROTOCOL | {"access_token":"canary","token_type":"mac"}
            B12 | PROTOCOL | {"access_token":"canary","token_type":"DPoP"}
            B12 | PROTOCOL | {"access_token":"canary","token_type":1}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":-1}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":"-1"}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":"NaN"}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":"an hour"}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":""}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":true}
            B18 | PROTOCOL | {"access_token":"canary","expires_in":[3600]}
            B22 | PROTOCOL | {"access_token":"canary","scope":7}
            B22 | PROTOCOL | {"access_token":"canary","scope":["a",7]}
            B26 | PROTOCOL | {"access_token":"canary","refresh_token":7}
            B28 | TOKEN    | {"access_token":"canary","unknown":{"deep":[1,2,{"er":null}]},"ok":true}
            B29 | PROTOCOL | {"access_token":"canary","access_token":"other"}
            B29 | PROTOCOL | {"access_token":"canary","extra":{"a":1,"a":2}}
            B36 | PROTOCOL | {"access_token":"canary"} trailing
            B36 | PROTOCOL | {"access_token":"canary"}{"access_token":"other"}
            B36 | PROTOCOL | {"access_token":"canary"/* comment */}
            B36 | PROTOCOL | {"access_token":"canary","expires_in":NaN}
            B36 | PROTOCOL | {"access_token":"canary",}
            B36 | PROTOCOL | {"access_token":"canary"
            B37 | PROTOCOL | access_token=canary&token_type=bearer
            """)
        void haveOneOutcome(String id, String outcome, String body) {
            assertThat(outcome(200, body)).isEqualTo(outcome);
        }

        @Test
        void b09_accessTokenOfMoreThan16KibIsRefused() {
            assertThat(outcome(200, "{\"access_token\":\"" + "x".repeat(16 * 1024) + "\"}"))
                    .isEqualTo("TOKEN");
            assertThat(outcome(200, "{\"access_token\":\"" + "x".repeat(16 * 1024 + 1) + "\"}"))
                    .isEqualTo("PROTOCOL");
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
            assertThat(read(200, body).refreshToken()).isEqualTo(refreshToken);
        }

        @Test
        void refreshTokenWithLineBreaksIsKeptAsItIs() {
            // Ruby's exchange servers encrypt the refresh token and wrap its base64 after 60 characters.
            assertThat(read(200, "{\"access_token\":\"canary\",\"refresh_token\":\"can\\nary\\n\"}")
                            .refreshToken())
                    .isEqualTo("can\nary\n");
        }

        @Test
        void b30_32LevelsAreReadAndMoreAreRefused() {
            assertThat(outcome(200, nested(31))).isEqualTo("TOKEN");
            assertThat(outcome(200, nested(32))).isEqualTo("PROTOCOL");
            assertThat(Outcomes.of(() -> read(200, nested(30_000)))).isEqualTo("PROTOCOL");
            assertThat(Json.readObject(nested(100_000).getBytes(StandardCharsets.UTF_8)))
                    .isNull();
        }

        private String nested(int arrays) {
            return "{\"access_token\":\"canary\",\"a\":" + "[".repeat(arrays) + "]".repeat(arrays) + "}";
        }

        @ParameterizedTest(name = "B33: {0} is no hindrance")
        @ValueSource(
                strings = {
                    "application/json",
                    "application/json; charset=utf-8",
                    "application/problem+json",
                    "text/html",
                    "text/html; charset=iso-8859-1",
                    "multipart/form-data; boundary=x",
                    "nonsense"
                })
        void contentTypeIsNoHindrance(String contentType) {
            HttpHeaders headers = new DefaultHttpHeaders().set("Content-Type", contentType);

            assertThat(read(answer(200, headers, Samples.ANSWER.getBytes(StandardCharsets.UTF_8)))
                            .accessToken())
                    .isEqualTo("canary-new");
        }

        @ParameterizedTest(name = "{0}: {1} yields {2}")
        @CsvSource(textBlock = """
            B34, UTF-8, TOKEN
            B34, UTF-16, PROTOCOL
            B34, UTF-16LE, PROTOCOL
            B34, UTF-32, PROTOCOL
            B35, ISO-8859-1, PROTOCOL
            """)
        void areUtf8OrNothing(String id, String charset, String outcome) {
            byte[] body = "{\"access_token\":\"canary\",\"note\":\"caf\u00e9\"}".getBytes(Charset.forName(charset));

            assertThat(Outcomes.of(() -> read(answer(200, new DefaultHttpHeaders(), body))))
                    .isEqualTo(outcome);
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

            assertThat(Outcomes.of(() -> read(answer(200, new DefaultHttpHeaders(), overlong))))
                    .isEqualTo("PROTOCOL");
        }

        @Test
        void b38_compressionThatNobodyAskedForIsRefused() {
            HttpHeaders headers = new DefaultHttpHeaders().set("Content-Encoding", "gzip");

            assertThat(Outcomes.of(() -> read(answer(200, headers, Samples.ANSWER.getBytes(StandardCharsets.UTF_8)))))
                    .isEqualTo("PROTOCOL");
        }
    }

    @Nested
    class OtherStatuses {

        @ParameterizedTest(name = "{0}: {1} {3} yields {2}")
        @CsvSource(delimiter = '|', textBlock = """
            B39 | 400 | LOGIN | {"error":"invalid_grant","error_description":"Refresh token revoked"}
            B39 | 401 | LOGIN | {"error":"invalid_grant"}
            B39 | 403 | LOGIN | {"error":"invalid_grant"}
            B40 | 400 | CONFIG invalid_request        | {"error":"invalid_request"}
            B40 | 400 | CONFIG invalid_scope          | {"error":"invalid_scope"}
            B40 | 400 | CONFIG unauthorized_client    | {"error":"unauthorized_client"}
            B40 | 400 | CONFIG unsupported_grant_type | {"error":"unsupported_grant_type"}
            B40 | 400 | CONFIG invalid refresh_token  | {"error":"invalid refresh_token"}
            B40 | 400 | CONFIG invalid_error          | {"error":"inv\\u00e4lid"}
            B41 | 401 | CONFIG invalid_client         | {"error":"invalid_client"}
            B42 | 400 | REJECTED | <html>canary</html>
            B42 | 400 | REJECTED | ''
            B42 | 400 | REJECTED | {"error":{"message":"invalid_grant"}}
            B42 | 400 | REJECTED | {"error":"invalid_grant","error":"invalid_grant"}
            B42 | 400 | REJECTED | error=invalid_grant
            B43 | 401 | REJECTED | ''
            B43 | 403 | REJECTED | ''
            B43 | 404 | REJECTED | ''
            B43 | 405 | REJECTED | ''
            B43 | 410 | REJECTED | ''
            B43 | 413 | REJECTED | ''
            B43 | 415 | REJECTED | ''
            B43 | 418 | REJECTED | ''
            B44 | 408 | UNKNOWN  | ''
            B44 | 408 | UNKNOWN  | {"error":"invalid_grant"}
            B44 | 425 | NOT_SENT | {"error":"invalid_grant"}
            B45 | 429 | THROTTLED | ''
            B45 | 429 | THROTTLED | {"error":"invalid_grant"}
            B48 | 500 | UNKNOWN  | ''
            B48 | 502 | UNKNOWN  | <html>canary</html>
            B48 | 503 | UNKNOWN  | {"error":"temporarily_unavailable"}
            B48 | 504 | UNKNOWN  | {"error":"invalid_grant"}
            B48 | 500 | UNKNOWN  | {"error":"server_error"}
            B48 | 400 | UNKNOWN  | {"error":"temporarily_unavailable"}
            B48 | 503 | NOT_SENT | {"error":"temporarily_unavailable","processed":"no"}
            B48 | 504 | UNKNOWN  | {"error":"temporarily_unavailable","processed":"unknown"}
            B50 | 301 | REJECTED | ''
            B50 | 302 | REJECTED | ''
            B50 | 303 | REJECTED | ''
            B50 | 307 | REJECTED | ''
            B50 | 308 | REJECTED | {"access_token":"canary"}
            B51 | 101 | PROTOCOL | ''
            B51 | 206 | PROTOCOL | {"access_token":"canary"}
            B51 | 299 | PROTOCOL | {"access_token":"canary"}
            B51 | 600 | PROTOCOL | {"error":"invalid_grant"}
            B51 | 999 | PROTOCOL | {"access_token":"canary"}
            B52 | 201 | PROTOCOL | {"access_token":"canary"}
            B52 | 202 | PROTOCOL | {"access_token":"canary"}
            B52 | 204 | PROTOCOL | ''
            """)
        void haveOneOutcome(String id, int status, String outcome, String body) {
            assertThat(outcome(status, body)).isEqualTo(outcome);
        }

        @Test
        void errorOfTheServerIsInFields() {
            OAuthErrorException error = (OAuthErrorException) failure(
                    400, "{\"error\":\"invalid_scope\",\"error_description\":\"no\\u001b[31m such \\\"scope\"}");

            assertThat(error.error()).isEqualTo("invalid_scope");
            assertThat(error.description()).isEqualTo("no[31m such scope");
            assertThat(error.status()).isEqualTo(400);
        }

        @ParameterizedTest(name = "B111: a secret of the request in {0} is dropped")
        @ValueSource(
                strings = {
                    "{\"error\":\"invalid_grant\",\"error_description\":\"bad code canary-code+/=&%!\"}",
                    "{\"error\":\"no such code: canary-code+/=&%\"}",
                    "{\"error\":\"invalid_grant\",\"error_description\":\"canary-verifier-0123456789-0123456789-0123456789\"}"
                })
        void secretThatTheServerRepeatsIsDropped(String body) {
            OAuthErrorException error = (OAuthErrorException) failure(400, body);

            assertThat(error.description()).isNull();
            assertThat(error.error()).doesNotContain(Samples.CANARY);
            assertThat(error).hasMessageNotContaining(Samples.CANARY);
        }

        @ParameterizedTest(name = "{0} {1}: the message holds nothing of the body and nothing of the query")
        @CsvSource(delimiter = '|', textBlock = """
            200 | <html>canary
            200 | {"access_token":"canary x"}
            200 | {"access_token":"x","token_type":"canary"}
            200 | {"access_token":"x","expires_in":"canary"}
            200 | {"access_token":"x", canary}
            400 | canary
            400 | {"error":"invalid_grant","error_description":"canary"}
            404 | canary
            429 | canary
            500 | {"error":"canary"}
            600 | canary
            """)
        void b111_bodyStaysOutOfMessages(int status, String body) {
            TokenSwapException failure = failure(status, body);

            assertThat(failure).hasMessageNotContaining(Samples.CANARY).hasNoCause();
            assertThat(failure.getSuppressed()).isEmpty();
        }

        @ParameterizedTest(name = "{0} points at the dialect: {1}")
        @CsvSource(textBlock = """
            302, true
            400, true
            404, true
            405, true
            415, true
            401, false
            403, false
            413, false
            """)
        void refusalThatAnotherDialectMayExplainSaysSo(int status, boolean hint) {
            RequestRejectedException rejected = (RequestRejectedException) failure(status, "");

            assertThat(rejected.status()).isEqualTo(status);
            assertThat(rejected.getMessage())
                    .startsWith("The exchange server at https://auth.example.com/swap refused");
            assertThat(rejected.getMessage().endsWith(" Try ONE_URI.")).isEqualTo(hint);
        }

        @ParameterizedTest(name = "{0} {1} points at the dialect: {2}")
        @CsvSource(textBlock = """
            400, invalid_request, true
            400, unsupported_grant_type, true
            200, invalid_request, true
            400, invalid_grant, false
            400, invalid_scope, false
            401, invalid_client, false
            """)
        void oauthErrorThatAnotherDialectMayExplainSaysSo(int status, String error, boolean hint) {
            OAuthErrorException answer = (OAuthErrorException) failure(status, "{\"error\":\"" + error + "\"}");

            assertThat(answer.getMessage().endsWith(". Try ONE_URI.")).isEqualTo(hint);
            assertThat(answer.getMessage())
                    .startsWith("The server answered " + error)
                    .doesNotEndWith(" ");
        }
    }

    @Nested
    class RetryAfterHeader {

        @ParameterizedTest(name = "{0}: {1} with Retry-After {2} waits {3}")
        @CsvSource(delimiter = '|', textBlock = """
            B45 | 429 | 5                              | PT5S
            B45 | 429 | 0                              | PT0S
            B46 | 429 | Mon, 23 Nov 2026 10:01:00 GMT  | PT1M
            B46 | 429 | Monday, 23-Nov-26 10:01:00 GMT | PT1M
            B46 | 429 | Mon Nov 23 10:01:00 2026       | PT1M
            B46 | 429 | Mon, 23 Nov 2026 09:00:00 GMT  | PT0S
            B47 | 429 |                                |
            B47 | 429 | -5                             |
            B47 | 429 | 1.5                            |
            B47 | 429 | soon                           |
            B47 | 429 | 86400                          | P1D
            B47 | 429 | 864000                         | P1D
            B47 | 429 | 99999999999999999999999        | P1D
            B47 | 429 | Mon, 23 Nov 2099 10:00:00 GMT  | P1D
            B48 | 503 | 5                              | PT5S
            """)
        void saysWhenToTryAgain(String id, int status, String value, Duration wait) {
            HttpHeaders headers = new DefaultHttpHeaders();
            if (value != null) {
                headers.set("Retry-After", value);
            }

            TokenUnavailableException throttled = catchThrowableOfType(
                    TokenUnavailableException.class, () -> read(answer(status, headers, new byte[0])));

            assertThat(throttled.reason()).isEqualTo(TokenUnavailableException.Reason.THROTTLED);
            assertThat(throttled.retryAt()).isEqualTo(wait == null ? null : Samples.NOW.plus(wait));
        }
    }

    @Test
    void requestAndResponsePrintNoSecret() {
        assertThat(SWAP.toString()).doesNotContain(Samples.CANARY);
        assertThat(Set.of(SWAP, PEER).toString()).doesNotContain(Samples.CANARY);
    }
}
