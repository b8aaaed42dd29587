package io.tokenswap.benchmark;

import java.time.Duration;
import java.time.Instant;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.client.AuthorizedClientServiceReactiveOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.InMemoryReactiveOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.ReactiveOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.ReactiveOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.RefreshTokenReactiveOAuth2AuthorizedClientProvider;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.InMemoryReactiveClientRegistrationRepository;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2RefreshToken;
import org.springframework.security.oauth2.core.endpoint.OAuth2AccessTokenResponse;
import reactor.core.publisher.Mono;

/** Tokens of many users in memory, by Spring Security: its manager, with a refresh in this process. */
final class SpringClients {

    private static final String PROVIDER = "provider";

    private final ClientRegistration registration = ClientRegistration.withRegistrationId(PROVIDER)
            .clientId("client")
            .clientSecret("secret")
            .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
            .redirectUri("http://127.0.0.1/auth")
            .authorizationUri("http://127.0.0.1/authorize")
            .tokenUri("http://127.0.0.1/token")
            .build();

    private final InMemoryReactiveClientRegistrationRepository registrations =
            new InMemoryReactiveClientRegistrationRepository(registration);

    private final ReactiveOAuth2AuthorizedClientService clients =
            new InMemoryReactiveOAuth2AuthorizedClientService(registrations);

    /** Returns the manager. A refresh subscribes to {@code latency}, and emits a token when that emits. */
    ReactiveOAuth2AuthorizedClientManager manager(Mono<?> latency) {
        var provider = new RefreshTokenReactiveOAuth2AuthorizedClientProvider();
        provider.setAccessTokenResponseClient(
                request -> latency.map(tick -> OAuth2AccessTokenResponse.withToken("access")
                        .tokenType(OAuth2AccessToken.TokenType.BEARER)
                        .expiresIn(3600)
                        .build()));
        var manager = new AuthorizedClientServiceReactiveOAuth2AuthorizedClientManager(registrations, clients);
        manager.setAuthorizedClientProvider(provider);
        return manager;
    }

    /** Keeps a token that ends after a time, or has ended, and returns the request for it. */
    OAuth2AuthorizeRequest signIn(String name, Duration left) {
        Authentication user = new TestingAuthenticationToken(name, "password");
        Instant end = Instant.now().plus(left);
        Instant begin = end.minus(Duration.ofDays(2));
        OAuth2AccessToken token =
                new OAuth2AccessToken(OAuth2AccessToken.TokenType.BEARER, "access of " + name, begin, end);
        OAuth2RefreshToken refreshToken = new OAuth2RefreshToken("refresh of " + name, begin);
        clients.saveAuthorizedClient(new OAuth2AuthorizedClient(registration, name, token, refreshToken), user)
                .block();
        return OAuth2AuthorizeRequest.withClientRegistrationId(PROVIDER)
                .principal(user)
                .build();
    }
}
