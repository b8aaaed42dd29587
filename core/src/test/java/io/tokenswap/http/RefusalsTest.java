package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenSwapException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Responses of all other statuses. */
class RefusalsTest extends ResponseFixture {

    @ParameterizedTest(name = "{0} {2} yields {1}")
    @CsvSource(delimiter = '|', textBlock = """
        204 | INVALID_RESPONSE | ''
        400 | LOGIN | {"error":"invalid_grant","error_description":"Refresh token revoked"}
        401 | LOGIN | {"error":"invalid_grant"}
        403 | LOGIN | {"error":"invalid_grant"}
        400 | CONFIG invalid_request        | {"error":"invalid_request"}
        400 | CONFIG invalid_scope          | {"error":"invalid_scope"}
        400 | CONFIG unauthorized_client    | {"error":"unauthorized_client"}
        400 | CONFIG unsupported_grant_type | {"error":"unsupported_grant_type"}
        400 | CONFIG invalid refresh_token  | {"error":"invalid refresh_token"}
        400 | CONFIG invalid_error          | {"error":"inv\\u00e4lid"}
        401 | CONFIG invalid_client         | {"error":"invalid_client"}
        400 | REJECTED | <html>canary</html>
        400 | REJECTED | ''
        400 | REJECTED | {"error":{"message":"invalid_grant"}}
        400 | REJECTED | {"error":"invalid_grant","error":"invalid_grant"}
        400 | LOGIN    | error=invalid_grant
        401 | REJECTED | ''
        403 | REJECTED | ''
        404 | REJECTED | ''
        405 | REJECTED | ''
        410 | REJECTED | ''
        413 | REJECTED | ''
        415 | REJECTED | ''
        418 | REJECTED | ''
        408 | RESPONSE_LOST  | ''
        408 | RESPONSE_LOST  | {"error":"invalid_grant"}
        425 | NOT_SENT | {"error":"invalid_grant"}
        429 | THROTTLED | ''
        429 | THROTTLED | {"error":"invalid_grant"}
        500 | RESPONSE_LOST  | ''
        502 | RESPONSE_LOST  | <html>canary</html>
        503 | RESPONSE_LOST  | {"error":"temporarily_unavailable"}
        504 | RESPONSE_LOST  | {"error":"invalid_grant"}
        500 | RESPONSE_LOST  | {"error":"server_error"}
        599 | RESPONSE_LOST  | ''
        400 | RESPONSE_LOST  | {"error":"temporarily_unavailable"}
        503 | NOT_SENT | {"error":"temporarily_unavailable","processed":"no"}
        504 | RESPONSE_LOST  | {"error":"temporarily_unavailable","processed":"unknown"}
        300 | REJECTED | ''
        301 | REJECTED | ''
        302 | REJECTED | ''
        303 | REJECTED | ''
        307 | REJECTED | ''
        308 | REJECTED | {"access_token":"canary"}
        101 | INVALID_RESPONSE | ''
        206 | INVALID_RESPONSE | {"access_token":"canary"}
        299 | INVALID_RESPONSE | {"access_token":"canary"}
        600 | INVALID_RESPONSE | {"error":"invalid_grant"}
        999 | INVALID_RESPONSE | {"access_token":"canary"}
        201 | INVALID_RESPONSE | {"access_token":"canary"}
        202 | INVALID_RESPONSE | {"access_token":"canary"}
        204 | INVALID_RESPONSE | ''
        """)
    @Tag("B05")
    @Tag("B39")
    @Tag("B40")
    @Tag("B41")
    @Tag("B42")
    @Tag("B43")
    @Tag("B44")
    @Tag("B45")
    @Tag("B48")
    @Tag("B50")
    @Tag("B51")
    @Tag("B52")
    void haveOneOutcome(int status, String outcome, String body) {
        assertThat(Outcomes.of(() -> read(REFRESH, status, body))).isEqualTo(outcome);
    }

    @ParameterizedTest(name = "{1} says what to do: {2}")
    @CsvSource(delimiter = '|', textBlock = """
        400 | invalid_grant       | Start a new login
        400 | invalid_scope       | Check the configuration
        400 | unauthorized_client | Check the configuration
        401 | invalid_client      | Check the configuration of the exchange server: client id, secret
        """)
    @Tag("B39")
    @Tag("B40")
    @Tag("B41")
    void errorSaysWhatToDo(int status, String error, String remedy) {
        assertThat(failure(status, "{\"error\":\"" + error + "\"}"))
                .isInstanceOf(OAuthErrorException.class)
                .hasMessageContaining(remedy);
    }

