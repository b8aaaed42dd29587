package io.tokenswap.samples.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Accepted authorization requests, and their destinations. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AuthorizationRequestTest {

    private DemoProvider provider;
    private TestApplication application;

    @BeforeAll
    void start() {
        provider = TestApplication.provider().autoApprove(true).start();
        application = new TestApplication(provider);
    }

    @AfterAll
    void stop() {
        provider.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:1/callback/",
                "http://127.0.0.1:2/callback",
                "http://127.0.0.1:1/callback?x=y",
                "http://127.0.0.1:1/callback#x",
                "http://localhost:1/callback",
                "http://evil.example/callback",
                ""
            })
    void anUnregisteredRedirectUriIsAnErrorPageAndNotARedirect(String redirectUri) throws Exception {
        HttpResponse<String> response = open(Map.of("redirect_uri", redirectUri));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.headers().firstValue("Location")).isEmpty();
        assertThat(response.body()).contains("redirect_uri");
    }

    @Test
    void anUnknownClientIsAnErrorPageAndNotARedirect() throws Exception {
        HttpResponse<String> response = open(Map.of("client_id", "<script>"));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).doesNotContain("<script>");
    }

    @Test
    void anUnknownScopeIsSentBackAsAnError() throws Exception {
        assertThat(back(Map.of("scope", "user-read-private launch-missiles")))
                .containsEntry("error", "invalid_scope")
                .containsEntry("state", TestApplication.STATE);
    }

    @Test
    void approvalByItselfIgnoresShowDialogAndUnknownParameters() throws Exception {
        assertThat(back(Map.of("show_dialog", "true", "utm_source", "x"))).containsKey("code");
    }

    @Test
    void theStateComesBackAsItWas() throws Exception {
        for (String state : List.of("0a1b2c3d", "~-._ +/=&%C3%A9é", "x".repeat(512))) {
            assertThat(back(Map.of("state", state))).containsEntry("state", state);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "http://127.0.0.1/auth,      http://127.0.0.1:4002/auth,  true",
        "http://127.0.0.1/auth,      http://127.0.0.1/auth,       true",
        "http://[::1]/auth,          http://[::1]:4002/auth,      true",
        "http://127.0.0.1/auth,      http://127.0.0.1:4002/other, false",
        "http://127.0.0.1/auth,      http://127.0.0.1:x/auth,     false",
        "http://127.0.0.1/auth,      http://[::1]:4002/auth,      false",
        "http://127.0.0.1/auth,      https://127.0.0.1:4002/auth, false",
        "http://127.0.0.1:4002/auth, http://127.0.0.1:4003/auth,  false",
        "http://localhost/auth,      http://localhost:4002/auth,  false",
        "http://localhost:4002/auth, http://localhost:4002/auth,  true",
        "https://app.example/auth,   https://app.example:8443/auth, false"
    })
    void onlyALoopbackAddressWithoutAPortStandsForEveryPort(String registered, String asked, boolean allowed) {
        assertThat(new RegisteredRedirectUris(List.of(registered)).allows(asked))
                .isEqualTo(allowed);
    }

    @Test
    void aLoginAtAPortThatWasNotRegisteredGoesThroughToTheToken() throws Exception {
        try (DemoProvider anyPort = DemoProvider.builder()
                .redirectUris("http://127.0.0.1/auth")
                .autoApprove(true)
                .start()) {
            TestApplication other = new TestApplication(anyPort);
            Map<String, String> redirect = Map.of("redirect_uri", "http://127.0.0.1:40123/auth");

            assertThat(other.swap(other.code(redirect), redirect).statusCode()).isEqualTo(200);
        }
    }

    private HttpResponse<String> open(Map<String, String> changed) throws Exception {
        return new TestBrowser(provider).open(application.authorize(changed));
    }

    private Map<String, String> back(Map<String, String> changed) throws Exception {
        URI location = TestBrowser.location(open(changed));
        assertThat(location.toString()).startsWith(TestApplication.REDIRECT_URI + "?");
        return TestBrowser.query(location);
    }
}
