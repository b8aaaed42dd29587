package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.callback.CallbackPage;
import io.tokenswap.callback.LoopbackReceiver;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/**
 * Every page of the receiver as a person sees it in Chromium: in a wide window and in one of 320 pixels, on a light and on a
 * dark system. Leaves screenshots in {@code target/screenshots}.
 */
@Timeout(120) // a busy machine makes a browser slow
class PagesInBrowserTest {

    private static final String NAME = "Night Radio";

    /** The least contrast of text, and that of a drawing (WCAG 2.2, 1.4.3 and 1.4.11). */
    private static final double TEXT = 4.5;

    private static final double DRAWING = 3;

    private static final String CONTRAST = """
            (() => {
              const channel = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
              const luminance = color => {
                const [red, green, blue] = color.match(/[0-9.]+/g).slice(0, 3).map(value => channel(value / 255));
                return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
              };
              const between = (one, other) => {
                const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
                return (light + 0.05) / (dark + 0.05);
              };
              const ground = element => {
                const color = getComputedStyle(element).backgroundColor;
                return color === 'rgba(0, 0, 0, 0)' ? ground(element.parentElement) : color;
              };
              return Math.min(...[...document.querySelectorAll('SELECTOR')]
                  .map(element => between(getComputedStyle(element).PROPERTY, ground(element))));
            })()
            """;

    private static RealBrowser browser;

    private OtherSite site;
    private Tab tab;

    @BeforeAll
    static void start() {
        assumeTrue(RealBrowser.chosen().anyMatch(kind -> kind == RealBrowser.Kind.CHROMIUM), "Chromium is not chosen");
        browser = RealBrowser.Kind.CHROMIUM.start();
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.close();
        }
    }

    @BeforeEach
    void openTheTab() {
        site = OtherSite.start("127.0.0.1");
        // The tab has a history, as after the pages of a provider, so that it does not close itself.
        tab = browser.newTab().open(site.page("<h1>Elsewhere</h1>"));
    }

    @AfterEach
    void closeTheTab() {
        tab.close();
        site.close();
    }

    @Test
    @Tag("E50")
    void successSendsThePersonBackToTheApplication() {
        try (WaitingLogin login = login()) {
            tab.open(login.link("the-code"));
            isReadable("signed-in", "You are signed in", "You can close this tab and go back to Night Radio.");
        }
    }

    @Test
    @Tag("E50")
    void aFailedSwapSaysThatThePersonIsNotSignedIn() {
        try (WaitingLogin login = login(Mono.error(new IllegalStateException("no swap")))) {
            tab.open(login.link("the-code"));
            isReadable("failed-swap", "Sign-in failed", "go back to Night Radio");
        }
    }

    @Test
    @Tag("E50")
    void aSwapThatTakesLongSendsThePersonToTheApplication() {
        try (WaitingLogin login = login(Mono.never())) {
            tab.open(login.link("the-code"));
            isReadable("finishing", "Almost done", "Go back to Night Radio");
        }
    }

    @Test
    @Tag("A10")
    void aDenialSaysHowToTryAgain() {
        try (WaitingLogin login = login()) {
            tab.open(login.denial());
            isReadable("denied", "You are not signed in", "go back to Night Radio to try again");
        }
    }

    @Test
    @Tag("A13")
    void aReturnWithoutACodeSaysThatTheSignInFailed() {
        try (WaitingLogin login = login()) {
            tab.open(login.denial().replace("error=access_denied&", ""));
            isReadable("without-code", "Sign-in failed", "go back to Night Radio");
        }
    }

    @Test
    @Tag("A03")
    void anExpiredLinkSaysHowToStartAgain() {
        int port = Servers.freePort();
        String expired;
        try (WaitingLogin login = login(port, null)) {
            expired = login.link("the-code");
        }
        try (WaitingLogin next = login(port, null)) {
            tab.open(expired);
            isReadable("expired-link", "This link is not valid", "go back to Night Radio to start again");
            assertThat(next.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A47")
    void aUsedLinkSaysThatNothingIsLeftToDo() {
        int port = Servers.freePort();
        try (WaitingLogin login = login(port, null);
                WaitingLogin next = login(port, null)) {
            tab.open(login.link("the-code"));
            tab.reload();
            isReadable("used-link", "This link was already used", "go back to Night Radio");
            assertThat(next.isPending()).isTrue();
        }
    }

    @Test
    @Tag("A68")
    void tooManyCookiesSaysHowToClearThem() {
        try (WaitingLogin login = login()) {
            tab.evaluate("for (let i = 0; i < 40; i++) document.cookie = `c${i}=${'x'.repeat(1000)}`");
            tab.open(login.link("the-code"));
            isReadable("too-many-cookies", "There are too many cookies", "Clear the cookies of 127.0.0.1");
            tab.evaluate("for (let i = 0; i < 40; i++) document.cookie = `c${i}=; max-age=0`");
        }
    }

    @Test
    @Tag("A68")
    void anAddressThatIsTooLongSaysHowToStartAgain() {
        try (WaitingLogin login = login()) {
            tab.open(login.link("c".repeat(8_200)));
            isReadable("too-long", "The address is too long", "go back to Night Radio to start again");
        }
    }

    @Test
    @Tag("A31")
    void anotherAddressOfTheReceiverSendsThePersonBack() {
        try (WaitingLogin login = login()) {
            tab.open(login.redirectUri().resolve("/elsewhere"));
            isReadable("no-page", "There is no page here", "go back to Night Radio");
        }
    }

    private static WaitingLogin login() {
        return login(0, null);
    }

    private static WaitingLogin login(Mono<AuthorizationCode> swapped) {
        return login(0, swapped);
    }

    private static WaitingLogin login(int port, @Nullable Mono<AuthorizationCode> swapped) {
        LoopbackReceiver receiver = LoopbackReceiver.create()
                .redirectUri(URI.create("http://127.0.0.1:" + port + "/auth"))
                .page(CallbackPage.create().application(NAME));
        return WaitingLogin.swapping(receiver, swapped == null ? Mono::just : code -> swapped);
    }

    /** Looks at the page in each window and on each system. */
    private void isReadable(String name, String headline, String nextStep) {
        for (int width : new int[] {320, 1100}) {
            for (boolean dark : new boolean[] {false, true}) {
                String view = name + "-" + width + (dark ? "-dark" : "-light");
                tab.look(width, 720, dark);
                assertThat(tab.text()).as(view).contains(NAME, headline, nextStep);
                assertThat(tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"))
                        .as(view)
                        .isEqualTo(String.valueOf(dark));
                assertThat(tab.evaluate("document.documentElement.scrollWidth"))
                        .as(view)
                        .isEqualTo(String.valueOf(width));
                assertThat(contrast("h1, p", "color")).as(view).isGreaterThanOrEqualTo(TEXT);
                assertThat(contrast("svg", "stroke")).as(view).isGreaterThanOrEqualTo(DRAWING);
                tab.screenshot(view);
            }
        }
    }

    /** Returns the least contrast of the elements that a selector finds. */
    private double contrast(String selector, String property) {
        return Double.parseDouble(
                tab.evaluate(CONTRAST.replace("SELECTOR", selector).replace("PROPERTY", property)));
    }
}
