package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.HttpCookie;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Instances with other properties, and several of them. One that stops closes the event loops of all, so each test has
 * its own.
 */
class NodesTest {

    private final FakeProvider provider = new FakeProvider();
    private final TestBrowser browser = new TestBrowser();

    @AfterEach
    void stop() {
        provider.close();
    }

    @Test
    void behindHttpsTheCookiesAreBoundToTheHost() {
        try (TestService.Running secure =
                TestService.start(provider, "tokenswap.public-uri=https://music.example.com")) {
            HttpResponse<String> login = browser.get(secure.uri("/login"));
            assertThat(TestBrowser.location(login).getRawQuery())
                    .contains("server_uri=https%3A%2F%2Fmusic.example.com%2Fauth&");
            assertThat(login.headers().firstValue("Set-Cookie").orElse(""))
                    .startsWith("__Host-tokenswap-login-")
                    .contains("Secure", "Path=/")
                    .doesNotContain("Domain");
        }
    }

    @Test
    @Tag("E54")
    void aLoginThatBeginsAtOneNodeEndsAtAnother() {
        String keys = "tokenswap.keys=" + key();
        try (TestService.Running one = TestService.start(provider, keys)) {
            URI redirect = browser.openUntil(one.uri("/login?to=%2Fme"), "/auth");
            try (TestService.Running other = TestService.start(provider, keys)) {
                URI there = URI.create(redirect.toString()
                        .replace(
                                ":" + one.uri("").getPort(), ":" + other.uri("").getPort()));
                HttpResponse<String> signedIn = browser.get(there);
                assertThat(signedIn.statusCode()).isEqualTo(303);
                assertThat(TestBrowser.location(signedIn)).isEqualTo(other.uri("/me"));
                assertThat(browser.fetch(other.uri("/me")).statusCode()).isEqualTo(200);
            }
        }
    }

    @Test
    @Tag("E54")
    void aLoginSealedWithAnUnknownKeyIsToBeginAgain() {
        try (TestService.Running one = TestService.start(provider)) {
            URI redirect = browser.openUntil(one.uri("/login"), "/auth");
            HttpCookie login = browser.cookies().get(0);
            try (TestService.Running other = TestService.start(provider)) {
                HttpResponse<String> page = browser.get(at(other, redirect));
                assertThat(page.statusCode()).isEqualTo(400);
                assertThat(page.body()).contains("Start it again").doesNotContain(login.getValue());
            }
        }
    }

    @Test
    @Tag("E54")
    void aUserStaysSignedInAcrossARestart(@TempDir Path directory) {
        String[] properties = {
            "tokenswap.keys=" + key(), "tokenswap.store.type=file", "tokenswap.store.file.path=" + directory
        };
        String user;
        try (TestService.Running before = TestService.start(provider, properties)) {
            browser.open(before.uri("/login"));
            user = browser.cookie("tokenswap-user");
            assertThat(browser.fetch(before.uri("/me")).statusCode()).isEqualTo(200);
        }
        assertThat(directory).isDirectoryRecursivelyContaining(file -> true);
        try (TestService.Running after = TestService.start(provider, properties)) {
            assertThat(browser.fetch(after.uri("/me")).statusCode()).isEqualTo(200);
            assertThat(browser.cookie("tokenswap-user")).isEqualTo(user);
        }
    }

    private static URI at(TestService.Running node, URI redirect) {
        return node.uri(redirect.getRawPath() + "?" + redirect.getRawQuery());
    }

    private static String key() {
        byte[] key = new byte[32];
        new SecureRandom().nextBytes(key);
        return Base64.getEncoder().encodeToString(key);
    }
}
