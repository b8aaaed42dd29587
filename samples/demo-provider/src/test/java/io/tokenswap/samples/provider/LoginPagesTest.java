package io.tokenswap.samples.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The way of a browser through sign-in and consent. */
class LoginPagesTest {

    private DemoProvider provider;
    private TestApplication application;
    private TestBrowser browser;

    @BeforeEach
    void start() {
        provider = TestApplication.provider().start();
        application = new TestApplication(provider);
        browser = new TestBrowser(provider);
    }

    @AfterEach
    void stop() {
        provider.close();
    }

    @Test
    void signInAndConsentLeadBackWithACodeThatCanBeSwapped() throws Exception {
        HttpResponse<String> signIn = browser.open(application.authorize(Map.of()));
        assertThat(signIn.body()).contains("id=\"username\"", "id=\"password\"", "id=\"sign-in\"");

        HttpResponse<String> consent = browser.submit(signIn, Map.of());
        assertThat(consent.body())
                .contains("id=\"allow\"", "id=\"deny\"", "user-read-private", "user-read-email", "127.0.0.1:1");

        URI back = TestBrowser.location(browser.submit(consent, Map.of("decision", "allow")));
        assertThat(back.toString()).startsWith(TestApplication.REDIRECT_URI + "?");
        assertThat(TestBrowser.query(back)).containsEntry("state", TestApplication.STATE);
        String code = TestBrowser.query(back).get("code");
        assertThat(application.swap(code, Map.of()).statusCode()).isEqualTo(200);
    }

    @Test
    void aWrongPasswordAsksAgain() throws Exception {
        HttpResponse<String> signIn = browser.open(application.authorize(Map.of()));

        HttpResponse<String> again = browser.submit(signIn, Map.of("password", "guess"));

        assertThat(again.body()).contains("role=\"alert\"", "id=\"sign-in\"");
    }

    @Test
    void cancelLeadsBackWithAccessDeniedAndTheState() throws Exception {
        HttpResponse<String> consent = browser.submit(browser.open(application.authorize(Map.of())), Map.of());

        URI back = TestBrowser.location(browser.submit(consent, Map.of("decision", "deny")));

        assertThat(back.toString()).startsWith(TestApplication.REDIRECT_URI + "?");
        assertThat(TestBrowser.query(back))
                .containsExactlyInAnyOrderEntriesOf(Map.of("error", "access_denied", "state", TestApplication.STATE));
    }

    @Test
    void consentIsAskedOnceForTheSameScopes() throws Exception {
        allow(Map.of());

        assertThat(TestBrowser.query(TestBrowser.location(browser.open(application.authorize(Map.of())))))
                .containsKey("code");
        assertThat(browser.open(application.authorize(Map.of("scope", "streaming")))
                        .body())
                .contains("id=\"allow\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "True"})
    void showDialogAsksAgainAndCancelThenStillDenies(String showDialog) throws Exception {
        allow(Map.of());

        HttpResponse<String> consent = browser.open(application.authorize(Map.of("show_dialog", showDialog)));
        URI back = TestBrowser.location(browser.submit(consent, Map.of("decision", "deny")));

        assertThat(TestBrowser.query(back)).containsEntry("error", "access_denied");
    }

    @Test
    void aRequestWithoutScopesCanBeAllowed() throws Exception {
        URI back = allow(Map.of("scope", ""));

        assertThat(TestBrowser.query(back)).containsKey("code");
    }

    @Test
    void aConsentPageWithoutARequestIsAnError() throws Exception {
        browser.submit(browser.open(application.authorize(Map.of())), Map.of());

        HttpResponse<String> response = browser.open(provider.uri().resolve("/consent?state=%3Cb%3E"));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("start again").doesNotContain("<b>", "Tomcat");
    }

    @Test
    void theBareAddressSaysWhatThisIs() throws Exception {
        assertThat(browser.open(provider.uri().resolve("/")).body()).contains("It runs");
    }

    @Test
    void anUnknownPathIsNotFound() throws Exception {
        HttpResponse<String> response = browser.open(provider.uri().resolve("/nothing"));

        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(response.body()).contains("no such page");
    }

    private URI allow(Map<String, String> changed) throws Exception {
        HttpResponse<String> consent = browser.submit(browser.open(application.authorize(changed)), Map.of());
        return TestBrowser.location(browser.submit(consent, Map.of("decision", "allow")));
    }
}
