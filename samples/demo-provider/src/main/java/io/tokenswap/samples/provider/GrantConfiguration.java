package io.tokenswap.samples.provider;

import java.time.Duration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2Token;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.AuthorizationServerSettings;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.OAuth2TokenFormat;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.authorization.token.DelegatingOAuth2TokenGenerator;
import org.springframework.security.oauth2.server.authorization.token.OAuth2AccessTokenGenerator;
import org.springframework.security.oauth2.server.authorization.token.OAuth2RefreshTokenGenerator;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenGenerator;

/** Configuration of the only client, of its tokens, and of the store of grants. */
@Configuration(proxyBeanMethods = false)
class GrantConfiguration {

    @Bean
    AuthorizationServerSettings authorizationServerSettings() {
        return AuthorizationServerSettings.builder()
                .authorizationEndpoint(SecurityConfiguration.AUTHORIZE_PATH)
                .tokenEndpoint(SecurityConfiguration.TOKEN_PATH)
                .build();
    }

    @Bean
    RegisteredClientRepository registeredClients(Settings settings) {
        return new InMemoryRegisteredClientRepository(RegisteredClient.withId("the-client")
                .clientId(settings.clientId())
                .clientSecret(settings.clientSecret())
                .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
                .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_POST)
                .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
                .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN)
                .redirectUris(uris -> uris.addAll(settings.redirectUris()))
                .scopes(scopes -> scopes.addAll(settings.scopes()))
                // Checked whenever a challenge was sent; Spring's default would refuse logins without one.
                .clientSettings(ClientSettings.builder().requireProofKey(false).build())
                .tokenSettings(TokenSettings.builder()
                        .accessTokenFormat(OAuth2TokenFormat.REFERENCE)
                        .accessTokenTimeToLive(settings.accessTokenLifetime())
                        .authorizationCodeTimeToLive(Duration.ofMinutes(10))
                        .refreshTokenTimeToLive(Duration.ofDays(180))
                        .reuseRefreshTokens(!settings.rotateRefreshTokens())
                        .build())
                .build());
    }

    @Bean
    OAuth2TokenGenerator<OAuth2Token> tokenGenerator(Settings settings) {
        OAuth2AccessTokenGenerator accessTokens = new OAuth2AccessTokenGenerator();
        accessTokens.setClock(settings.clock());
        return new DelegatingOAuth2TokenGenerator(accessTokens, new OAuth2RefreshTokenGenerator());
    }

    @Bean
    GrantStore grantStore(Settings settings) {
        return new GrantStore(settings.clock(), settings.detectReuse());
    }

    @Bean
    Consents consents(Settings settings) {
        return new Consents(settings.autoApprove());
    }
}
