package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.web.HttpRequestHandler;

/** The demo user as {@code GET /v1/me} shows them; the e-mail address only with the scope {@code user-read-email}. */
final class MeResource implements HttpRequestHandler {

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Authentication caller = (Authentication) request.getUserPrincipal();
        String name = caller.getName();
        Map<String, Object> me = new LinkedHashMap<>();
        me.put("id", name);
        me.put("display_name", "Demo User");
        if (AuthorityUtils.authorityListToSet(caller.getAuthorities()).contains("SCOPE_user-read-email")) {
            me.put("email", "demo@example.com");
        }
        me.put("country", "SE");
        me.put("product", "premium");
        me.put("type", "user");
        me.put("uri", "spotify:user:" + name);
        me.put("href", request.getRequestURL().toString());
        me.put("followers", Map.of("total", 0));
        me.put("images", List.of());
        Json.write(response, HttpServletResponse.SC_OK, me);
    }
}
