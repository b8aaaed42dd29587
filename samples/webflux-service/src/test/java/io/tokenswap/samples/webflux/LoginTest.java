package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
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

        assertThat(one.get(world.service("/me")).body()).contains("\"display_name\":\"Demo User\"");
        assertThat(other.get(world.service("/me")).statusCode()).isEqualTo(200);
        assertThat(one.cookie("tokenswap-session")).isNotEqualTo(other.cookie("tokenswap-session"));
    }

    @Test
    void aLoginLeadsThroughTheExchangeServerAndBackToTheConfiguredUrl() {
        HttpResponse<String> login = new Browser().get(world.service("/login"));

        assertThat(login.statusCode()).isEqualTo(303);
        assertThat(Browser.location(login).toString())
                .startsWith(world.exchange.uri() + "/?")
                .contains("code_challenge_method=S256")
                .contains("scope=user-read-private%20user-read-email");
        assertThat(login.headers().firstValue("Set-Cookie").orElse(""))
                .startsWith("tokenswap-login=")
                .contains("HttpOnly")
                .contains("SameSite=Lax")
                .doesNotContain("Secure");
    }

    @Test
    void anAnswerWithAWrongStateIs400AndTheLoginGoesOn() {
        Browser browser = new Browser();
        URI answer = answer(browser);

        HttpResponse<String> wrong = browser.get(URI.create(answer.toString().replaceAll("state=[^&]*", "state=AAAA")));

        assertThat(wrong.statusCode()).isEqualTo(400);
        assertThat(wrong.body()).contains("does not belong to your sign-in");
        assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(401);
        assertThat(browser.open(answer).statusCode()).isEqualTo(200);
        assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(200);
    }

    @Test
    void anAnswerThatIsNoneIs400() {
        Browser browser = new Browser();
        browser.get(world.service("/login"));

        assertThat(browser.get(world.service("/auth")).statusCode()).isEqualTo(400);
        assertThat(browser.get(world.service("/auth?code=%00&code=x")).statusCode())
                .isEqualTo(400);
    }

    @Test
    void anotherBrowserCannotFinishALogin() {
        Browser victim = new Browser();
        victim.get(world.service("/login"));
        URI answer = answer(new Browser());

        assertThat(victim.get(answer).statusCode()).isEqualTo(400);
        assertThat(new Browser().get(answer).statusCode()).isEqualTo(400);
        assertThat(victim.get(world.service("/me")).statusCode()).isEqualTo(401);
    }

    @Test
    void anAnswerCountsOnce() {
        Browser browser = new Browser();
        URI answer = answer(browser);

        assertThat(browser.get(answer).statusCode()).isEqualTo(303);
        assertThat(browser.get(answer).statusCode()).isEqualTo(400);
        assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(200);
    }

    @Test
    void aLoginThatWasBegunInTwoTabsCanBeFinishedInBoth() {
        Browser browser = new Browser();
        URI first = answer(browser);
        URI second = answer(browser);

        assertThat(browser.open(second).uri()).isEqualTo(world.service("/"));

        assertThat(browser.open(first).uri()).isEqualTo(world.service("/"));
        assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(200);
    }

    @Test
    void eachLoginGetsASessionIdThatNobodyCanHaveKnown() {
        Browser browser = new Browser();
        browser.open(world.service("/login"));
        String before = browser.cookie("tokenswap-session");

        HttpResponse<String> signedIn = browser.get(answer(browser));

        assertThat(signedIn.headers().allValues("Set-Cookie"))
                .anySatisfy(cookie -> assertThat(cookie)
                        .startsWith("tokenswap-session=")
                        .contains("HttpOnly")
                        .contains("SameSite=Lax"));
        assertThat(browser.cookie("tokenswap-session")).hasSize(43).isNotEqualTo(before);
        assertThat(TestRequest.status(world.service("/me"), "tokenswap-session=" + before))
                .isEqualTo(401);
    }

    @Test
    void whoSignsOutIsOut() {
        Browser browser = new Browser();
        browser.open(world.service("/login"));
        String session = browser.cookie("tokenswap-session");

        HttpResponse<String> signedOut = browser.post(world.service("/logout"));

        assertThat(signedOut.statusCode()).isEqualTo(303);
        assertThat(browser.get(world.service("/me")).statusCode()).isEqualTo(401);
        assertThat(TestRequest.status(world.service("/me"), "tokenswap-session=" + session))
                .isEqualTo(401);
        assertThat(browser.get(world.service("/logout")).statusCode()).isEqualTo(405);
    }

    @Test
    void aBrowserThatComesByAnotherNameOfThisMachineIsSentToTheRightOne() {
        URI localhost = URI.create(world.service("/login").toString().replace("127.0.0.1", "localhost"));

        HttpResponse<String> login = new Browser().get(localhost);

        assertThat(Browser.location(login)).isEqualTo(world.service("/login"));
    }

    /** Where the browser is sent with the code at last; it has not been there yet. */
    private static URI answer(Browser browser) {
        return Browser.location(browser.openUntil(
                world.service("/login"), target -> target.getPath().equals("/auth")));
    }
}
