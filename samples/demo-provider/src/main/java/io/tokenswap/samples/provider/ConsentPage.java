package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.endpoint.OAuth2ParameterNames;
import org.springframework.security.oauth2.server.authorization.OAuth2Authorization;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.web.HttpRequestHandler;

/**
 * Page that lists what the application asks for. Its content comes from the stored request of the state, and not from
 * the address of the page, which any site can forge.
 */
final class ConsentPage implements HttpRequestHandler {

    private static final OAuth2TokenType STATE = new OAuth2TokenType(OAuth2ParameterNames.STATE);

    private final GrantStore grants;

    ConsentPage(GrantStore grants) {
        this.grants = grants;
    }

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String state = request.getParameter(OAuth2ParameterNames.STATE);
        OAuth2Authorization pending = state == null ? null : grants.findByToken(state, STATE);
        if (pending == null) {
            response.sendError(HttpServletResponse.SC_BAD_REQUEST, "Nothing to decide: please start again.");
            return;
        }
        OAuth2AuthorizationRequest asked =
                Objects.requireNonNull(pending.getAttribute(OAuth2AuthorizationRequest.class.getName()));
        var scopes = new TreeSet<>(asked.getScopes());
        String listed = scopes.stream().map(ConsentPage::listItem).collect(Collectors.joining());
        String granted = scopes.stream().map(ConsentPage::hiddenField).collect(Collectors.joining());
        Html.write(response, HttpServletResponse.SC_OK, "Allow " + asked.getClientId() + "?", """
                <p>Signed in as <strong>%1$s</strong>. The application will be able to:</p>
                <ul>%2$s</ul>
                <p>Both buttons take you back to <strong>%3$s</strong>.</p>
                <form method="post" action="%4$s">
                <input type="hidden" name="client_id" value="%5$s">
                <input type="hidden" name="state" value="%6$s">
                %7$s
                <button id="allow" type="submit" name="%8$s" value="%9$s" autofocus>Allow</button>
                <button id="deny" type="submit" name="%8$s" value="deny" class="quiet">Cancel</button>
                </form>
                """.formatted(
                        Html.escape(pending.getPrincipalName()),
                        listed.isEmpty() ? "<li>Know that you are here, and no more</li>" : listed,
                        Html.escape(URI.create(Objects.requireNonNull(asked.getRedirectUri()))
                                .getAuthority()),
                        SecurityConfiguration.AUTHORIZE_PATH,
                        Html.escape(asked.getClientId()),
                        Html.escape(state),
                        granted,
                        Consents.DECISION,
                        Consents.ALLOW));
    }

    private static String listItem(String scope) {
        return "<li>" + Html.escape(Scopes.describe(scope)) + "<code>" + Html.escape(scope) + "</code></li>";
    }

    private static String hiddenField(String scope) {
        return "<input type=\"hidden\" name=\"scope\" value=\"" + Html.escape(scope) + "\">";
    }
}
