package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.callback.CallbackPage.Outcome;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@ExtendWith(NothingIsLeft.class)
class CallbackPageTest {

    private static final CallbackPage PAGE = CallbackPage.create();

    private static List<String> contents(String html, String element) {
        return Pattern.compile("<" + element + ">(.*?)</" + element + ">", Pattern.DOTALL)
                .matcher(html)
                .results()
                .map((MatchResult result) -> result.group(1))
                .toList();
    }

    private static String hash(String content) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
        return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A42")
    @EnumSource
    void thePolicyAllowsStyleAndScriptOfThePageAndNothingElse(Outcome outcome) throws Exception {
        PageResponse response = PAGE.response(outcome);
        String policy = response.headers().get("Content-Security-Policy");

        assertThat(contents(response.body(), "style")).hasSize(1);
        assertThat(contents(response.body(), "script")).hasSize(1);
        assertThat(policy)
                .startsWith("default-src 'none'; img-src data:; style-src ")
                .contains("style-src " + hash(contents(response.body(), "style").get(0)) + ";")
                .contains(
                        "script-src " + hash(contents(response.body(), "script").get(0)) + ";")
                .contains("frame-ancestors 'none'")
                .doesNotContain("unsafe", "http");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A42")
    @EnumSource
    void nothingComesFromOutside(Outcome outcome) {
        String html = PAGE.response(outcome).body();
        String icon = "<link rel=\"icon\" href=\"data:,\">";

        assertThat(html).as("else browsers ask for an icon").contains(icon);
        assertThat(html.replace(icon, "")).doesNotContain("http:", "https:", "//", "url(", "@import", "src=", "href=");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A40")
    @EnumSource
    void noPageCanBeFramed(Outcome outcome) {
        for (CallbackPage page : List.of(
                PAGE, PAGE.unsafeHtml(any -> "<p>"), PAGE.successUri(URI.create("https://app.example.com/done")))) {
            assertThat(page.response(outcome).headers().get("X-Frame-Options")).isEqualTo("DENY");
            assertThat(page.response(outcome).headers().get("Content-Security-Policy"))
                    .contains("frame-ancestors 'none'");
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A43")
    @EnumSource
    void theAddressBarIsCleaned(Outcome outcome) {
        assertThat(contents(PAGE.response(outcome).body(), "script").get(0))
                .startsWith("\nhistory.replaceState(null, '', location.pathname);".substring(1));
        // And without scripting the same text stands there: nothing is written by the script.
        assertThat(contents(PAGE.response(outcome).body(), "script").get(0)).doesNotContain("innerHTML", "write");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A44")
    @EnumSource
    void valuesAreEscaped(Outcome outcome) {
        String evil = "<img src=x onerror=\"a\">'&</style></script>";
        String html = PAGE.application(evil)
                .language("\"><b>")
                .text(outcome, evil, evil)
                .response(outcome)
                .body();

        assertThat(html)
                .doesNotContain("<img", "<b>", "onerror=\"")
                .contains("&lt;img src=x onerror=&quot;a&quot;&gt;&#39;&amp;&lt;/style&gt;&lt;/script&gt;");
        assertThat(contents(html, "style"))
                .isEqualTo(contents(PAGE.response(outcome).body(), "style"));
    }

    @Test
    @Tag("A44")
    void theHookThatIsNamedUnsafeIsTheOnlyWayToHtml() {
        String html = "<b>hello</b>";

        assertThat(PAGE.unsafeHtml(outcome -> html).response(Outcome.SIGNED_IN).body())
                .isEqualTo(html);
        assertThat(PAGE.text(Outcome.SIGNED_IN, html, html)
                        .application(html)
                        .language(html)
                        .response(Outcome.SIGNED_IN)
                        .body())
                .doesNotContain("<b>");
    }

    @Test
    void theApplicationIsNamed() {
        assertThat(PAGE.application("Night Radio").response(Outcome.SIGNED_IN).body())
                .contains("go back to Night Radio.", "<title>You are signed in · Night Radio</title>");
    }

    @Test
    void eachLineOfAMessageIsAParagraph() {
        assertThat(PAGE.text(Outcome.SIGNED_IN, "Done", "It worked.\nGo <back>.")
                        .response(Outcome.SIGNED_IN)
                        .body())
                .contains("<h1>Done</h1>\n<p>It worked.</p>\n<p>Go &lt;back&gt;.</p>\n</main>");
    }

    @Test
    void textsOfOneOutcomeLeaveTheOthersAlone() {
        CallbackPage page = PAGE.text(Outcome.SIGNED_IN, "Hallo", "Sie k\u00f6nnen diesen Tab schlie\u00dfen.");

        assertThat(page.response(Outcome.SIGNED_IN).body()).contains("<h1>Hallo</h1>", "schlie\u00dfen");
        assertThat(page.response(Outcome.DENIED).body()).contains("You are not signed in");
        assertThat(PAGE.response(Outcome.SIGNED_IN).body()).contains("You are signed in");
    }

    @Test
    @Tag("A45")
    void theSuccessUriIsFixedAndGetsNothingOfTheRequest() {
        CallbackPage page = PAGE.successUri(URI.create("https://app.example.com/done"));
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.page(page))) {
            RawResponse response = login.hit(login.goodQuery());

            assertThat(response.status()).isEqualTo(303);
            assertThat(response.header("Location")).isEqualTo("https://app.example.com/done");
            assertThat(response.header("Referrer-Policy")).isEqualTo("no-referrer");
            assertThat(response.text()).doesNotContain(WaitingLogin.CODE, login.state());
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    @Tag("A45")
    void aDenialStillShowsThePage() {
        PageResponse response =
                PAGE.successUri(URI.create("https://app.example.com/done")).response(Outcome.DENIED);

        assertThat(response.status().code()).isEqualTo(200);
        assertThatThrownBy(() -> PAGE.successUri(URI.create("javascript:alert(1)")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aPageThatFailsIsReplaced(CapturedLog log) {
        LoopbackReceiver receiver =
                WaitingLogin.RECEIVER.page(CallbackPage.create().unsafeHtml(outcome -> {
                    throw new IllegalStateException("a bad page");
                }));
        try (WaitingLogin login = WaitingLogin.start(receiver)) {
            assertThat(login.hit("code=c&state=wrong").status()).isEqualTo(400);
            RawResponse response = login.hit(login.goodQuery());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("You are signed in");
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
        assertThat(log.warnings(CallbackPage.class)).hasSize(2).allMatch(line -> line.contains("a bad page"));
    }

    /** Else a stranger would fill the log, or keep the application busy, with hits alone. */
    @Test
    @Tag("A77")
    void aPageIsMadeOnceHoweverManyBadHitsGetIt(CapturedLog log) {
        AtomicInteger made = new AtomicInteger();
        CallbackPage failing = CallbackPage.create().unsafeHtml(outcome -> {
            made.incrementAndGet();
            throw new IllegalStateException("a bad page");
        });
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.page(failing))) {
            for (int i = 0; i < 20; i++) {
                assertThat(login.hit("code=c&state=wrong").body()).contains("This link is not valid");
            }
            login.isStillPending();
        }
        assertThat(made).as("pages, one for a bad link and one for the login").hasValue(2);
        assertThat(log.warnings(CallbackPage.class)).hasSize(2);
    }
}
