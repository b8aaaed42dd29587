package io.tokenswap.samples.provider;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsent;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsentService;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationContext;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationException;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationConsentAuthenticationContext;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationConsentAuthenticationToken;

/**
 * Consents of the user: the granted scopes, the rule for asking again, and the effect of the buttons Allow and Cancel.
 */
final class Consents implements OAuth2AuthorizationConsentService {

    /** The consent form's field that says which button was pressed. */
    static final String DECISION = "decision";

    static final String ALLOW = "allow";

    private final Map<String, OAuth2AuthorizationConsent> consents = new ConcurrentHashMap<>();
    private final boolean autoApprove;

    Consents(boolean autoApprove) {
        this.autoApprove = autoApprove;
    }

    @Override
    public void save(OAuth2AuthorizationConsent consent) {
        consents.put(key(consent.getRegisteredClientId(), consent.getPrincipalName()), consent);
    }

    @Override
    public void remove(OAuth2AuthorizationConsent consent) {
        consents.remove(key(consent.getRegisteredClientId(), consent.getPrincipalName()));
    }

    @Override
    public @Nullable OAuth2AuthorizationConsent findById(String registeredClientId, String principalName) {
        return consents.get(key(registeredClientId, principalName));
    }

    void forgetAll() {
        consents.clear();
    }

    /**
     * Returns true if the user is to be asked. As at Spotify, the user is asked once for the same scopes, and each time
     * that the application sends {@code show_dialog}.
     */
    boolean mustAsk(OAuth2AuthorizationCodeRequestAuthenticationContext context) {
        if (autoApprove) {
            return false;
        }
        OAuth2AuthorizationRequest request = Objects.requireNonNull(context.getAuthorizationRequest());
        OAuth2AuthorizationConsent consent = context.getAuthorizationConsent();
        // SpotifyAPI-NET writes "True".
        boolean showDialog = "true"
                .equalsIgnoreCase(
                        String.valueOf(request.getAdditionalParameters().get("show_dialog")));
        return showDialog || consent == null || !consent.getScopes().containsAll(request.getScopes());
    }

    /**
     * Decides by the button. Spring decides by the scopes, where none means no. After a Cancel that would grant the
     * scopes that were granted before, a request without scopes could never be granted, and the error would name the
     * {@code client_id}.
     */
    static void decide(OAuth2AuthorizationConsentAuthenticationContext context) {
        OAuth2AuthorizationConsentAuthenticationToken consent = context.getAuthentication();
        if (!ALLOW.equals(consent.getAdditionalParameters().get(DECISION))) {
            throw denied(consent, Objects.requireNonNull(context.getAuthorizationRequest()));
        }
        // Spring wants one authority at least, and a request without scopes brings none.
        context.getAuthorizationConsent().authority(new SimpleGrantedAuthority(ALLOW));
    }

    private static OAuth2AuthorizationCodeRequestAuthenticationException denied(
            OAuth2AuthorizationConsentAuthenticationToken consent, OAuth2AuthorizationRequest request) {
        return new OAuth2AuthorizationCodeRequestAuthenticationException(
                new OAuth2Error(OAuth2ErrorCodes.ACCESS_DENIED),
                new OAuth2AuthorizationCodeRequestAuthenticationToken(
                        consent.getAuthorizationUri(),
                        consent.getClientId(),
                        (Authentication) consent.getPrincipal(),
                        request.getRedirectUri(),
                        request.getState(),
                        request.getScopes(),
                        null));
    }

    private static String key(String registeredClientId, String principalName) {
        return registeredClientId + ' ' + principalName;
    }
}
