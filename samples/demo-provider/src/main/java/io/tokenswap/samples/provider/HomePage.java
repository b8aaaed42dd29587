package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.HttpRequestHandler;

/** Page at the root of the server that explains what the server is. */
final class HomePage implements HttpRequestHandler {

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Html.write(response, HttpServletResponse.SC_OK, "It runs", """
                <p>An OAuth 2.0 authorization server for demos and tests. An application sends your browser here when
                you log in; there is nothing to do before that.</p>
                <ul>
                <li>Log in<code>GET %s</code></li>
                <li>Redeem a code or a refresh token<code>POST %s</code></li>
                <li>Who am I<code>GET %s</code></li>
                </ul>
                """.formatted(
                SecurityConfiguration.AUTHORIZE_PATH, SecurityConfiguration.TOKEN_PATH, SecurityConfiguration.ME_PATH));
    }
}
