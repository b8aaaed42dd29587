package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class LoginTest {

    private static World world;

    @BeforeAll
    static void start() {
        world = World.start();
    }

    @AfterAll
    static void stop() {
        world.close();
    }

    @Test
    void twoUsersSignInAndEachIsToldWhoTheyAre() {
        Browser one = new Browser();
        Browser other = new Browser();

        assertThat(one.open(world.service("/login")).uri()).isEqualTo(world.service("/"));
        assertThat(other.open(world.service("/login")).statusCode()).isEqualTo(200);

        assertThat(one.fetch(world.service("/me")).body()).contains("\"display_name\":\"Demo User\"");
        assertThat(other.fetch(world.service("/me")).statusCode()).isEqualTo(200);
        assertThat(one.cookie("tokenswap-user")).hasSize(43).isNotEqualTo(other.cookie("tokenswap-user"));
    }

    @Test
    void aPageLoadSignsInAndReturnsToThePage() {
        Browser browser = new Browser();

        HttpResponse<String> me = browser.open(world.service("/me"));

        assertThat(me.uri()).isEqualTo(world.service("/me"));
        assertThat(me.body()).contains("\"display_name\":\"Demo User\"");
        assertThat(me.headers().firstValue("Content-Type")).hasValue("application/json");
    }

    @Test
    void anotherBrowserCannotFinishALogin() {
        Browser victim = new Browser();
        victim.get(world.service("/login"));
        URI redirect = redirect(new Browser());

        assertThat(victim.get(redirect).statusCode()).isEqualTo(400);
        assertThat(victim.fetch(world.service("/me")).statusCode()).isEqualTo(401);
    }

    @Test
    @Tag("E51")
    void aRedirectThatArrivesTwiceHasOneOutcome() {
        Browser browser = new Browser();
        URI redirect = redirect(browser);

        assertThat(browser.get(redirect).statusCode()).isEqualTo(303);
        String user = browser.cookie("tokenswap-user");
        assertThat(browser.get(redirect).statusCode()).isEqualTo(303);

        assertThat(browser.cookie("tokenswap-user")).isEqualTo(user);
        assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(200);
    }

    @Test
    void whoSignsOutIsOut() {
        Browser browser = new Browser();
        browser.open(world.service("/login"));
        String user = browser.cookie("tokenswap-user");

        HttpResponse<String> signedOut = browser.post(world.service("/logout"));

        assertThat(signedOut.statusCode()).isEqualTo(303);
        assertThat(browser.fetch(world.service("/me")).statusCode()).isEqualTo(401);
        assertThat(TestRequest.status(world.service("/me"), "tokenswap-user=" + user))
                .isEqualTo(401);
    }

    @Test
    @Tag("E88")
    void thePublicPortHasHealthAndNoOtherEndpointOfTheActuator() {
        Browser browser = new Browser();

        HttpResponse<String> health = browser.fetch(world.service("/actuator/health"));

        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(health.body()).contains("\"status\":\"UP\"").doesNotContain("details", "components");
        assertThat(browser.fetch(world.service("/actuator/health/readiness")).statusCode())
                .isEqualTo(200);
        for (String endpoint :
                new String[] {"", "/env", "/metrics", "/beans", "/configprops", "/heapdump", "/loggers"}) {
            assertThat(browser.fetch(world.service("/actuator" + endpoint)).statusCode())
                    .as(endpoint)
                    .isEqualTo(404);
        }
    }

    private static URI redirect(Browser browser) {
        return Browser.location(browser.openUntil(
                world.service("/login"), target -> target.getPath().equals("/auth")));
    }
}
