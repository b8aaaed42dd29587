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
            URI answer = Browser.location(browser.openUntil(
                    world.service("/login"), target -> target.getPath().equals("/auth")));
            world.exchange.close();

            HttpResponse<String> page = browser.get(answer);

            assertThat(page.statusCode()).isEqualTo(503);
            assertThat(page.body())
                    .contains("nothing listens at")
                    .contains("Is it running")
                    .doesNotContain(answer.getRawQuery().split("[=&]", -1));
            assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(401);
        }
    }

    @Test
    void whenTheApiIsGoneTheAnswerSaysSo() {
        try (World world = World.start()) {
            Browser browser = new Browser();
            browser.open(world.service("/login"));
            world.provider.close();

            HttpResponse<String> answer = browser.get(world.service("/me"));

            assertThat(answer.statusCode()).isEqualTo(502);
            assertThat(answer.body()).contains("It cannot be reached");
        }
    }

    @Test
    void everyAnswerForbidsWhatIsFromElsewhereAndACopyInACache() {
        try (World world = World.start()) {
            for (String path : new String[] {"/", "/app.js", "/me", "/auth", "/nothing-here"}) {
                HttpResponse<String> answer = new Browser().get(world.service(path));
                assertThat(answer.headers()
                                .firstValue("Content-Security-Policy")
                                .orElse(""))
                        .startsWith("default-src 'none'");
                assertThat(answer.headers().firstValue("Cache-Control").orElse(""))
                        .isEqualTo("no-store");
                assertThat(answer.body()).doesNotContain("Exception").doesNotContain("at io.");
            }
        }
    }
}
