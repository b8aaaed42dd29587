package io.tokenswap.samples.provider;

import java.util.Map;
import java.util.Objects;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.oauth2.core.DefaultOAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.core.OAuth2TokenIntrospectionClaimNames;
import org.springframework.security.oauth2.server.resource.introspection.BadOpaqueTokenException;
import org.springframework.security.oauth2.server.resource.introspection.OpaqueTokenIntrospector;

/** Looks tokens up in the store of the same process, so that the next request refuses a revoked token. */
final class AccessTokenLookup implements OpaqueTokenIntrospector {

    private final GrantStore grants;

    AccessTokenLookup(GrantStore grants) {
        this.grants = grants;
    }

    @Override
    public OAuth2AuthenticatedPrincipal introspect(String value) {
        GrantStore.AccessToken found = grants.findAccessToken(value);
        if (found == null) {
            throw new BadOpaqueTokenException("The access token expired");
        }
        OAuth2AccessToken token = found.token();
        return new DefaultOAuth2AuthenticatedPrincipal(
                DemoUser.NAME,
                Map.of(OAuth2TokenIntrospectionClaimNames.EXP, Objects.requireNonNull(token.getExpiresAt())),
                AuthorityUtils.createAuthorityList(token.getScopes().stream()
                        .map(scope -> "SCOPE_" + scope)
                        .toList()));
    }
}
