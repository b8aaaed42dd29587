package io.tokenswap.http;

import static io.tokenswap.http.Samples.CODE;
import static io.tokenswap.http.Samples.NOW;
import static io.tokenswap.http.Samples.REFRESH_TOKEN;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.internal.UrlEncoded;
import io.tokenswap.testing.Effort;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Rules for every response of a server, with any status, headers and body.
 *
 * <pre>
 * 400
 * Retry-After: 5
 *
 * {"error": "invalid_grant"}
 * </pre>
 */
final class AnyResponse {

    private static final TokenServer PEER =
            new TokenServer("server", URI.create("https://exchange.test/swap"), " Is it the dialect?");
    private static final Map<TokenRequest, List<String>> SECRETS = Map.of(
            TokenRequest.swap(PEER, Encoding.FORM, CODE),
            List.of(
                    CODE.secret(),
                    Objects.requireNonNull(CODE.codeVerifier()).secret(),
                    UrlEncoded.encodeForm(CODE.secret())),
            TokenRequest.refresh(PEER, Encoding.JSON, REFRESH_TOKEN),
            List.of(REFRESH_TOKEN.secret(), UrlEncoded.encodeForm(REFRESH_TOKEN.secret())));

    /** Too short to be a secret, and so likely to stand in any text. */
    private static final int NO_SECRET = 12;

    private AnyResponse() {}

    /** Good responses, in the forms that servers send. */
    static List<String> seeds() {
        return List.of(
                "200\nContent-Type: application/json\n\n" + Samples.TOKEN_RESPONSE,
                "200\n\n{\"access_token\":\"a1\",\"expires_in\":\"3600.5\",\"scope\":[\"a\",\"b c\"],\"token_type\":\"bearer\"}",
                "200\n\n{\"access_token\":\"a1\",\"expires_in\":1.5e3,\"refresh_token\":\"\\ud83c\\udfb5\",\"x\":{\"y\":[null,true]}}",
                "200\nContent-Encoding: gzip\n\n\u001f\u008b",
                "200\n\n{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token canary-refresh+/=&% revoked\"}",
                "400\n\n{\"error\":\"invalid_grant\",\"error_description\":\"Code canary-code%2B%2F%3D%26%25 is used\"}",
                "401\nWWW-Authenticate: Basic\n\n{\"error\":\"invalid_client\"}",
                "302\nLocation: https://portal.test/\n\n<html>Sign in</html>",
                "429\nRetry-After: 5\n\n",
                "503\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\n\n{\"processed\":\"no\"}",
                "503\nRetry-After: Friday, 31-Dec-99 23:59:59 GMT\n\n",
                "503\nRetry-After: Fri Dec 31 23:59:59 1999\n\n");
    }

    /** A token, or one of the declared exceptions, without a secret of the request. */
    static void check(byte[] input, Effort effort) {
        String text = new String(input, StandardCharsets.ISO_8859_1);
        int headEnd = text.indexOf("\n\n");
        String[] head = (headEnd < 0 ? text : text.substring(0, headEnd)).split("\n", -1);
        byte[] body = headEnd < 0 ? new byte[0] : text.substring(headEnd + 2).getBytes(StandardCharsets.ISO_8859_1);
        SECRETS.forEach((request, secrets) ->
                check(effort, new TokenResponse(request, status(head[0]), headers(head), body), secrets));
    }

    private static int status(String line) {
        return line.matches("[1-9][0-9]{2}") ? Integer.parseInt(line) : 200;
    }

    private static HttpHeaders headers(String[] head) {
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        for (int i = 1; i < head.length; i++) {
            int colon = head[i].indexOf(':');
            if (colon > 0) {
                headers.add(
                        head[i].substring(0, colon),
                        head[i].substring(colon + 1).strip());
            }
        }
        return headers;
    }

    private static void check(Effort effort, TokenResponse response, List<String> secrets) {
        Object outcome = effort.of(() -> outcome(response));
        if (outcome instanceof TokenSwapException failure) {
            check(failure, secrets);
        } else if (outcome instanceof Token token) {
            check(token);
        }
    }

    private static Object outcome(TokenResponse response) {
        try {
            return response.token(NOW, NOW.plusSeconds(1));
        } catch (TokenSwapException declared) {
            return declared;
        }
    }

    private static void check(TokenSwapException failure, List<String> secrets) {
        assertThat(failure.getCause()).isNull();
        assertThat(secrets).noneMatch(failure.toString()::contains);
        if (failure instanceof OAuthErrorException error) {
            assertThat(secrets).noneMatch(error.error()::contains);
            assertThat(secrets).noneMatch(Objects.requireNonNullElse(error.description(), "")::contains);
        }
        if (failure instanceof TokenUnavailableException unavailable && unavailable.retryAt() != null) {
            assertThat(unavailable.retryAt())
                    .isBetween(NOW.plusSeconds(1), NOW.plusSeconds(1).plus(Duration.ofDays(1)));
        }
    }

    private static void check(Token token) {
        assertThat(token.accessToken().secret()).matches("[\\x21-\\x7E]{1,16384}");
        assertThat(token.tokenType()).isEqualToIgnoringCase("Bearer");
        assertThat(token.scopes()).noneMatch(scope -> scope.isEmpty() || scope.indexOf(' ') >= 0);
        if (token.expiresAt() != null) {
            assertThat(token.expiresAt()).isBetween(NOW, NOW.plus(Duration.ofDays(36_500)));
        }
        String printed = token.toString();
        if (token.accessToken().secret().length() >= NO_SECRET) {
            assertThat(printed.replace(token.scopes().toString(), ""))
                    .doesNotContain(token.accessToken().secret());
        }
        // What the next refresh sends is what the server has given, in both encodings.
        if (token.refreshToken() != null) {
            EncodingProperties.check(token.refreshToken().secret());
        }
    }
}