    @ParameterizedTest(name = "{0} {1} means that the grant is dead")
    @CsvSource(delimiter = '|', textBlock = """
        200 | {"error":"bad_refresh_token"}
        200 | error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect
        400 | {"error":"bad_verification_code"}
        400 | {"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token"}
        401 | {"error":"refresh_token_not_found"}
        403 | {"error":"bad_refresh_token"}
        """)
    @Tag("E73")
    void aDeadGrantIsRecognizedInAnySpelling(int status, String body) {
        assertThat(Outcomes.of(() -> read(REFRESH, status, body))).isEqualTo("LOGIN");
    }

    @Test
    @Tag("E73")
    void aServerThatIsDownJudgesNoGrant() {
        assertThat(Outcomes.of(() -> read(REFRESH, 503, "{\"error\":\"bad_refresh_token\"}")))
                .isEqualTo("RESPONSE_LOST");
    }

    @Test
    @Tag("E39")
    void aRefusedCodeIsNoEndedGrant() {
        assertThatThrownBy(() -> read(SWAP, 400, "{\"error\":\"invalid_grant\"}"))
                .isInstanceOf(OAuthErrorException.class)
                .hasMessageContaining("The code was not accepted")
                .hasMessageContaining("Start a new login")
                .hasMessageNotContaining("grant has ended");
        assertThatThrownBy(() -> read(REFRESH, 400, "{\"error\":\"invalid_grant\"}"))
                .hasMessageContaining("The grant has ended: the user must sign in again");
    }

    @Test
    @Tag("E39")
    void aProviderIsNotCalledAnExchangeServer() {
        TokenServer provider = new TokenServer("provider", URI.create("https://provider.test/token"), "");
        TokenRequest refresh = TokenRequest.refresh(provider, Encoding.FORM, Samples.REFRESH_TOKEN);

        assertThatThrownBy(() -> read(refresh, 401, "{\"error\":\"invalid_client\"}"))
                .hasMessageEndingWith(
                        "Check the client id, secret, redirect URI and scopes, and how they are registered at the"
                                + " provider.");
        assertThatThrownBy(() -> read(refresh, 400, "{\"error\":\"invalid_grant\"}"))
                .hasMessageEndingWith("The grant has ended: the user must sign in again.");
    }

    @Test
    @Tag("E39")
    void aFailureInWordsOfTheServersOwnMayPass() {
        assertThat(failure(400, "{\"error\":\"invalid refresh_token\"}")).hasMessageContaining("try again later");
    }

    @Test
    @Tag("E39")
    void aThrottledRequestNamesItsTimeInOnePlaceOnly() {
        assertThat(failure(429, "")).hasMessageNotContaining("2026").hasMessageContaining("limits the rate");
    }

    @ParameterizedTest(name = "{0} {1} to a swap is no reason to send its code again")
    @CsvSource(delimiter = '|', textBlock = """
            425 | ''
            503 | {"error":"temporarily_unavailable","processed":"no"}
            500 | ''
            408 | ''
            """)
    @Tag("B49")
    void codeIsNotSentAgainThoughItWasNotProcessed(int status, String body) {
        assertThat(Outcomes.of(() -> read(SWAP, status, body))).isEqualTo("RESPONSE_LOST");
    }

