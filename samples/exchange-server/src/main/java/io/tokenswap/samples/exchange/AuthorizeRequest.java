package io.tokenswap.samples.exchange;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Authorization request of an application. Parameters that are not named here are dropped.
 *
 * @param returnUri the redirect URI of the login, from the list
 * @param state the state of the application, a secret
 * @param scopes the requested scopes, without repeated spaces
 * @param showDialog true if a user who has consented before is asked again
 * @param challenge the S256 challenge, or null from an application that knows no PKCE
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1">RFC 6749 section 4.1.1</a>
 */
record AuthorizeRequest(
        String returnUri,
        String state,
        List<String> scopes,
        boolean showDialog,
        @Nullable String challenge) {

    // SpotifyAPI-NET sends eight hexadecimal digits, which sets the lower end.
    private static final Pattern STATE = Pattern.compile("[\\x20-\\x7E]{8,512}");
    private static final Pattern SCOPE = Pattern.compile("[\\x21\\x23-\\x5B\\x5D-\\x7E]+");
    private static final Pattern CHALLENGE = Pattern.compile("[A-Za-z0-9_-]{43}");

    static AuthorizeRequest of(Map<String, String> parameters, ExchangeServerConfig config) {
        // Deployed clients leave it out.
        if (!"code".equals(parameters.getOrDefault("response_type", "code"))) {
            throw ErrorResponse.invalidRequest("The response_type must be code");
        }
        String state = parameters.get("state");
        if (state == null || !STATE.matcher(state).matches()) {
            throw ErrorResponse.invalidRequest("The state must have 8 to 512 printable ASCII characters");
        }
        String returnUri = returnUri(parameters, config.returnUris);
        return new AuthorizeRequest(
                returnUri,
                state,
                scopes(parameters.getOrDefault("scope", ""), config),
                // Outside of this machine the user is asked by the provider, too.
                showDialog(parameters.get("show_dialog")) || !AllowedRedirectUris.isLoopback(returnUri),
                challenge(parameters, config.requirePkce));
    }

    private static String returnUri(Map<String, String> parameters, AllowedRedirectUris permitted) {
        String serverUri = parameters.get("server_uri");
        String redirectUri = parameters.get("redirect_uri");
        if (serverUri != null && redirectUri != null && !serverUri.equals(redirectUri)) {
            throw ErrorResponse.invalidRequest("The server_uri and the redirect_uri differ");
        }
        String asked = serverUri == null ? redirectUri : serverUri;
        if (asked == null) {
            return permitted.first();
        }
        if (!permitted.permits(asked)) {
            throw ErrorResponse.invalidRequest(
                    "The application asks to return to an address that this server does not know");
        }
        return asked;
    }

    private static List<String> scopes(String text, ExchangeServerConfig config) {
        List<String> scopes =
                Arrays.stream(text.split(" ")).filter(word -> !word.isEmpty()).toList();
        for (String scope : scopes) {
            if (!SCOPE.matcher(scope).matches() || !(config.scopes.isEmpty() || config.scopes.contains(scope))) {
                throw new ErrorResponse(400, "invalid_scope", "The application asks for a scope that it may not have");
            }
        }
        return scopes;
    }

    private static boolean showDialog(@Nullable String text) {
        // SpotifyAPI-NET writes the booleans of its language: True and False.
        return switch (text == null ? "false" : text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw ErrorResponse.invalidRequest("The show_dialog must be true or false");
        };
    }

    private static @Nullable String challenge(Map<String, String> parameters, boolean required) {
        String challenge = parameters.get("code_challenge");
        String method = parameters.get("code_challenge_method");
        if (challenge == null && method == null && !required) {
            return null;
        }
        if (challenge == null || !CHALLENGE.matcher(challenge).matches() || !"S256".equals(method)) {
            throw ErrorResponse.invalidRequest("The code_challenge must be one of the method S256");
        }
        return challenge;
    }

    @Override
    public String toString() {
        return "AuthorizeRequest[returnUri=" + returnUri + ", scopes=" + scopes + "]";
    }
}
