package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.callback.CallbackPage;
import io.tokenswap.callback.LoopbackReceiver;
import io.tokenswap.samples.desktop.RealBrowser.Traffic;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.WebDriverException;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The receiver against browsers as people have them, and against the pages that are open in them. */
@Timeout(120) // a busy machine makes a browser slow
@ParameterizedClass(name = "{0}")
@MethodSource("io.tokenswap.samples.desktop.RealBrowser#chosen")
class ReceiverInBrowserTest {

    private static final String ANY_PORT = "http://127.0.0.1:0/auth";

    private static RealBrowser browser;

    @Parameter
    private RealBrowser.Kind kind;

    private Tab tab;
    private OtherSite site;

    @BeforeParameterizedClassInvocation
    static void start(RealBrowser.Kind kind) {
        browser = kind.start();
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        browser.close();
    }

    @BeforeEach
    void openTheTab() {
        site = OtherSite.start("127.0.0.2");
        // What a provider's page would be: the tab has a history, so that it will not close itself.
        tab = browser.newTab().open(site.page("<h1>Elsewhere</h1>"));
    }

    @AfterEach
    void closeTheTab() {
        tab.close();
        site.close();
    }

    private void signsIn(WaitingLogin login) {
        assertThat(login.isPending()).as("pending").isTrue();
        tab.open(login.link("the-code"));
        assertThat(tab.text()).contains("You are signed in");
        assertThat(login.code()).isEqualTo("the-code");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A35")
    @ValueSource(strings = {"localhost", "127.0.0.1", "[::1]"})
    @Tag("A43")
    void theLoginEndsAtEachNameOfThisMachineAndTheCodeLeavesTheAddressBar(String host) {
        try (WaitingLogin login = WaitingLogin.at("http://" + host + ":0/auth")) {
            signsIn(login);
            assertThat(tab.address()).isEqualTo(login.redirectUri().toString());
        }
    }

    @Test
    @Tag("A42")
    void pagesAskForNothingElseAndTheBrowserHasNothingToComplainOf() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT)) {
            String invalid = login.redirectUri() + "?code=a&state=b";
            tab.open(invalid);
            assertThat(tab.text()).contains("This link is not valid");
            assertThat(login.isPending()).isTrue();
            tab.open(login.denial());
            assertThat(tab.text()).contains("You are not signed in", "to try again");
            // A round trip through the page: whatever it started has by then been reported.
            tab.evaluate("new Promise(next => requestAnimationFrame(() => setTimeout(next, 200)))");

            assertThat(tab.requests()).endsWith(invalid, login.denial()).hasSize(3);
            assertThat(tab.complaints()).isEmpty();
        }
    }

    @Test
    @Tag("A43")
    void everythingIsThereWithScriptingOff() {
        assumeTrue(kind == RealBrowser.Kind.CHROMIUM, "Firefox cannot be told to");
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT)) {
            tab.forbidScripts();
            tab.open(site.page("<p>plain</p><script>document.body.innerHTML = '<b>script</b>'</script>"));
            assertThat(tab.elements("p, b")).containsExactly("plain");

            tab.open(login.link("the-code"));
            assertThat(login.code()).isEqualTo("the-code");
            assertThat(tab.elements("h1, p"))
                    .containsExactly("You are signed in", "You can close this tab and go back to the application.");
        }
    }

    @Test
    @Tag("A47")
    void aReloadIsNoSecondLogin() {
        int port = Servers.freePort();
        // The second login keeps the receiver, which would else be gone in a moment.
        try (WaitingLogin login = WaitingLogin.at("http://127.0.0.1:" + port + "/auth");
                WaitingLogin other = WaitingLogin.at("http://127.0.0.1:" + port + "/auth")) {
            signsIn(login);
            tab.reload();
            assertThat(tab.text()).contains("already used");
            tab.back();
            RealBrowser.await(() -> tab.text().contains("Elsewhere"));
            tab.forward();
            RealBrowser.await(
                    () -> tab.text().contains("already used") || tab.text().contains("You are signed in"));
            assertThat(tab.address()).isEqualTo(login.redirectUri().toString());
            assertThat(other.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A47")
    void theSameLinkInASecondTabIsNoSecondLogin() {
        int port = Servers.freePort();
        try (WaitingLogin login = WaitingLogin.at("http://localhost:" + port + "/auth");
                WaitingLogin other = WaitingLogin.at("http://localhost:" + port + "/auth");
                Tab second = browser.newTab()) {
            signsIn(login);
            second.open(site.page("")).open(login.link("another-code"));
            assertThat(second.text()).contains("already used");
            assertThat(login.code()).isEqualTo("the-code");
            assertThat(other.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A50")
    void twoLoginsInTwoTabsGetTheirOwnCodes() {
        int port = Servers.freePort();
        try (WaitingLogin one = WaitingLogin.at("http://localhost:" + port + "/auth");
                WaitingLogin two = WaitingLogin.at("http://localhost:" + port + "/auth");
                Tab second = browser.newTab()) {
            second.open(site.page("")).open(two.link("code-two"));
            assertThat(two.code()).isEqualTo("code-two");
            signsIn(one);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    fetch                 | <script>fetch('LINK')</script>
                    fetch without cors    | <script>fetch('LINK', {mode: 'no-cors', credentials: 'include'})</script>
                    image                 | <img src="LINK">
                    script                | <script src="LINK"></script>
                    style sheet           | <link rel="stylesheet" href="LINK">
                    video                 | <video src="LINK" preload="auto"></video>
                    iframe                | <iframe src="LINK"></iframe>
                    link into an iframe   | <iframe name="f"></iframe><a id="a" target="f" href="LINK"></a><script>a.click()</script>
                    object                | <object data="LINK" type="text/html"></object>
                    embed                 | <embed src="LINK" type="text/html">
                    beacon                | <script>navigator.sendBeacon('LINK')</script>
                    prefetch              | <link rel="prefetch" href="LINK">
                    speculative prefetch  | <script type="speculationrules">{"prefetch": [{"source": "list", "urls": ["LINK"]}]}</script>
                    speculative prerender | <script type="speculationrules">{"prerender": [{"source": "list", "urls": ["LINK"]}]}</script>
                    """)
    @Tag("A28")
    @Tag("A34")
    @Tag("A38")
    @Tag("A39")
    @Tag("A40")
    void noPageOfAnotherSiteCanUseUpTheLogin(String trick, String html) {
        assumeTrue(
                !trick.contains("specul")
                        || "true".equals(tab.evaluate("HTMLScriptElement.supports('speculationrules')")),
                "Firefox knows no speculation rules");
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT);
                Tab otherTab = browser.newTab()) {
            String link = login.link("stolen");
            otherTab.lookAt(site.page(html.replace("LINK", link)));
            RealBrowser.await(() ->
                    browser.ended().stream().anyMatch(traffic -> traffic.url().equals(link)));
            signsIn(login);
        }
    }

    @Test
    @Tag("A28")
    void aFormOfAnotherSiteCannotPostToIt() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT)) {
            String link = login.link("stolen");
            tab.open(site.page("<form method=\"post\" action=\"" + link + "\"><button>Win a prize</button></form>"));
            tab.click("button");
            RealBrowser.await(() -> browser.ended().contains(new Traffic(tab.id(), "POST", link, 405)));
            signsIn(login);
        }
    }

    @Test
    @Tag("A33")
    void aConnectionAheadOfTheRequestDoesNoHarm() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT);
                OtherSite witness = OtherSite.start("127.0.0.3")) {
            tab.open(site.page("<link rel=\"preconnect\" href=\"%s\"><link rel=\"preconnect\" href=\"%s\">"
                    .formatted(login.redirectUri(), witness.uri())));
            RealBrowser.await(() -> witness.connections() > 0);
            signsIn(login);
        }
    }

    @Test
    @Tag("A36")
    void aNameOfAnotherSiteThatLeadsHereIsRefused() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT)) {
            String rebound = login.link("stolen").replace("127.0.0.1", RealBrowser.REBOUND_NAME);
            tab.open(rebound);
            // The browser reports the response after it has shown the page.
            RealBrowser.await(() -> browser.ended().contains(new Traffic(tab.id(), "GET", rebound, 421)));
            signsIn(login);
        }
    }

    @Test
    @Tag("E50")
    void thePageWaitsForTheOutcomeAndShowsASwapThatFailed() {
        Mono<AuthorizationCode> failsLater =
                Mono.delay(Duration.ofSeconds(1)).then(Mono.error(new IllegalStateException("no swap")));
        try (WaitingLogin login = WaitingLogin.swapping(ANY_PORT, code -> failsLater)) {
            tab.open(login.link("the-code"));

            assertThat(tab.text()).contains("Sign-in failed", "which says why.");
            assertThat(tab.address()).isEqualTo(login.redirectUri().toString());
        }
    }

    @Test
    @Tag("E50")
    void aSwapThatTakesLongIsLeftToTheApplicationAndAReloadShowsTheOutcome() {
        Sinks.One<AuthorizationCode> outcome = Sinks.one();
        try (WaitingLogin login = WaitingLogin.swapping(ANY_PORT, code -> outcome.asMono())) {
            String link = login.link("the-code");
            tab.open(link);
            assertThat(tab.text()).contains("Almost done", "which finishes the sign-in.");
            assertThat(login.isPending()).isTrue();
            outcome.tryEmitValue(AuthorizationCode.of("the-code", login.redirectUri(), null));

            assertThat(login.code()).isEqualTo("the-code");
            tab.open(link);
            assertThat(tab.text()).contains("You are signed in");
        }
    }

    /** Other programs on this host, whatever their ports, leave their cookies to each other. */
    @Test
    @Tag("A68")
    void tooManyCookiesGetAPageThatSaysWhatToDoAndTheReloadSucceeds() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT);
                OtherSite neighbour = OtherSite.start("127.0.0.1")) {
            tab.open(neighbour.page("<h1>Neighbour</h1>"));
            tab.evaluate("for (let i = 0; i < 40; i++) document.cookie = `c${i}=${'x'.repeat(1000)}`");
            // The browser stores them in another process. A navigation may come first, a look at them cannot.
            RealBrowser.await(() ->
                    tab.evaluate("String(document.cookie.length > 40_000)").equals("true"));
            try {
                String link = login.link("the-code");
                tab.open(link);
                assertThat(tab.text()).contains("There are too many cookies", "Clear the cookies of 127.0.0.1");
                RealBrowser.await(() -> browser.ended().contains(new Traffic(tab.id(), "GET", link, 431)));
                assertThat(login.isPending()).isTrue();

                clearCookies();
                tab.reload();
                assertThat(tab.text()).contains("You are signed in");
                assertThat(login.code()).isEqualTo("the-code");
            } finally { // all tests of this class share the browser, and its cookies
                clearCookies();
            }
        }
    }

    private void clearCookies() {
        tab.evaluate("for (let i = 0; i < 40; i++) document.cookie = `c${i}=; max-age=0`");
        RealBrowser.await(() -> tab.evaluate("String(document.cookie.length)").equals("0"));
    }

    @Test
    @Tag("A45")
    void theSuccessUriGetsNeitherCodeNorReferrer() {
        URI done = site.page("<h1>Welcome</h1>");
        try (WaitingLogin login = WaitingLogin.of(LoopbackReceiver.create()
                .redirectUri(URI.create(ANY_PORT))
                .page(CallbackPage.create().successUri(done)))) {
            tab.open(site.page("<a href=\"" + login.link("the-code") + "\">Allow</a>"));
            tab.click("a");
            RealBrowser.await(() -> tab.address().equals(done.toString()));
            assertThat(login.code()).isEqualTo("the-code");
            assertThat(site.referrers()).last().isEqualTo("none");
        }
    }

    @Test
    @Tag("A74")
    void httpsFailsInTheBrowserAndTheLogSaysWhyOnce() {
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger("io.tokenswap.callback");
        logger.addAppender(lines);
        lines.start();
        try (WaitingLogin login = WaitingLogin.at("http://localhost:0/auth")) {
            String https = login.link("stolen").replace("http:", "https:");
            assertThatThrownBy(() -> tab.open(https)).isInstanceOf(WebDriverException.class);
            assertThatThrownBy(() -> tab.open(https)).isInstanceOf(WebDriverException.class);
            signsIn(login);
            assertThat(lines.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .singleElement()
                    .asString()
                    .startsWith("The browser used https on port "
                            + login.redirectUri().getPort());
        } finally {
            logger.detachAppender(lines);
        }
    }

    @Test
    void aWindowThatAScriptOpenedClosesItself() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT)) {
            List<String> before = List.copyOf(browser.tabs());
            tab.evaluate("void window.open('" + login.link("the-code") + "')");
            assertThat(login.code()).isEqualTo("the-code");
            RealBrowser.await(() -> browser.tabs().equals(before));
        }
    }

    @Test
    void aTabThatMustNotCloseItselfSaysWhatToDo() {
        try (WaitingLogin login = WaitingLogin.at(ANY_PORT)) {
            signsIn(login);
            String later = "new Promise(next => setTimeout(next, 2000)).then(() => document.body.innerText)";
            assertThat(tab.evaluate(later)).contains("You can close this tab and go back to the application.");
        }
    }
}
