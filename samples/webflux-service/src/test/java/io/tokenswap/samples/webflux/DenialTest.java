package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DenialTest {

    @Test
    void whoSaysNoAtTheProviderReadsSoHereAndCanSayYesAfterwards() {
        try (World world = World.start(provider -> provider)) {
            Browser browser = new Browser();
            HttpResponse<String> consent = browser.submit(browser.open(world.service("/login")), Map.of());

            HttpResponse<String> denied = browser.submit(consent, Map.of("decision", "deny"));

            assertThat(denied.uri().getPath()).isEqualTo("/auth");
            assertThat(denied.statusCode()).isEqualTo(403);
            assertThat(denied.body()).contains("The sign-in was denied").contains("href=\"/login\"");
            assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(401);

            HttpResponse<String> allowed =
                    browser.submit(browser.open(world.service("/login")), Map.of("decision", "allow"));
            assertThat(allowed.uri()).isEqualTo(world.service("/"));
            assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(200);
        }
    }
}
