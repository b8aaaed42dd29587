package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The service as users see it, in a real browser. */
@Timeout(180)
class ServiceInBrowserTest {

    /** The provider approves a login without a page, and grants tokens that are refreshed every 4 seconds. */
    private static World world() {
        return World.start(provider -> provider.autoApprove(true).accessTokenLifetime(Duration.ofSeconds(5)));
    }

    private static void signIn(Chromium browser, World world) {
        browser.open(world.service("/"));
        browser.await("signed out", () -> browser.isShown("#signed-out"));
        browser.click("#sign-in");
        browser.await("signed in", () -> browser.isShown("#signed-in"));
        browser.await("a fingerprint", () -> browser.text("#fingerprint").matches("[0-9a-f]{8}"));
        browser.await("the user", () -> browser.text("#name").equals("Demo User"));
        assertThat(browser.address()).isEqualTo(world.service("/"));
    }

    @Test
    void twoUsersSignInSeeARefreshLoseTheirGrantsAndSignInAgain() {
        try (World world = world();
                Chromium one = new Chromium();
                Chromium other = new Chromium()) {
            signIn(one, world);
            signIn(other, world);
            String first = one.text("#fingerprint");
            assertThat(other.text("#fingerprint")).isNotEqualTo(first);

            one.await("a refresh", () -> !one.text("#fingerprint").equals(first));
            assertThat(String.join("\n", one.texts("#log li span")))
                    .contains("Token " + first + " is current")
                    .contains("Refreshed: token");
            assertThat(one.text("#expires")).matches("\\d s");
            assertThat(one.text("#grant")).isEqualTo("179 days");

            world.provider.revokeAll();
            for (Chromium browser : List.of(one, other)) {
                browser.await("the end of the grant", () -> browser.isShown("#ended"));
                assertThat(browser.text("#ended")).contains("Your sign-in has ended", "Sign in again");
                browser.click("#ended .button");
                browser.await("signed in again", () -> browser.isShown("#signed-in") && !browser.isShown("#ended"));
                browser.await("the user", () -> browser.text("#name").equals("Demo User"));
            }

            one.click("#logout button");
            one.await("signed out", () -> one.isShown("#signed-out"));
            assertThat(other.isShown("#signed-in")).isTrue();
        }
    }

    @Test
    void thePageFitsEveryWindowInLightAndDark() {
        try (World world = world();
                Chromium browser = new Chromium()) {
            browser.open(world.service("/"));
            browser.await("signed out", () -> browser.isShown("#signed-out"));
            look(browser, "signed-out");
            signIn(browser, world);
            look(browser, "signed-in");
            world.provider.revokeAll();
            browser.await("the end of the grant", () -> browser.isShown("#ended"));
            look(browser, "ended");
            browser.open(URI.create(world.service("/auth") + "?code=x&state=y"));
            look(browser, "problem");
            browser.open(world.service("/nothing-here"));
            look(browser, "nothing-here");
        }
    }

    private static void look(Chromium browser, String name) {
        for (int width : new int[] {320, 720, 1100}) {
            browser.size(width, width == 320 ? 1300 : 900);
            for (boolean dark : new boolean[] {false, true}) {
                browser.dark(dark);
                assertThat(browser.overflow()).as(name + " at " + width).isZero();
                browser.screenshot(name + "-" + width + (dark ? "-dark" : "-light"));
            }
        }
    }
}
