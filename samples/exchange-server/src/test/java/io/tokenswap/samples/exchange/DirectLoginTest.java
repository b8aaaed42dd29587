package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Codes of logins for which the application went to the provider itself. */
@Tag("E62")
class DirectLoginTest {

    private static final String VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    private final Exchange exchange = new Exchange(Map.of(
            "DIRECT_REDIRECT_URIS", "http://127.0.0.1/auth,https://app.example/auth", "SEAL_KEYS", Exchange.KEY));

    @AfterEach
    void stop() {
        exchange.close();
    }

    @Test
    void theProviderGetsTheRedirectUriAndTheVerifierOfTheApplication() {
        HttpResponse<String> json = exchange.json(
                "/swap",
                "{\"code\":\"AQDc\",\"redirect_uri\":\"http://127.0.0.1:53124/auth\",\"code_verifier\":\"" + VERIFIER
                        + "\"}");
        HttpResponse<String> form = exchange.form("/swap", "code=AQDd&redirect_uri=https%3A%2F%2Fapp.example%2Fauth");

        assertThat(json.statusCode()).isEqualTo(200);
        assertThat(form.statusCode()).isEqualTo(200);
        assertThat(exchange.provider.asked.get(0).form())
                .containsEntry("code", "AQDc")
                .containsEntry("redirect_uri", "http://127.0.0.1:53124/auth")
                .containsEntry("code_verifier", VERIFIER);
        assertThat(exchange.provider.asked.get(1).form())
                .containsEntry("redirect_uri", "https://app.example/auth")
                .doesNotContainKey("code_verifier");
        assertThat(json.body()).doesNotContain("rt-1");
    }

    @Test
    void aBodyWithoutARedirectUriMeansTheFirstOfTheList() {
        exchange.form("/swap", "code=AQDc");

        assertThat(exchange.provider.asked.get(0).form()).containsEntry("redirect_uri", "http://127.0.0.1/auth");
    }

    @ParameterizedTest(name = "the redirect URI {0} is refused")
    @ValueSource(
            strings = {
                "http://127.0.0.1:1/auth/",
                "http://localhost:1/auth",
                "https://app.example:8443/auth",
                "https://evil.example/auth"
            })
    void otherRedirectUris(String uri) {
        HttpResponse<String> response = exchange.json("/swap", "{\"code\":\"AQDc\",\"redirect_uri\":\"" + uri + "\"}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).startsWith("{\"error\":\"invalid_grant\"");
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Test
    void theOperatorLearnsTheLikelyCausesOfARefusedCode() {
        exchange.provider.respondsWith(400, "{\"error\":\"invalid_grant\"}");
        try (LogLines lines = new LogLines()) {
            exchange.form("/swap", "code=AQDc");

            assertThat(lines.forOperator()).singleElement().asString().contains("the redirect URI or the code");
        }
    }

    @Test
    void aRedirectUriWithAPrivateUseSchemeIsSwapped() {
        try (Exchange phones =
                new Exchange(Map.of("DIRECT_REDIRECT_URIS", "com.example.app:/callback,my-ios-app://login-callback"))) {
            phones.form("/swap", "code=AQDc");
            phones.form("/swap", "code=AQDd&redirect_uri=my-ios-app%3A%2F%2Flogin-callback");
            assertThat(phones.form("/swap", "code=AQDe&redirect_uri=my-ios-app%3A%2F%2Fother")
                            .statusCode())
                    .isEqualTo(400);

            assertThat(phones.provider.asked)
                    .extracting(asked -> asked.form().get("redirect_uri"))
                    .containsExactly("com.example.app:/callback", "my-ios-app://login-callback");
        }
    }

    @Test
    void aCodeOfThisServersOwnHopKeepsItsRedirectUri() {
        exchange.form("/swap", "code=" + exchange.code("c") + "&redirect_uri=http%3A%2F%2Flocalhost%3A4002%2Fauth");

        assertThat(exchange.provider.asked.get(0).form())
                .containsEntry("code", "c")
                .containsEntry("redirect_uri", exchange.server.uri() + "/callback");
    }

    @Test
    void anExpiredCodeOfThisServerIsNotTakenForADirectOne() {
        String code = exchange.code("c");
        exchange.now = exchange.now.plusSeconds(61);

        assertThat(exchange.form("/swap", "code=" + code).statusCode()).isEqualTo(400);
        assertThat(exchange.provider.asked).isEmpty();
    }

    @Test
    void withoutTheListThereAreNoDirectLogins() {
        try (Exchange closed = new Exchange()) {
            assertThat(closed.form("/swap", "code=AQDc").body()).startsWith("{\"error\":\"invalid_grant\"");
            assertThat(closed.provider.asked).isEmpty();
        }
    }
}
