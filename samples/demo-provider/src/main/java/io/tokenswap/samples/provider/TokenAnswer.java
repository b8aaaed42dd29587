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
 * Writes the answer to a token request. Spring's own counts {@code expires_in} from the moment of writing and by the
 * system's clock, which makes 3599 of an hour; Spotify says 3600. Without rotation the
 * answer to a refresh has no refresh token, as Spotify's: the client keeps the one it has.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749, section 5.1</a>
 */
final class TokenAnswer implements AuthenticationSuccessHandler {

    private final long expiresIn;
    private final boolean rotate;

    TokenAnswer(Settings settings) {
        this.expiresIn = settings.accessTokenLifetime().toSeconds();
        this.rotate = settings.rotateRefreshTokens();
    }

    @Override
    public void onAuthenticationSuccess(
            HttpServletRequest request, HttpServletResponse response, Authentication authentication)
            throws IOException {
        OAuth2AccessTokenAuthenticationToken issued = (OAuth2AccessTokenAuthenticationToken) authentication;
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put(OAuth2ParameterNames.ACCESS_TOKEN, issued.getAccessToken().getTokenValue());
        answer.put(
                OAuth2ParameterNames.TOKEN_TYPE,
                issued.getAccessToken().getTokenType().getValue());
        answer.put(OAuth2ParameterNames.EXPIRES_IN, expiresIn);
        OAuth2RefreshToken refreshToken = issued.getRefreshToken();
        boolean isNew = rotate || !isRefresh(request);
        if (refreshToken != null && isNew) {
            answer.put(OAuth2ParameterNames.REFRESH_TOKEN, refreshToken.getTokenValue());
        }
        answer.put(
                OAuth2ParameterNames.SCOPE,
                String.join(" ", issued.getAccessToken().getScopes()));
        Json.write(response, HttpServletResponse.SC_OK, answer);
    }

    private static boolean isRefresh(HttpServletRequest request) {
        return AuthorizationGrantType.REFRESH_TOKEN
                .getValue()
                .equals(request.getParameter(OAuth2ParameterNames.GRANT_TYPE));
    }
}
