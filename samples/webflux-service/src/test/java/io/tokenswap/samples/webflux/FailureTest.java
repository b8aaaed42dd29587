package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class FailureTest {

    @Test
    void whenTheExchangeServerIsGoneThePageNamesTheRemedyAndNoSecret() {
        try (World world = World.start()) {
            Browser browser = new Browser();
            URI redirect = Browser.location(browser.openUntil(
                    world.service("/login"), target -> target.getPath().equals("/auth")));
            world.exchange.close();

            HttpResponse<String> page = browser.get(redirect);

            assertThat(page.statusCode()).isEqualTo(503);
            assertThat(page.body())
                    .contains("nothing listens at")
                    .contains("Is it running")
                    .doesNotContain(redirect.getRawQuery().split("[=&]", -1));
            assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(401);
        }
    }

    @Test
    void whenTheApiIsGoneTheResponseSaysSo() {
        try (World world = World.start()) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            world.provider.close();

            HttpResponse<String> response = browser.fetch(world.service("/me"));

            assertThat(response.statusCode()).isEqualTo(502);
            assertThat(response.body()).contains("It cannot be reached");
        }
    }

    @Test
    void everyResponseForbidsWhatIsFromElsewhereAndACopyInACache() {
        try (World world = World.start()) {
            for (String path : new String[] {"/", "/app.js", "/me", "/auth", "/nothing-here"}) {
                HttpResponse<String> response = new Browser().get(world.service(path));
                assertThat(response.headers()
                                .firstValue("Content-Security-Policy")
                                .orElse(""))
                        .startsWith("default-src 'none'");
                assertThat(response.headers().firstValue("Cache-Control").orElse(""))
                        .isEqualTo("no-store");
                assertThat(response.body()).doesNotContain("Exception").doesNotContain("at io.");
            }
        }
    }
}
