package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Mono;

/** Settings of Spring, and beans of an application, that change the surroundings of the starter. */
class ApplicationSettingsTest {

    private final FakeProvider provider = new FakeProvider();
    private final TestBrowser browser = new TestBrowser();

    @AfterEach
    void stop() {
        provider.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/app", "/app/"})
    void aBasePathPrecedesAllPathsOfTheSignIn(String basePath) {
        try (TestService.Running service = TestService.start(provider, "spring.webflux.base-path=" + basePath)) {
            HttpResponse<String> page = browser.get(service.uri("/app/me?x=1"));
            assertThat(TestBrowser.location(page)).isEqualTo(service.uri("/app/login?to=%2Fme%3Fx%3D1"));

            HttpResponse<String> back = browser.open(TestBrowser.location(page));

            assertThat(back.uri()).isEqualTo(service.uri("/app/me?x=1"));
            assertThat(back.statusCode()).isEqualTo(200);
            assertThat(browser.get(service.uri("/app/auth?state=x")).body())
                    .contains("href=\"/app/login\"", "href=\"/app/\"");
            HttpResponse<String> signedOut = browser.post(service.uri("/app/logout"), "Sec-Fetch-Site", "same-origin");
            assertThat(TestBrowser.location(signedOut)).isEqualTo(service.uri("/app/"));
            assertThat(browser.fetch(service.uri("/app/me")).statusCode()).isEqualTo(401);
        }
    }

    /** The proxy strips the prefix and sends it in a header. A public address with a path goes before that header. */
    @ParameterizedTest
    @CsvSource({
        "tokenswap.web.enabled=true, /music",
        "tokenswap.public-uri=http://localhost:0/music, /",
        "tokenswap.public-uri=http://localhost:0/music/, /other",
    })
    void aPrefixThatAProxyStripsPrecedesAllPathsInTheBrowser(String property, String header) {
        try (TestService.Running service =
                TestService.start(provider, property, "server.forward-headers-strategy=framework")) {
            String[] headers = {"X-Forwarded-Prefix", header};
            URI login = TestBrowser.location(browser.get(service.uri("/me?x=1"), headers));
            assertThat(login).isEqualTo(service.uri("/music/login?to=%2Fme%3Fx%3D1"));

            URI exchange = TestBrowser.location(browser.get(stripped(service, login), headers));
            URI redirect = TestBrowser.location(browser.get(exchange));
            assertThat(redirect.getPath()).isEqualTo("/music/auth");
            HttpResponse<String> end = browser.get(stripped(service, redirect), headers);
            assertThat(TestBrowser.location(end)).isEqualTo(service.uri("/music/me?x=1"));
            assertThat(end.headers().allValues("Set-Cookie"))
                    .hasSize(2)
                    .allMatch(cookie -> cookie.contains("; Path=/;"));
            assertThat(browser.get(service.uri("/me"), headers).statusCode()).isEqualTo(200);

            assertThat(browser.get(service.uri("/auth?state=x"), headers).body())
                    .contains("href=\"/music/login\"", "href=\"/music/\"");
            HttpResponse<String> signedOut =
                    browser.post(service.uri("/logout"), "Sec-Fetch-Site", "same-origin", headers[0], headers[1]);
            assertThat(TestBrowser.location(signedOut)).isEqualTo(service.uri("/music/"));
            assertThat(browser.get(service.uri("/me"), headers).statusCode()).isEqualTo(303);
        }
    }

    /** The request as the proxy passes it on. */
    private static URI stripped(TestService.Running service, URI uri) {
        return service.uri(
                uri.toString().substring(service.uri("/music").toString().length()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"//evil.example.com", "https://evil.example.com", "/a\"><script>", "/a b"})
    void aPrefixThatIsNoPathOfThisServiceIsNone(String prefix) {
        try (TestService.Running service = TestService.start(provider, "server.forward-headers-strategy=framework")) {
            HttpResponse<String> response = browser.get(service.uri("/me"), "X-Forwarded-Prefix", prefix);
            if (response.statusCode() == 303) {
                assertThat(TestBrowser.location(response)).isEqualTo(service.uri("/login?to=%2Fme"));
            } else {
                assertThat(response.statusCode()).isBetween(400, 499);
            }
        }
    }

    @Test
    void servicesUnderTwoPathsOfOneHostDoNotSignEachOthersUsersOut() {
        Class<?>[] sources = {TestService.class};
        try (TestService.Running first = TestService.start(provider, sources, "spring.webflux.base-path=/first");
                TestService.Running second = TestService.start(provider, sources, "spring.webflux.base-path=/second")) {
            browser.open(first.uri("/first/login"));
            browser.open(second.uri("/second/login"));
            assertThat(browser.fetch(first.uri("/first/me")).statusCode()).isEqualTo(200);
            assertThat(browser.fetch(second.uri("/second/me")).statusCode()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"spring.main.lazy-initialization=true", "spring.threads.virtual.enabled=true"})
    void usersSignInAndStreamsEndAtShutdownWith(String setting) throws Exception {
        Class<?>[] sources = {TestService.class, Meters.class};
        TestService.Running service =
                TestService.start(provider, sources, setting, "spring.lifecycle.timeout-per-shutdown-phase=2m");
        MeterRegistry meters = service.context().getBean(MeterRegistry.class);
        assertThat(meters.find("tokenswap.sessions").gauges()).hasSize(6);
        browser.open(service.uri("/login"));
        assertThat(browser.fetch(service.uri("/me")).statusCode()).isEqualTo(200);
        HttpResponse<InputStream> stream =
                browser.stream(service.uri("/states")).join();

        service.close();

        assertThat(new String(stream.body().readAllBytes(), StandardCharsets.UTF_8))
                .contains("\"status\":\"CLOSED\"")
                .endsWith("\n\n");
        assertThat(meters.find("tokenswap.sessions").gauges()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nameless", "blank", "anonymous"})
    void aPrincipalWithoutANameIsNoUser(String account) {
        Class<?>[] sources = {TestService.class, OddAccounts.class};
        try (TestService.Running service = TestService.start(provider, sources, "tokenswap.user=principal")) {
            assertThat(browser.get(service.uri("/me"), "Account", account).statusCode())
                    .isEqualTo(303);
            HttpResponse<String> end =
                    browser.get(browser.openUntil(service.uri("/login"), "/auth"), "Account", account);
            assertThat(end.statusCode()).isEqualTo(400);
            assertThat(end.body()).contains("does not know whose sign-in this is");
        }
    }

    /** Everything that a service with many users, refreshes, failures and sign-outs makes Micrometer keep. */
    @Test
    void metersNameNoUserAndNoTokenAndTheirNumberIsBounded() {
        Class<?>[] sources = {TestService.class, Meters.class};
        try (TestService.Running service = TestService.start(provider, sources)) {
            MeterRegistry meters = service.context().getBean(MeterRegistry.class);
            Set<String> secrets = new HashSet<>();
            work(service, secrets, 2);
            Set<Meter.Id> few = ids(meters);

            work(service, secrets, 20);

            assertThat(ids(meters)).isEqualTo(few);
            assertThat(few).hasSizeLessThan(40);
            assertThat(few.stream()
                            .flatMap(id -> id.getTags().stream())
                            .map(Tag::getValue)
                            .toList())
                    .allSatisfy(value -> assertThat(secrets).noneMatch(value::contains));
            assertThat(few.stream().map(Meter.Id::getName).distinct())
                    .containsExactlyInAnyOrder(
                            "tokenswap.sessions",
                            "tokenswap.session.events",
                            "tokenswap.grants.ending",
                            "tokenswap.token.request",
                            "tokenswap.token.request.active");
        }
    }

    private void work(TestService.Running service, Set<String> secrets, int users) {
        TokenSessions sessions = service.context().getBean(TokenSessions.class);
        for (int i = 0; i < users; i++) {
            TestBrowser user = new TestBrowser();
            user.open(service.uri("/login"));
            String cookie = user.cookie("tokenswap-user");
            TokenSession session =
                    Objects.requireNonNull(sessions.get(CookieUsers.key(cookie)).block());
            session.refresh().block();
            secrets.add(cookie);
            secrets.add(CookieUsers.key(cookie));
            secrets.add(session.state().fingerprint());
            provider.refreshStatus = 503;
            session.refresh().onErrorComplete().block();
            provider.refreshStatus = 400;
            session.invalidate(Objects.requireNonNull(session.token().block()));
            session.refresh().onErrorComplete().block();
            provider.refreshStatus = 200;
            user.post(service.uri("/logout"), "Sec-Fetch-Site", "same-origin");
        }
        secrets.add("access-");
        secrets.add("refresh-");
    }

    private static Set<Meter.Id> ids(MeterRegistry meters) {
        Set<Meter.Id> ids = new HashSet<>();
        meters.forEachMeter(meter -> {
            if (meter.getId().getName().startsWith("tokenswap")) {
                ids.add(meter.getId());
            }
        });
        return ids;
    }

    @Test
    void theSessionsOfASecondProviderCloseWithTheService() {
        Class<?>[] sources = {TestService.class, SecondProvider.class};
        TestService.Running service = TestService.start(provider, sources);
        TokenSessions second = service.context().getBean("second", TokenSessions.class);
        TokenSession session = Objects.requireNonNull(
                second.signIn("alice", SecondProvider.endpoint().grant()).block());
        List<Status> seen = new ArrayList<>();
        session.states().map(state -> state.status()).subscribe(seen::add);
        browser.open(service.uri("/login"));
        assertThat(browser.fetch(service.uri("/me")).statusCode()).isEqualTo(200);

        service.close();

        assertThat(second.isDisposed()).isTrue();
        assertThat(session.isDisposed()).isTrue();
    }

    @Configuration(proxyBeanMethods = false)
    static class Meters {

        @Bean
        MeterRegistry meterRegistry() {
            return new SimpleMeterRegistry();
        }

        @Bean
        ObservationRegistry observationRegistry(MeterRegistry meters) {
            ObservationRegistry registry = ObservationRegistry.create();
            registry.observationConfig()
                    .observationHandler(
                            new io.micrometer.core.instrument.observation.DefaultMeterObservationHandler(meters));
            return registry;
        }
    }

    /** The sessions of another provider, as the page about the starter shows them. */
    @Configuration(proxyBeanMethods = false)
    static class SecondProvider {

        static ScriptedEndpoint endpoint() {
            return new ScriptedEndpoint(new VirtualClock(), Duration.ofHours(1));
        }

        @Bean(defaultCandidate = false)
        @Qualifier("second") TokenSessions second() {
            return TokenSessions.builder(endpoint()).build();
        }
    }

    /** Principals that stand for no user, chosen by a header. */
    @Configuration(proxyBeanMethods = false)
    static class OddAccounts {

        @Bean
        @Order(Ordered.HIGHEST_PRECEDENCE)
        WebFilter accounts() {
            return (exchange, chain) -> {
                String account = exchange.getRequest().getHeaders().getFirst("Account");
                return chain.filter(
                        account == null
                                ? exchange
                                : exchange.mutate()
                                        .principal(Mono.just(principal(account)))
                                        .build());
            };
        }

        private static Principal principal(String account) {
            return switch (account) {
                case "anonymous" ->
                    new AnonymousAuthenticationToken(
                            "key", "anonymousUser", AuthorityUtils.createAuthorityList("ROLE_ANONYMOUS"));
                case "blank" -> () -> " ";
                default -> () -> null;
            };
        }
    }
}
