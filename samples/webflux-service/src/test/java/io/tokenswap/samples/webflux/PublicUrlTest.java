package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class PublicUrlTest {

    @Test
    void behindHttpsTheCookiesAreBoundToTheHostAndCodesArriveWhereTheSettingSays() {
        try (World world = World.start("--service.public-url=https://app.example.com")) {
            HttpResponse<String> login = new Browser().get(world.service("/login"));

            assertThat(Browser.location(login).getRawQuery())
                    .contains("server_uri=https%3A%2F%2Fapp.example.com%2Fauth&");
            assertThat(login.headers().firstValue("Set-Cookie").orElse(""))
                    .startsWith("__Host-login=")
                    .contains("Secure")
                    .contains("Path=/")
                    .doesNotContain("Domain");
            assertThat(login.headers().firstValue("Strict-Transport-Security")).isPresent();
        }
    }
}
