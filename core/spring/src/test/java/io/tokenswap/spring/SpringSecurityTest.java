package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.reactive.EnableWebFluxSecurity;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.core.userdetails.MapReactiveUserDetailsService;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.security.web.server.csrf.CsrfWebFilter;
import org.springframework.security.web.server.util.matcher.AndServerWebExchangeMatcher;
import org.springframework.security.web.server.util.matcher.NegatedServerWebExchangeMatcher;
import org.springframework.security.web.server.util.matcher.ServerWebExchangeMatchers;

/** A service behind Spring Security, configured as the page about the starter says. */
class SpringSecurityTest {

    private static final String ALICE =
            "Basic " + Base64.getEncoder().encodeToString("alice:wonderland".getBytes(StandardCharsets.US_ASCII));
    private static final String BOB =
            "Basic " + Base64.getEncoder().encodeToString("bob:builder".getBytes(StandardCharsets.US_ASCII));

    private final FakeProvider provider = new FakeProvider();
    private final TestBrowser browser = new TestBrowser();

    @AfterEach
    void stop() {
        provider.close();
    }

    @Test
    void accountsHaveTheirOwnTokensAndSignOut() {
        Class<?>[] sources = {TestService.class, Security.class};
        try (TestService.Running service = TestService.start(provider, sources, "tokenswap.user=principal")) {
            assertThat(browser.get(service.uri("/me")).statusCode()).isEqualTo(401);
            HttpResponse<String> page = browser.get(service.uri("/me"), "Authorization", ALICE);
            assertThat(TestBrowser.location(page)).isEqualTo(service.uri("/login?to=%2Fme"));

            HttpResponse<String> signedIn =
                    browser.get(browser.openUntil(service.uri("/login?to=%2Fme"), "/auth"), "Authorization", ALICE);

            assertThat(TestBrowser.location(signedIn)).isEqualTo(service.uri("/me"));
            assertThat(browser.get(service.uri("/me"), "Authorization", ALICE).body())
                    .contains("access-");
            assertThat(browser.get(service.uri("/me"), "Authorization", BOB).statusCode())
                    .isEqualTo(303);
            assertThat(browser.post(service.uri("/logout"), "Authorization", ALICE, "Sec-Fetch-Site", "cross-site")
                            .statusCode())
                    .isEqualTo(403);
            assertThat(browser.post(service.uri("/logout"), "Authorization", ALICE, "Sec-Fetch-Site", "same-origin")
                            .statusCode())
                    .isEqualTo(303);
            assertThat(browser.get(service.uri("/me"), "Authorization", ALICE).statusCode())
                    .isEqualTo(303);
        }
    }

    @Test
    void aVisitorWithoutAnAccountIsAskedForIt() {
        Class<?>[] sources = {TestService.class, Security.class};
        try (TestService.Running service = TestService.start(provider, sources, "tokenswap.user=principal")) {
            HttpResponse<String> end = browser.open(service.uri("/login"));
            assertThat(end.statusCode()).isEqualTo(400);
            assertThat(end.body()).contains("does not know whose sign-in this is");
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableWebFluxSecurity
    static class Security {

        @Bean
        SecurityWebFilterChain security(ServerHttpSecurity http) {
            return http.authorizeExchange(paths -> paths.pathMatchers("/login", "/auth")
                            .permitAll()
                            .anyExchange()
                            .authenticated())
                    .httpBasic(Customizer.withDefaults())
                    .anonymous(Customizer.withDefaults())
                    .logout(ServerHttpSecurity.LogoutSpec::disable)
                    .csrf(csrf -> csrf.requireCsrfProtectionMatcher(new AndServerWebExchangeMatcher(
                            CsrfWebFilter.DEFAULT_CSRF_MATCHER,
                            new NegatedServerWebExchangeMatcher(
                                    ServerWebExchangeMatchers.pathMatchers(HttpMethod.POST, "/logout")))))
                    .build();
        }

        @Bean
        @SuppressWarnings("deprecation") // passwords of a test
        MapReactiveUserDetailsService accounts() {
            return new MapReactiveUserDetailsService(
                    User.withDefaultPasswordEncoder()
                            .username("alice")
                            .password("wonderland")
                            .roles("USER")
                            .build(),
                    User.withDefaultPasswordEncoder()
                            .username("bob")
                            .password("builder")
                            .roles("USER")
                            .build());
        }
    }
}