    @ParameterizedTest(name = "{0} in the words of a framework is a refusal with a remedy: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            401 | {"status":401,"error":"Unauthorized"} | does it ask for an API key?
            403 | {"error":"Forbidden"}                 | does it ask for an API key?
            404 | {"status":404,"error":"Not Found","path":"/swap"} | check the URL. Try SINGLE_URI.
            415 | {"error":"Unsupported Media Type"}    | does not read that kind of body. Try SINGLE_URI.
            302 | {"error":"invalid_grant"}             | follows no redirect: check the URL. Try SINGLE_URI.
            """)
    @Tag("B43")
    void wordsOfAFrameworkAreNoErrorCode(int status, String body, String remedy) {
        assertThat(failure(status, body))
                .isInstanceOf(RequestRejectedException.class)
                .hasMessageEndingWith(remedy);
    }

    @Test
    void unknownErrorMayBeAnotherDialectsToo() {
        assertThat(failure(400, "{\"error\":\"Bad Request\"}"))
                .isInstanceOf(OAuthErrorException.class)
                .hasMessageEndingWith(" Try SINGLE_URI.");
        assertThat(failure(404, "{\"error\":\"no_route\"}"))
                .isInstanceOf(OAuthErrorException.class)
                .hasMessageEndingWith(" Try SINGLE_URI.");
    }

    @Test
    void errorOfTheServerIsInFields() {
        OAuthErrorException error = (OAuthErrorException)
                failure(400, "{\"error\":\"invalid_scope\",\"error_description\":\"no\\u001b[31m such \\\"scope\"}");

        assertThat(error.error()).isEqualTo("invalid_scope");
        assertThat(error.description()).isEqualTo("no[31m such scope");
        assertThat(error.status()).isEqualTo(400);
    }

    @ParameterizedTest(name = "a secret of the request in {0} is dropped")
    @ValueSource(
            strings = {
                "{\"error\":\"invalid_grant\",\"error_description\":\"bad code canary-code+/=&%!\"}",
                "{\"error\":\"invalid_grant\",\"error_description\":\"bad code canary-\\r\\ncode+\\\\/=&%!\"}",
                "{\"error\":\"invalid_grant\",\"error_description\":\"code=canary-code%2B%2F%3D%26%25&x=y\"}",
                "{\"error\":\"no such code: canary-code+/=&%\"}",
                "{\"error\":\"invalid_grant\",\"error_description\":\"canary-verifier-01234...\"}",
                "{\"error\":\"invalid_grant\",\"error_description\":\"...y-verifier-01234567...\"}",
                "{\"error\":\"invalid_grant\",\"error_description\":\"canary-verifier-0123456789-0123456789-0123456789\"}"
            })
    @Tag("B111")
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
    @Tag("B111")
    void bodyStaysOutOfMessages(int status, String body) {
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
        assertThat(rejected.getMessage()).startsWith("The exchange server at https://auth.example.com/swap refused");
        assertThat(rejected.getMessage().endsWith(" Try SINGLE_URI.")).isEqualTo(hint);
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
        OAuthErrorException response = (OAuthErrorException) failure(status, "{\"error\":\"" + error + "\"}");

        assertThat(response.getMessage().endsWith(". Try SINGLE_URI.")).isEqualTo(hint);
        assertThat(response.getMessage())
                .startsWith("The server responded with " + error)
                .doesNotEndWith(" ");
    }

    @Test
    void aWordOfTheRfcIsNoEchoThoughTheRequestHoldsPartOfIt() {
        TokenRequest request = TokenRequest.refresh(PEER, Encoding.FORM, RefreshToken.of("grant"));
        byte[] body = "{\"error\":\"invalid_grant\"}".getBytes(StandardCharsets.UTF_8);

        assertThat(Outcomes.of(() -> read(new TokenResponse(request, 400, new DefaultHttpHeaders(), body))))
                .isEqualTo("LOGIN");
    }

    @Test
    @Tag("B50")
    void onlyAStatusBelow400IsExplainedAsARedirect() {
        assertThat(failure(399, "")).hasMessageContaining("It redirects");
        assertThat(failure(400, "")).hasMessageNotContaining("redirects").hasMessageContaining("the server's log");
    }

    @Test
    void requestsAreDescribedWithoutTheirSecrets() {
        assertThat(SWAP).hasToString("TokenRequest[" + PEER + "]");
        assertThat(SWAP.describe()).isEqualTo("Swap at https://auth.example.com/swap");
        assertThat(REFRESH.describe())
                .isEqualTo(
                        "Refresh with [" + Samples.REFRESH_TOKEN.fingerprint() + "] at https://auth.example.com/swap");
    }

    @Test
    void requestAndResponsePrintNoSecret() {
        assertThat(SWAP.toString()).doesNotContain(Samples.CANARY);
        assertThat(Set.of(SWAP, PEER).toString()).doesNotContain(Samples.CANARY);
    }
}
