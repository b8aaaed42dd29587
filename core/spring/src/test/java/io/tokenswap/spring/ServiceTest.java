package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Mono;

/** A service of the README's code at a real server. */
class ServiceTest {

    private final FakeProvider provider = new FakeProvider();
    private final TestBrowser browser = new TestBrowser();

    @AfterEach
    void stop() {
        provider.close();
    }

    private static TokenSession session(TestService.Running service, TestBrowser browser) {
        return Objects.requireNonNull(service.context()
                .getBean(TokenSessions.class)
                .get(CookieUsers.key(browser.cookie("tokenswap-user")))
                .block());
    }

    @Test
    @Tag("E88")
    void fiftyParallelRequestsAtExpiryRefreshOnce() {
        provider.lifetime = Duration.ofSeconds(1);
        try (TestService.Running service = TestService.start(provider)) {
            browser.open(service.uri("/login"));
            provider.lifetime = Duration.ofHours(1);
            session(service, browser).tokens().blockFirst();
            session(service, browser)
                    .invalidate(Objects.requireNonNull(
                            session(service, browser).token().block()));
            int refreshes = provider.refreshes.get();

            List<CompletableFuture<HttpResponse<String>>> responses = IntStream.range(0, 50)
                    .mapToObj(i -> browser.fetchLater(service.uri("/me")))
                    .toList();

            assertThat(responses).allSatisfy(response -> {
                assertThat(response.join().statusCode()).isEqualTo(200);
                assertThat(response.join().headers().allValues("Set-Cookie")).isEmpty();
            });
            assertThat(provider.refreshes).hasValue(refreshes + 1);
        }
    }

    @Test
    void aTokenThatTheApiRefusesIsReplacedOnce() {
        try (TestService.Running service = TestService.start(provider)) {
            browser.open(service.uri("/login"));
            provider.revokeAll();
            assertThat(browser.fetch(service.uri("/me")).statusCode()).isEqualTo(200);
            assertThat(provider.authorizations).hasSize(2).doesNotHaveDuplicates();
            assertThat(provider.refreshes).hasValue(1);
        }
    }

