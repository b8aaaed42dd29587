package io.tokenswap;

import java.net.URI;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Authorization code of a validated response. A code works once. It carries what the token request must repeat from the
 * login: the redirect URI and the code verifier. Immutable and safe for use by any thread; {@link #toString()} prints
 * no secret.
 *
 * @see AuthorizationRequest#validate(String)
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
public final class AuthorizationCode {

    private final String value;
    private final URI redirectUri;
    private final @Nullable CodeVerifier codeVerifier;
    private final Set<String> scopes;

    private AuthorizationCode(String value, URI redirectUri, @Nullable CodeVerifier codeVerifier, Set<String> scopes) {
        this.value = Objects.requireNonNull(value, "value");
        this.redirectUri = Objects.requireNonNull(redirectUri, "redirectUri");
        this.codeVerifier = codeVerifier;
        this.scopes = Set.copyOf(scopes);
    }

    /**
     * Wraps a code whose state the caller has already checked. Code that reads a redirect uses
     * {@link AuthorizationRequest#validate(String)} instead.
     *
     * @param value the code
     * @param redirectUri the URI to which the provider sent the browser
     * @param codeVerifier the verifier of the login, or null if its request carried no challenge
     * @return the code
     */
    public static AuthorizationCode of(String value, URI redirectUri, @Nullable CodeVerifier codeVerifier) {
        return new AuthorizationCode(value, redirectUri, codeVerifier, Set.of());
    }

    /**
     * Wraps a code as {@link #of(String, URI, CodeVerifier)} does, with the scopes that were requested.
     *
     * @param value the code
     * @param redirectUri the URI to which the provider sent the browser
     * @param codeVerifier the verifier of the login, or null if its request carried no challenge
     * @param scopes the requested scopes, which the token has unless the server returns others
     * @return the code
     */
    public static AuthorizationCode of(
            String value, URI redirectUri, @Nullable CodeVerifier codeVerifier, Set<String> scopes) {
        return new AuthorizationCode(value, redirectUri, codeVerifier, scopes);
    }

    /**
     * Returns the code itself, as the authorization response carried it.
     *
     * @return the secret
     */
    public String secret() {
        return value;
    }

    /**
     * Returns the URI at which the code was received.
     *
     * @return the redirect URI of the login
     */
    public URI redirectUri() {
        return redirectUri;
    }

    /**
     * Returns the verifier of the login.
     *
     * @return the verifier, or null if the request carried no challenge
     */
    public @Nullable CodeVerifier codeVerifier() {
        return codeVerifier;
    }

    /**
     * Returns the scopes that were requested.
     *
     * @return the scopes, unmodifiable
     */
    public Set<String> scopes() {
        return scopes;
    }

    @Override
    public String toString() {
        return "AuthorizationCode[redacted, redirectUri=" + redirectUri + ", scopes=" + scopes + "]";
    }
}
