package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;

/**
 * Refuses an API request with the header of RFC 6750 and the body of Spotify:
 * {@code {"error": {"status": 401, "message": "The access token expired"}}}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3">RFC 6750, section 3</a>
 */
final class BearerErrors implements AuthenticationEntryPoint, AccessDeniedHandler {

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException failure)
            throws IOException {
        if (failure instanceof OAuth2AuthenticationException refused) {
            OAuth2Error error = refused.getError();
            int status = error instanceof BearerTokenError bearer
                    ? bearer.getHttpStatus().value()
                    : HttpServletResponse.SC_UNAUTHORIZED;
            refuse(response, status, error.getErrorCode(), "Invalid access token");
        } else {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer"); // no error code if nothing was sent
            write(response, HttpServletResponse.SC_UNAUTHORIZED, "No token provided");
        }
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException denied)
            throws IOException {
        refuse(response, HttpServletResponse.SC_FORBIDDEN, "insufficient_scope", "Insufficient client scope");
    }

    private static void refuse(HttpServletResponse response, int status, String code, String message)
            throws IOException {
        response.setHeader(
                HttpHeaders.WWW_AUTHENTICATE, "Bearer error=\"" + code + "\", error_description=\"" + message + "\"");
        write(response, status, message);
    }

    private static void write(HttpServletResponse response, int status, String message) throws IOException {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("status", status);
        error.put("message", message);
        Json.write(response, status, Map.of("error", error));
    }
}
