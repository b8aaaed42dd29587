package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2RefreshToken;
import org.springframework.security.oauth2.core.endpoint.OAuth2ParameterNames;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AccessTokenAuthenticationToken;
import org.springframework.security.web.authentication.AuthenticationSuccessHandler;

/**
 * Writes the response to a token request. Spring counts {@code expires_in} from the moment of writing, which makes 3599
 * seconds of an hour, where Spotify sends 3600. Without rotation the response to a refresh has no refresh token, as at
 * Spotify, and the client keeps the one that it has.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749, section 5.1</a>
 */
final class TokenResponseWriter implements AuthenticationSuccessHandler {

    private final long expiresIn;
    private final boolean rotate;

    TokenResponseWriter(Settings settings) {
        this.expiresIn = settings.accessTokenLifetime().toSeconds();
        this.rotate = settings.rotateRefreshTokens();
    }

    @Override
    public void onAuthenticationSuccess(
            HttpServletRequest request, HttpServletResponse response, Authentication authentication)
            throws IOException {
        OAuth2AccessTokenAuthenticationToken issued = (OAuth2AccessTokenAuthenticationToken) authentication;
        Map<String, Object> members = new LinkedHashMap<>();
        members.put(OAuth2ParameterNames.ACCESS_TOKEN, issued.getAccessToken().getTokenValue());
        members.put(
                OAuth2ParameterNames.TOKEN_TYPE,
                issued.getAccessToken().getTokenType().getValue());
        members.put(OAuth2ParameterNames.EXPIRES_IN, expiresIn);
        OAuth2RefreshToken refreshToken = issued.getRefreshToken();
        boolean isNew = rotate || !isRefresh(request);
        if (refreshToken != null && isNew) {
            members.put(OAuth2ParameterNames.REFRESH_TOKEN, refreshToken.getTokenValue());
        }
        members.put(
                OAuth2ParameterNames.SCOPE,
                String.join(" ", issued.getAccessToken().getScopes()));
        Json.write(response, HttpServletResponse.SC_OK, members);
    }

    private static boolean isRefresh(HttpServletRequest request) {
        return AuthorizationGrantType.REFRESH_TOKEN
                .getValue()
                .equals(request.getParameter(OAuth2ParameterNames.GRANT_TYPE));
    }
}
