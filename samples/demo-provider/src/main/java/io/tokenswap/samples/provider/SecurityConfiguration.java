package io.tokenswap.samples.provider;

import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.annotation.web.configurers.CsrfConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationProvider;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationValidator;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationConsentAuthenticationProvider;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.context.SecurityContextHolderFilter;

/**
 * Access rules: the API requires a bearer token, and all other paths belong to the authorization server with its two
 * pages.
 */
@Configuration(proxyBeanMethods = false)
@EnableWebSecurity
class SecurityConfiguration {

    static final String AUTHORIZE_PATH = "/authorize";
    static final String TOKEN_PATH = "/api/token";
    static final String SIGN_IN_PATH = "/login";
    static final String CONSENT_PATH = "/consent";
    static final String ME_PATH = "/v1/me";

    private static final String READ_PRIVATE = "SCOPE_user-read-private";

    @Bean
    @Order(1)
    SecurityFilterChain api(HttpSecurity http, GrantStore grants) {
        BearerErrors errors = new BearerErrors();
        return http.securityMatcher("/v1/**")
                .csrf(CsrfConfigurer::disable)
                .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                .authorizeHttpRequests(requests -> requests.requestMatchers(ME_PATH)
                        .hasAuthority(READ_PRIVATE)
                        .anyRequest()
                        .authenticated())
                .oauth2ResourceServer(
                        resource -> resource.opaqueToken(opaque -> opaque.introspector(new AccessTokenLookup(grants)))
                                .authenticationEntryPoint(errors)
                                .accessDeniedHandler(errors))
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain authorizationServer(
            HttpSecurity http, Settings settings, Consents consents, UserDetails demoUser) {
        if (settings.autoApprove()) {
            http.addFilterAfter(new AutoSignIn(demoUser), SecurityContextHolderFilter.class);
        }
        return http.addFilterAfter(new OneTokenRequestAtATime(), SecurityContextHolderFilter.class)
                .oauth2AuthorizationServer(server -> server.tokenEndpoint(
                                token -> token.accessTokenResponseHandler(new TokenResponseWriter(settings)))
                        .authorizationEndpoint(authorize -> authorize
                                .consentPage(CONSENT_PATH)
                                .authenticationProviders(providers -> adapt(providers, settings, consents))))
                .authorizeHttpRequests(paths -> paths.requestMatchers(AUTHORIZE_PATH, CONSENT_PATH)
                        .authenticated()
                        .anyRequest()
                        .permitAll())
                .formLogin(form -> form.loginPage(SIGN_IN_PATH))
                // Without it, only a client that accepts text/html would see the sign-in page.
                .exceptionHandling(failures ->
                        failures.authenticationEntryPoint(new LoginUrlAuthenticationEntryPoint(SIGN_IN_PATH)))
                // No form-action: browsers apply it to the redirect after the consent form, too.
                .headers(
                        headers -> headers.contentSecurityPolicy(
                                policy -> policy.policyDirectives(
                                        "default-src 'none';"
                                                + " style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'")))
                .build();
    }

    @Bean
    UserDetails demoUser() {
        return User.withUsername(DemoUser.NAME)
                .password(DemoUser.PASSWORD)
                .authorities(List.of())
                .build();
    }

    @Bean
    UserDetailsService users(UserDetails demoUser) {
        return new InMemoryUserDetailsManager(demoUser);
    }

    @Bean
    PasswordEncoder passwordEncoder() {
        return new PlainSecrets();
    }

    private static void adapt(List<AuthenticationProvider> providers, Settings settings, Consents consents) {
        for (AuthenticationProvider provider : providers) {
            if (provider instanceof OAuth2AuthorizationCodeRequestAuthenticationProvider request) {
                request.setAuthorizationConsentRequired(consents::mustAsk);
                request.setAuthenticationValidator(new RegisteredRedirectUris(settings.redirectUris())
                        .andThen(OAuth2AuthorizationCodeRequestAuthenticationValidator.DEFAULT_SCOPE_VALIDATOR));
            } else if (provider instanceof OAuth2AuthorizationConsentAuthenticationProvider consent) {
                consent.setAuthorizationConsentCustomizer(Consents::decide);
            }
        }
    }
}
