package io.tokenswap.samples.provider;

import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationContext;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationException;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationToken;

/**
 * Allows a redirect URI if it is registered, byte for byte. A loopback address that is registered without a port allows
 * every port, because a desktop application uses any free one.
 *
 * <p>Spring's validator allows any port even if one is registered, and replaces a missing redirect URI by the only
 * registered one. Spotify does neither.
 */
final class RegisteredRedirectUris implements Consumer<OAuth2AuthorizationCodeRequestAuthenticationContext> {

    private static final Pattern LOOPBACK_WITHOUT_PORT = Pattern.compile("(http://(?:127\\.0\\.0\\.1|\\[::1]))(/.*)");

    private final List<Pattern> allowed;

    RegisteredRedirectUris(Collection<String> registered) {
        this.allowed = registered.stream().map(RegisteredRedirectUris::pattern).toList();
    }

    @Override
    public void accept(OAuth2AuthorizationCodeRequestAuthenticationContext context) {
        OAuth2AuthorizationCodeRequestAuthenticationToken request = context.getAuthentication();
        if (!allows(request.getRedirectUri())) {
            // Without a request inside, the exception cannot redirect, so no browser is sent to an address that is not
            // registered.
            throw new OAuth2AuthorizationCodeRequestAuthenticationException(
                    new OAuth2Error(OAuth2ErrorCodes.INVALID_REQUEST, "The redirect_uri is not registered.", null),
                    null);
        }
    }

    boolean allows(@Nullable String redirectUri) {
        return redirectUri != null
                && allowed.stream()
                        .anyMatch(pattern -> pattern.matcher(redirectUri).matches());
    }

    private static Pattern pattern(String registered) {
        Matcher loopback = LOOPBACK_WITHOUT_PORT.matcher(registered);
        if (loopback.matches()) {
            return Pattern.compile(
                    Pattern.quote(loopback.group(1)) + "(:[0-9]{1,5})?" + Pattern.quote(loopback.group(2)));
        }
        return Pattern.compile(Pattern.quote(registered));
    }
}