    @Test
    void aGrantThatHasEndedSendsThePageToTheLoginAndAScriptAProblem() {
        try (TestService.Running service = TestService.start(provider)) {
            browser.open(service.uri("/login"));
            provider.revokeAll();
            provider.refreshStatus = 400;
            assertThat(browser.fetch(service.uri("/me")).statusCode()).isEqualTo(401);
            HttpResponse<String> page = browser.get(service.uri("/me"));
            assertThat(TestBrowser.location(page)).isEqualTo(service.uri("/login?to=%2Fme"));
            provider.refreshStatus = 200;
            assertThat(browser.open(service.uri("/me")).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void anOutageIsA503ThatSaysWhenToComeBack() {
        try (TestService.Running service = TestService.start(provider)) {
            browser.open(service.uri("/login"));
            provider.revokeAll();
            provider.refreshStatus = 503;
            HttpResponse<String> script = browser.fetch(service.uri("/me"));
            assertThat(script.statusCode()).isEqualTo(503);
            assertThat(script.headers().firstValue("Retry-After"))
                    .hasValueSatisfying(
                            seconds -> assertThat(Integer.parseInt(seconds)).isBetween(6, 9));
            assertThat(script.headers().firstValue("Content-Type")).hasValue("application/problem+json");
            HttpResponse<String> page = browser.get(service.uri("/me"));
            assertThat(page.statusCode()).isEqualTo(503);
            assertThat(page.body()).contains("Try again");
            assertThat(script.body() + page.body()).doesNotContain("access-", "refresh-");
        }
    }

    @Test
    @Tag("E55")
    void aHundredOpenStreamsEndByThemselvesAtShutdown() {
        // A stream that did not end would hold the shutdown up for longer than this test may take.
        TestService.Running service = TestService.start(provider, "spring.lifecycle.timeout-per-shutdown-phase=2m");
        browser.open(service.uri("/login"));
        List<HttpResponse<InputStream>> streams =
                Stream.generate(() -> browser.stream(service.uri("/states"))).limit(100).toList().stream()
                        .map(CompletableFuture::join)
                        .toList();
        TokenSession session = session(service, browser);

        service.close();

        assertThat(streams).allSatisfy(stream -> {
            assertThat(stream.statusCode()).isEqualTo(200);
            assertThat(new String(stream.body().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("event:state\n")
                    .contains("\"status\":\"VALID\"")
                    .contains("\"status\":\"CLOSED\"")
                    .endsWith("\n\n");
        });
        assertThat(session.state().status()).isEqualTo(Status.CLOSED);
    }

    @Test
    @Tag("E55")
    void aGrantThatEndsIsAnEventOfAnOpenStreamAndNoError() throws IOException {
        try (TestService.Running service = TestService.start(provider)) {
            browser.open(service.uri("/login"));
            HttpResponse<InputStream> stream =
                    browser.stream(service.uri("/states")).join();
            TokenSession session = session(service, browser);
            provider.refreshStatus = 400;
            session.refresh().onErrorComplete().block();
            assertThat(session.state().status()).isEqualTo(Status.LOGIN_REQUIRED);
            session.disposeLater().block();
            String events = new String(stream.body().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(events)
                    .startsWith("event:state\n")
                    .contains("\"status\":\"CLOSED\"")
                    .endsWith("\n\n")
                    .doesNotContain("access-", "refresh-");
        }
    }

    @Test
    void aUserWhoWasSignedOutElsewhereIsAskedForALogin() {
        try (TestService.Running service = TestService.start(provider)) {
            browser.open(service.uri("/login"));
            service.context()
                    .getBean(TokenSessions.class)
                    .signOut(CookieUsers.key(browser.cookie("tokenswap-user")))
                    .block();
            assertThat(browser.fetch(service.uri("/me")).statusCode()).isEqualTo(401);
        }
    }

    @Test
    void thePrincipalIsTheUserWhereThePropertySaysSo() {
        Class<?>[] sources = {TestService.class, Accounts.class};
        try (TestService.Running service = TestService.start(provider, sources, "tokenswap.user=principal")) {
            TestBrowser anywhere = new TestBrowser();
            assertThat(signIn(service, browser, "alice")).isEqualTo(303);
            assertThat(browser.cookie("tokenswap-user")).isEmpty();
            assertThat(anywhere.get(service.uri("/me"), "Account", "alice").statusCode())
                    .isEqualTo(200);
            assertThat(anywhere.get(service.uri("/me"), "Account", "bob").statusCode())
                    .isEqualTo(303);
            assertThat(anywhere.get(service.uri("/me")).statusCode()).isEqualTo(303);
            assertThat(anywhere.post(service.uri("/logout"), "Account", "alice", "Sec-Fetch-Site", "same-origin")
                            .statusCode())
                    .isEqualTo(303);
            assertThat(browser.get(service.uri("/me"), "Account", "alice").statusCode())
                    .isEqualTo(303);
        }
    }

    @Test
    void aSignInWithoutAUserIsRefused() {
        Class<?>[] sources = {TestService.class, Accounts.class};
        try (TestService.Running service = TestService.start(provider, sources, "tokenswap.user=principal")) {
            HttpResponse<String> page = browser.open(service.uri("/login"));
            assertThat(page.statusCode()).isEqualTo(400);
            assertThat(page.body()).contains("does not know whose sign-in this is");
        }
    }

    private static int signIn(TestService.Running service, TestBrowser browser, String account) {
        return browser.get(browser.openUntil(service.uri("/login"), "/auth"), "Account", account)
                .statusCode();
    }

    /** Accounts of the service's own, by a header. */
    @Configuration(proxyBeanMethods = false)
    static class Accounts {

        @Bean
        @Order(Ordered.HIGHEST_PRECEDENCE)
        WebFilter accounts() {
            return (exchange, chain) -> {
                String account = exchange.getRequest().getHeaders().getFirst("Account");
                Principal principal = () -> account;
                return chain.filter(
                        account == null
                                ? exchange
                                : exchange.mutate()
                                        .principal(Mono.just(principal))
                                        .build());
            };
        }
    }
}
