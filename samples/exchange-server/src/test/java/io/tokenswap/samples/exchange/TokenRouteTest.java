package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.CodeVerifier;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.http.Dialect;
import io.tokenswap.http.ExchangeServerEndpoint;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenRouteTest {

    private static final String FORM = "application/x-www-form-urlencoded";
    private static final String JSON = "application/json";
    private static final String REFRESHED = """
            {"access_token":"at-2","token_type":"Bearer","expires_in":3600}""";

    private final Exchange exchange = new Exchange();

    @AfterEach
    void stop() {
        exchange.close();
    }

    static Stream<Arguments> swaps() {
        return Stream.of(
                Arguments.of(
                        "SpotifyAPI-NET 5.1.1", "/", FORM, "grant_type=authorization_code&code={code}&refresh_token="),
                Arguments.of(
                        "documented",
                        "/swap",
                        JSON,
                        "{\"grant_type\":\"authorization_code\",\"code\":\"{code}\",\"redirect_uri\":\"http://localhost:4002/auth\"}"),
                Arguments.of("published, /swap", "/swap", FORM, "code={code}"),
                Arguments.of("published, /api/token", "/api/token", FORM, "code={code}"),
                Arguments.of("published, /api/token/", "/api/token/", FORM, "code={code}"),
                Arguments.of("published, /v1/swap", "/v1/swap", FORM, "code={code}"),
                Arguments.of("PHP", "/index.php", FORM, "grant_type=authorization_code&code={code}&refresh_token="),
                Arguments.of(
                        "one URI as JSON", "/", JSON, "{\"grant_type\":\"authorization_code\",\"code\":\"{code}\"}"),
                Arguments.of("published as JSON", "/api/token", JSON, "{\"code\":\"{code}\",\"refresh_token\":null}"),
                Arguments.of("documented as form", "/swap", FORM, "grant_type=authorization_code&code={code}"),
                Arguments.of("byte order mark", "/swap", JSON, "\uFEFF{\"code\":\"{code}\"}"),
                Arguments.of("charset named", "/swap", JSON + "; charset=UTF-8", "{\"code\":\"{code}\"}"));
    }

    @Tag("C24")
    @Tag("C71")
    @ParameterizedTest(name = "{0} swaps")
    @MethodSource("swaps")
    void swap(String dialect, String path, String contentType, String body) {
        HttpResponse<String> response = exchange.post(path, contentType, body.replace("{code}", exchange.code("AQ+1")));

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body())
                .isEqualTo(
                        "{\"access_token\":\"at-1\",\"token_type\":\"Bearer\",\"scope\":\"a b\",\"expires_in\":3600,\"refresh_token\":\"rt-1\"}");
        assertThat(exchange.provider.asked)
                .containsExactly(new FakeProvider.Asked(
                        "/api/token",
                        Map.of(
                                "grant_type", "authorization_code",
                                "code", "AQ+1",
                                "redirect_uri", exchange.server.uri() + "/callback"),
                        "Basic "
                                + Base64.getEncoder()
                                        .encodeToString(
                                                ("client:" + Exchange.SECRET).getBytes(StandardCharsets.UTF_8))));
    }

    static Stream<Arguments> refreshes() {
        return Stream.of(
                Arguments.of(
                        "SpotifyAPI-NET 5.1.1", "/", FORM, "grant_type=refresh_token&code=&refresh_token=Ng%3D%3D"),
                Arguments.of(
                        "documented",
                        "/refresh",
                        JSON,
                        "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"Ng==\"}"),
                Arguments.of("published, /refresh", "/refresh", FORM, "refresh_token=Ng%3D%3D"),
                Arguments.of("published, /v1/refresh/", "/v1/refresh/", FORM, "refresh_token=Ng%3D%3D"),
                Arguments.of("PHP", "/index.php/", FORM, "grant_type=refresh_token&code=&refresh_token=Ng%3D%3D"),
                Arguments.of("published, /api/refresh_token", "/api/refresh_token", FORM, "refresh_token=Ng=="),
                Arguments.of("published as JSON", "/api/refresh_token", JSON, "{\"refresh_token\":\"Ng==\"}"));
    }

    @Tag("C24")
    @Tag("C71")
    @ParameterizedTest(name = "{0} refreshes")
    @MethodSource("refreshes")
    void refresh(String dialect, String path, String contentType, String body) {
        exchange.provider.respondsWith(200, REFRESHED);

        HttpResponse<String> response = exchange.post(path, contentType, body);

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body())
                .isEqualTo("{\"access_token\":\"at-2\",\"token_type\":\"Bearer\",\"expires_in\":3600}");
        assertThat(exchange.provider.asked)
                .singleElement()
                .extracting(FakeProvider.Asked::form)
                .isEqualTo(Map.of("grant_type", "refresh_token", "refresh_token", "Ng=="));
    }

    @Test
    void aNewRefreshTokenIsHandedOn() {
        exchange.provider.respondsWith(200, "{\"access_token\":\"at-2\",\"refresh_token\":\"rt-2\"}");

        assertThat(exchange.form("/refresh", "refresh_token=rt-1").body())
                .isEqualTo("{\"access_token\":\"at-2\",\"token_type\":\"Bearer\",\"refresh_token\":\"rt-2\"}");
    }

    @ParameterizedTest(name = "our own client swaps and refreshes in the dialect {0}")
    @ValueSource(strings = {"documented", "one-uri", "published"})
    void ourOwnClient(String dialect) {
        URI uri = exchange.server.uri();
        TokenEndpoint client =
                ExchangeServerEndpoint.builder(uri).dialect(dialect(dialect)).build();
        CodeVerifier verifier = CodeVerifier.of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");

        Token token = client.swap(AuthorizationCode.of(
                        exchange.code("c", verifier),
                        URI.create("http://127.0.0.1:4002/auth"),
                        verifier,
                        Set.of("a", "b")))
                .block();
        exchange.provider.respondsWith(200, REFRESHED);
        Token next = client.refresh(token.refreshToken()).block();

        assertThat(token.scopes()).containsExactly("a", "b");
        assertThat(next.accessToken().secret()).isEqualTo("at-2");
        assertThat(next.refreshToken().secret()).isEqualTo("rt-1");
        assertThat(exchange.provider.asked.get(0).form()).containsEntry("code_verifier", verifier.secret());
    }

    @Tag("B115")
    @ParameterizedTest(name = "what our own client sends in the dialect {0} arrives as it is")
    @ValueSource(strings = {"documented", "one-uri", "published"})
    void valueOfAnyCharactersArrivesAsItIs(String dialect) {
        String value = "%2B+/=&% \"\\'{}?#~"; // all that codes and tokens may hold is printable ASCII
        TokenEndpoint client = ExchangeServerEndpoint.builder(exchange.server.uri())
                .dialect(dialect(dialect))
                .build();

        client.swap(AuthorizationCode.of(
                        exchange.code(value), URI.create("http://127.0.0.1:4002/auth"), null, Set.of()))
                .block();
        client.refresh(RefreshToken.of(value)).block();

        assertThat(exchange.provider.asked.get(0).form()).containsEntry("code", value);
        assertThat(exchange.provider.asked.get(1).form()).containsEntry("refresh_token", value);
    }

    private static Dialect dialect(String name) {
        return switch (name) {
            case "documented" -> Dialect.JSON;
            case "one-uri" -> Dialect.SINGLE_URI;
            default -> Dialect.FORM;
        };
    }

    @Test
    void theVerifierGoesToTheProvider() {
        String verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

        String code = exchange.code("c", CodeVerifier.of(verifier));

        exchange.json("/swap", "{\"code\":\"" + code + "\",\"code_verifier\":\"" + verifier + "\"}");

        assertThat(exchange.provider.asked)
                .singleElement()
                .satisfies(asked -> assertThat(asked.form()).containsEntry("code_verifier", verifier));
    }

    @Test
    @Tag("E39")
    void aRefusalThatTheProviderNeverSawDoesNotNameIt() {
        String stolen = exchange.code("c", CodeVerifier.of("v".repeat(43)));
        String swapped = "code=" + exchange.code("d");
        exchange.form("/swap", swapped);

        assertThat(exchange.form("/swap", "code=" + stolen + "&code_verifier=" + "w".repeat(43))
                        .body())
                .contains("\"invalid_grant\"", "The code_verifier is not the one of this code's login");
        assertThat(exchange.form("/swap", "code=AQD-foreign").body())
                .contains("\"invalid_grant\"", "was not issued here, or has expired");
        assertThat(exchange.form("/swap", swapped).body()).contains("\"invalid_grant\"", "This code was already used");
        assertThat(exchange.provider.asked).hasSize(1);
    }

    @Test
    void aVerifierThatCannotBeOneIsRefused() {
        assertRefused(exchange.form("/swap", "code=c&code_verifier=short"), 400, "invalid_request");
    }

    @Tag("C25")
    @ParameterizedTest(name = "the JSON {0} is refused")
    @ValueSource(
            strings = {
                "",
                "null",
                "\"code\"",
                "[]",
                "[{\"code\":\"c\"}]",
                "{\"code\":\"c\"",
                "{\"code\":\"c\",}",
                "{\"code\":\"c\"} {}",
                "{\"code\":\"c\"} x",
                "{'code':'c'}",
                "{\"code\":\"c\"/**/}",
                "{\"code\":\"c\",\"code\":\"d\"}",
                "{\"code\":\"c\",\"x\":\"1\",\"x\":\"1\"}",
                "{\"code\":1}",
                "{\"code\":true}",
                "{\"code\":[\"c\"]}",
                "{\"code\":{\"code\":\"c\"}}",
                "{\"code\":\"c\",\"x\":{\"y\":1}}",
                "{\"code\":\"c\",\"x\":[[[[[[[[]]]]]]]]}",
                "{\"code\":\"c\",\"code_verifier\":7}",
                "{\"code\":\"c\",\"redirect_uri\":false}",
                "{\"code\":null}",
                "{\"code\":\"\"}",
                "{\"code\":\"c\\u0000\"}",
                "{\"code\":\"c\\r\\nd\"}",
                "{\"code\":\"\\u00e9\"}"
            })
    void badJson(String body) {
        assertRefused(exchange.json("/swap", body), 400, "invalid_request");
    }

    @Tag("C26")
    @ParameterizedTest(name = "the form {0} is refused")
    @ValueSource(
            strings = {
                "code=c&code=c",
                "code=c&code=",
                "code=c&x=1&x=2",
                "code=c&%63ode=d",
                "code=%zz",
                "code=%",
                "code=c%0a"
            })
    void badForm(String body) {
        assertRefused(exchange.form("/swap", body), 400, "invalid_request");
    }

    @Tag("C27")
    @ParameterizedTest(name = "a body of the type {0} is refused")
    @ValueSource(
            strings = {"text/plain", "multipart/form-data; boundary=x", "application/jsonx", "application/xml", "*/*"})
    void badType(String type) {
        assertRefused(exchange.post("/swap", type, "code=c"), 415, "invalid_request");
    }

    @Test
    @Tag("C27")
    void aBodyOfNoTypeIsRefused() throws IOException {
        assertThat(exchange.raw(
                        "POST /swap HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nConnection: close\r\n\r\ncode=c"))
                .startsWith("HTTP/1.1 415 ");
        assertThat(exchange.provider.asked).isEmpty();
    }

    @ParameterizedTest(name = "a body with {0} gets {1}")
    @Tag("C27")
    @CsvSource(
            delimiter = '|',
            value = {
                "Content-Type: application/x-www-form-urlencoded~Content-Type: application/json|400",
                "Content-Type: application/x-www-form-urlencoded~Content-Encoding: gzip|415",
                "Content-Type: application/x-www-form-urlencoded~Content-Encoding: Identity|400"
            })
    void aBodyOfTwoTypesOrInACompressedFormIsRefused(String headers, int status) throws IOException {
        String response = exchange.raw("POST /swap HTTP/1.1\r\nHost: x\r\n" + headers.replace("~", "\r\n")
                + "\r\nContent-Length: 6\r\nConnection: close\r\n\r\ncode=c");

        assertThat(response).startsWith("HTTP/1.1 " + status + " ");
        assertThat(response.contains("invalid_grant")).isEqualTo(headers.contains("Identity"));
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Tag("C28")
    @ParameterizedTest(name = "parameters in the URL {0} are refused")
    @ValueSource(
            strings = {"/swap?code=c", "/?grant_type=authorization_code&code=c", "/refresh?refresh_token=r", "/swap?x"})
    void inTheUrl(String target) {
        assertRefused(exchange.form(target, "code=c&refresh_token=r"), 400, "invalid_request");
    }

    @Test
    @Tag("C30")
    void anotherCharsetIsRefused() throws IOException {
        for (String charset : List.of("iso-8859-1", "UTF-16", "\"latin1\"", "")) {
            assertRefused(
                    exchange.post("/swap", JSON + "; charset=" + charset, "{\"code\":\"c\"}"), 400, "invalid_request");
        }
        assertThat(exchange.raw("POST /swap HTTP/1.1\r\nHost: x\r\nContent-Type: " + JSON
                        + "\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{\"code\":\"\u00e9\u00e9\u00e9x\"} "))
                .startsWith("HTTP/1.1 400 ");
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Tag("C29")
    @ParameterizedTest(name = "a body of {0} bytes by Content-Length gets {1}")
    @CsvSource({"16384, 200", "16385, 413"})
    void bodyBound(int length, int status) {
        String body = "code=" + exchange.code("c") + "&x=";
        assertThat(exchange.form("/swap", body + "c".repeat(length - body.length()))
                        .statusCode())
                .isEqualTo(status);
        assertThat(exchange.provider.asked).hasSize(status == 200 ? 1 : 0);
    }

    @Test
    @Tag("C29")
    void chunksWithoutEndAreCutOff() throws IOException {
        String chunk = "1000\r\n" + "c".repeat(0x1000) + "\r\n";

        // Five chunks of 4 KiB and no last one: the response comes because of the bound alone.
        assertThat(exchange.raw("POST /swap HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM
                        + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk.repeat(5)))
                .startsWith("HTTP/1.1 413 ");
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Tag("C31")
    @ParameterizedTest(name = "{0} {1} is refused and {2} is offered")
    @CsvSource(
            delimiter = '|',
            value = {
                "GET|/swap|POST",
                "PUT|/swap|POST",
                "DELETE|/refresh|POST",
                "GET|/api/token|POST",
                "GET|/api/refresh_token|POST",
                "HEAD|/swap|POST",
                "PUT|/|GET, POST",
                "POST|/authorize|GET",
                "POST|/callback|GET"
            })
    void method(String method, String path, String allowed) {
        HttpResponse<String> response = exchange.send(method, path);

        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow")).contains(allowed);
    }

    @Tag("C32")
    @ParameterizedTest(name = "{0} with {1} gets {2}")
    @CsvSource({
        "/swap, grant_type=refresh_token&refresh_token=r&code=c, unsupported_grant_type",
        "/refresh, grant_type=authorization_code&code=c&refresh_token=r, unsupported_grant_type",
        "/swap, grant_type=password&code=c, unsupported_grant_type",
        "/, grant_type=client_credentials, unsupported_grant_type",
        "/, code=c, invalid_request",
        "/, grant_type=&code=c, invalid_request",
        "/, grant_type=authorization_code&code=&refresh_token=r, invalid_request",
        "/swap, refresh_token=r, invalid_request",
        "/refresh, code=c, invalid_request"
    })
    void grantType(String path, String body, String error) {
        assertRefused(exchange.form(path, body), 400, error);
    }

    @Test
    void theEndsOfTheGrantAndOfAnUnusedRefreshTokenArePassedOn() {
        exchange.provider.respondsWith(
                200,
                "{\"access_token\":\"at\",\"token_type\":\"bearer\",\"authorization_expires_in\":86400,\"refresh_token_timeout\":600}");

        HttpResponse<String> response = exchange.swap("c");

        assertThat(response.body())
                .isEqualTo(
                        "{\"access_token\":\"at\",\"token_type\":\"bearer\",\"authorization_expires_in\":86400,\"refresh_token_timeout\":600}");
    }

    @Test
    @Tag("C38")
    void aResponseHoldsTheKnownFieldsOnlyAndIsNotStored() {
        exchange.provider.respondsWith(
                200,
                "{\"access_token\":\"at\",\"token_type\":\"bearer\",\"expires_in\":\"60\",\"id_token\":\"x\",\"email\":\"y\"}");

        HttpResponse<String> response = exchange.swap("c");

        assertThat(response.body()).isEqualTo("{\"access_token\":\"at\",\"token_type\":\"bearer\",\"expires_in\":60}");
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(response.headers().firstValue("Pragma")).contains("no-cache");
        assertThat(response.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(response.headers().map()).doesNotContainKeys("server", "set-cookie", "x-powered-by");
    }

    @Test
    @Tag("C37")
    void whatGoesToTheProviderIsTheRedirectUriOfTheFirstHop() {
        for (String own : List.of("", "/", "/callback", "/authorize", "/swap")) {
            exchange.json(
                    "/swap",
                    "{\"code\":\"" + exchange.code("c" + own) + "\",\"redirect_uri\":\"" + exchange.server.uri() + own
                            + "\"}");
        }
        exchange.json(
                "/swap", "{\"code\":\"" + exchange.code("d") + "\",\"redirect_uri\":\"http://127.0.0.1:4002/auth\"}");
        exchange.json("/swap", "{\"code\":\"" + exchange.code("e") + "\",\"redirect_uri\":\"\"}");

        assertThat(exchange.provider.asked)
                .hasSize(7)
                .allSatisfy(asked ->
                        assertThat(asked.form()).containsEntry("redirect_uri", exchange.server.uri() + "/callback"));
    }

    @Tag("C39")
    @ParameterizedTest(name = "the redirect URI {0} is refused")
    @ValueSource(
            strings = {"https://evil.example/auth", "http://localhost:4002/auth/", "http://localhost:4003/auth", "x"})
    void foreignRedirectUri(String uri) {
        assertRefused(
                exchange.json("/swap", "{\"code\":\"" + exchange.code("c") + "\",\"redirect_uri\":\"" + uri + "\"}"),
                400,
                "invalid_grant");
    }

    @Test
    @Tag("C53")
    void aPreflightAllowsNothing() {
        HttpResponse<String> response = exchange.send(
                "OPTIONS", "/swap", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST");

        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control"));
        assertThat(exchange.post("/swap", FORM, "code=c", "Origin", "https://evil.example")
                        .headers()
                        .map()
                        .keySet())
                .noneMatch(name -> name.startsWith("access-control"));
    }

    @Tag("C67")
    @ParameterizedTest(name = "the path {0} does not exist")
    @ValueSource(
            strings = {
                "/SWAP",
                "//swap",
                "/%73wap",
                "/swap;x",
                "/x/../swap",
                "/./swap",
                "/swap%00",
                "/api",
                "/swap//",
                "/index.php5",
                "/v1",
                "/favicon.ico",
                "/.env",
                "*",
                "http://evil.example/swap"
            })
    void oddPath(String path) throws IOException {
        String response = exchange.raw("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM
                + "\r\nContent-Length: 6\r\nConnection: close\r\n\r\ncode=c");

        assertThat(response).startsWith("HTTP/1.1 404 ").contains("{\"error\":\"invalid_request\"");
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Test
    @Tag("C70")
    void noUrlOfAClientIsEverFetched() {
        try (FakeProvider bait = new FakeProvider()) {
            String uri = bait.uri("/bait").toString();

            exchange.get("/authorize?" + Exchange.AUTHORIZE + "&server_uri=" + uri + "&redirect_uri=" + uri);
            exchange.get("/authorize?" + Exchange.AUTHORIZE + "&request_uri=" + uri + "&jwks_uri=" + uri);
            exchange.json("/swap", "{\"code\":\"c\",\"redirect_uri\":\"" + uri + "\"}");
            exchange.json(
                    "/swap", "{\"code\":\"" + uri + "\",\"token_endpoint\":\"" + uri + "\",\"iss\":\"" + uri + "\"}");
            exchange.post("/swap", FORM, "code=c", "X-Forwarded-For", uri, "Origin", uri, "Referer", uri);

            assertThat(bait.asked).isEmpty();
            assertThat(exchange.provider.asked).isEmpty();
        }
    }

    private void assertRefused(HttpResponse<String> response, int status, String error) {
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(response.body()).startsWith("{\"error\":\"" + error + "\",\"error_description\":\"");
        assertThat(response.headers().firstValue("Content-Type")).contains(JSON);
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(exchange.provider.asked).isEmpty();
    }
}
