package io.tokenswap;

import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.UrlEncoded;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The authorization request of one login, with its state and its {@link CodeVerifier}. Build another one for the next
 * login. Immutable and safe for use by any thread; {@link #toString()} prints no secret.
 *
 * <p>The browser is sent to {@link #uri()}. The redirect URI is served by {@code LoopbackReceiver} or by a controller
 * of the application, which passes the raw query of each request to {@link #validate(String)}. A server that cannot
 * keep the request in memory writes it into a cookie with {@link #seal(KeyRing)}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1">RFC 6749 section 4.1.1</a>
 */
public final class AuthorizationRequest {

    /**
     * Length limit of a code. Providers issue codes of up to 5 KiB, and a request line of 8 KiB holds this much beside
     * the other parameters.
     */
    private static final int LONGEST_CODE = 7 * 1024;

    private final URI authorizeUri;
    private final URI redirectUri;
    private final Set<String> scopes;
    private final Map<String, String> parameters;
    private final @Nullable String clientId;
    private final @Nullable String issuer;
    private final String state;
    private final @Nullable CodeVerifier codeVerifier;

    private AuthorizationRequest(Builder builder, URI redirectUri, String state, @Nullable CodeVerifier codeVerifier) {
        this.authorizeUri = builder.authorizeUri;
        this.redirectUri = Objects.requireNonNull(redirectUri, "redirectUri");
        this.scopes = builder.scopes;
        this.parameters = new LinkedHashMap<>(builder.parameters);
        this.clientId = builder.clientId;
        this.issuer = builder.issuer;
        this.state = state;
        this.codeVerifier = codeVerifier;
    }

    /**
     * Returns a builder. {@code ExchangeServerEndpoint.authorizationRequest()} knows the URI.
     *
     * @param authorizeUri the authorize page of the exchange server, or of the provider when {@link Builder#clientId} is given
     * @return a new builder
     */
    public static Builder builder(URI authorizeUri) {
        return new Builder(authorizeUri);
    }

    /**
     * Returns the URI that the browser is sent to.
     *
     * @return the authorize page with all parameters. It contains the state: show it to the user, never log it
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4.3">RFC 7636 section 4.3</a>
     */
    public URI uri() {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("response_type", "code");
        if (clientId == null) {
            // An exchange server adds its client id and its own redirect URI, and then forwards the code to this URI.
            query.put("server_uri", redirectUri.toString());
        } else {
            query.put("client_id", clientId);
            query.put("redirect_uri", redirectUri.toString());
        }
        query.put("state", state);
        if (!scopes.isEmpty()) {
            query.put("scope", String.join(" ", scopes));
        }
        if (codeVerifier != null) {
            query.put("code_challenge", codeVerifier.challenge());
            query.put("code_challenge_method", "S256");
        }
        query.putAll(parameters);

        String page = authorizeUri.toString();
        boolean hasQuery = authorizeUri.getRawQuery() != null;
        String separator = !hasQuery ? "?" : page.endsWith("?") || page.endsWith("&") ? "" : "&";
        if (authorizeUri.getRawPath().isEmpty() && !hasQuery) {
            separator = "/?"; // browsers add the slash, and users expect it
        }
        return URI.create(page + separator + UrlEncoded.formatQuery(query));
    }

    /**
     * Returns the URI at which the code arrives.
     *
     * @return the redirect URI
     */
    public URI redirectUri() {
        return redirectUri;
    }

    /**
     * Validates an authorization response: a request that arrived at the redirect URI.
     *
     * <p>A request without the state of this login is {@linkplain AuthorizationResponse.Ignored ignored}, and so is a
     * malformed or ambiguous one, because any program can send such a request. Every other request ends the login, with
     * a code or with an error. The state is compared in constant time.
     *
     * <p>A parameter without a value counts as omitted. The method has no side effects and returns the same result for
     * the same request. The caller must accept only the first response.
     *
     * @param rawQuery the query of the request, still escaped; null for none
     * @return the code, the error that ends the login, or the reason to keep waiting
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9207#section-2.4">RFC 9207 section 2.4</a>
     */
    public AuthorizationResponse validate(@Nullable String rawQuery) {
        return validate(RedirectParameters.parse(rawQuery));
    }

    /**
     * Validates an authorization response whose parameters were read before, by the same rules as
     * {@link #validate(String)}.
     *
     * @param received the parameters of the request
     * @return the code, the error that ends the login, or the reason to keep waiting
     */
    public AuthorizationResponse validate(RedirectParameters received) {
        String problem = received.problem();
        if (problem != null) {
            return new AuthorizationResponse.Ignored(problem);
        }
        String receivedState = received.state();
        if (receivedState == null || !matchesState(receivedState)) {
            return new AuthorizationResponse.Ignored("The state is not the one of this login");
        }
        if (issuer != null && !issuer.equals(received.value("iss"))) {
            return failed(
                    "The response is not from the expected issuer " + issuer + ". Do not trust it. Sign in again.");
        }
        String code = received.value("code");
        String error = received.value("error");
        if (error != null) {
            return code == null
                    ? denied(without(receivedState, error), without(receivedState, received.value("error_description")))
                    : failed("The response contains both a code and an error. Sign in again.");
        }
        if (code == null) {
            // Only the redirect of this login knows the state. The PHP exchange server sends exactly this after a
            // denial.
            return failed("The sign-in ended without a code. Was it refused? Sign in again to allow it.");
        }
        if (code.length() > LONGEST_CODE) {
            return failed("The code is longer than " + LONGEST_CODE / 1024
                    + " KiB, more than any provider is known to send. Sign in again.");
        }
        return new AuthorizationResponse.Granted(AuthorizationCode.of(code, redirectUri, codeVerifier, scopes));
    }

    /**
     * Accepts a code without its state, for example a code that the user types in. Most callers want
     * {@link #validate(String)}.
     *
     * <p>Dangerous: without a state, this method cannot recognize the code of another user. The only protection left is
     * PKCE: the server must reject a code that is presented with the wrong verifier.
     *
     * @param code the code, as the provider or the exchange server showed it
     * @return the code with the redirect URI and the verifier of this login
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4.6">RFC 7636 section 4.6</a>
     */
    public AuthorizationCode unsafeCodeWithoutState(String code) {
        return AuthorizationCode.of(code, redirectUri, codeVerifier, scopes);
    }

    /**
     * Writes this request as a sealed text, so that a login that begins here can end at another node or after a
     * restart. Put the text into a cookie of the browser that begins the login, and remove the cookie when the login
     * ends.
     *
     * @param keys the keys of all nodes that the login may end at
     * @return a text of base64url characters, usually less than 1,000. It reveals nothing of the request
     * @see #unseal
     */
    public String seal(KeyRing keys) {
        return Sealed.seal(this, keys);
    }

    /**
     * Restores a request from a sealed text.
     *
     * <p>A sealed text can be restored any number of times until it is too old. A login still cannot end twice, because
     * its code works once.
     *
     * @param sealed what {@link #seal} wrote; it may come from an untrusted source
     * @param keys the keys of this node
     * @param maxAge the longest time since the request was sealed
     * @return the request
     * @throws AuthorizationFailedException if the text was altered, has expired, or was sealed with an unknown key. The
     *     cause is a {@link KeyRing.OpenException}
     */
    public static AuthorizationRequest unseal(String sealed, KeyRing keys, Duration maxAge) {
        return Sealed.unseal(sealed, keys, maxAge);
    }

    private boolean matchesState(String received) {
        return MessageDigest.isEqual(received.getBytes(StandardCharsets.UTF_8), state.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Returns the text, or an empty one if the text repeats the state, even between characters that are dropped before
     * display.
     */
    private static String without(String state, @Nullable String text) {
        return text == null || text.replaceAll("[^A-Za-z0-9_-]", "").contains(state) ? "" : text;
    }

    private static AuthorizationResponse denied(String error, String description) {
        String said = OAuthText.description(description);
        String what = AuthorizationFailedException.ACCESS_DENIED.equals(error)
                ? "The sign-in was denied"
                : "The provider ended the sign-in with " + OAuthText.error(error);
        String remedy = switch (error) {
            case AuthorizationFailedException.ACCESS_DENIED -> "Sign in again to allow it.";
            case "server_error", "temporarily_unavailable" -> "Try again later.";
            default -> "Sign in again.";
        };
        return new AuthorizationResponse.Failed(new AuthorizationFailedException(
                what + (said == null ? "" : " (\"" + said + "\")") + ". " + remedy, error, null));
    }

    private static AuthorizationResponse failed(String message) {
        return new AuthorizationResponse.Failed(new AuthorizationFailedException(message, null, null));
    }

    /** Prints neither state nor verifier. */
    @Override
    public String toString() {
        return "AuthorizationRequest[" + authorizeUri + ", redirectUri=" + redirectUri + ", scopes=" + scopes + "]";
    }

    /** Sealed form of a request, in a separate class: most programs start with a login, and seal none. */
    private static final class Sealed {

        /** Purpose of the seal. */
        private static final String SEALED = "authorization request 1";

        private static final String PARAMETER = "p.";

        private Sealed() {}

        static String seal(AuthorizationRequest request, KeyRing keys) {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put("a", request.authorizeUri.toString());
            fields.put("r", request.redirectUri.toString());
            fields.put("s", request.state);
            if (request.codeVerifier != null) {
                fields.put("v", request.codeVerifier.secret());
            }
            if (!request.scopes.isEmpty()) {
                fields.put("o", String.join(" ", request.scopes));
            }
            if (request.clientId != null) {
                fields.put("c", request.clientId);
            }
            if (request.issuer != null) {
                fields.put("i", request.issuer);
            }
            request.parameters.forEach((name, value) -> fields.put(PARAMETER + name, value));
            return keys.seal(SEALED, "", UrlEncoded.formatQuery(fields).getBytes(StandardCharsets.US_ASCII));
        }

        static AuthorizationRequest unseal(String sealed, KeyRing keys, Duration maxAge) {
            byte[] content;
            try {
                content = keys.open(SEALED, "", sealed, Objects.requireNonNull(maxAge, "maxAge"));
            } catch (KeyRing.OpenException e) {
                throw new AuthorizationFailedException(
                        switch (e.reason()) {
                            case EXPIRED -> "The sign-in took too long. Start it again.";
                            case NEWER_KEY ->
                                "This node does not know the key of the sign-in yet. Try again in a moment.";
                            case UNKNOWN_KEY ->
                                "The sign-in was sealed with a key that is no longer known. Start it again.";
                            case FUTURE ->
                                "The sign-in was sealed by a node whose clock is ahead. Correct the clocks, and start it again.";
                            case ALTERED -> "This is no sign-in that waits here. Start it again.";
                        },
                        null,
                        e);
            }
            Map<String, String> fields = UrlEncoded.parseUnique(new String(content, StandardCharsets.US_ASCII));
            if (fields == null) {
                throw new IllegalStateException("A sealed request was written by another version of this library");
            }
            Builder builder = builder(URI.create(fields.getOrDefault("a", "")));
            fields.forEach((name, value) -> {
                if (name.startsWith(PARAMETER)) {
                    builder.parameter(name.substring(PARAMETER.length()), value);
                }
            });
            if (fields.containsKey("o")) {
                builder.scopes(fields.getOrDefault("o", "").split(" "));
            }
            builder.clientId = fields.get("c");
            builder.issuer = fields.get("i");
            String verifier = fields.get("v");
            return new AuthorizationRequest(
                    builder,
                    URI.create(fields.getOrDefault("r", "")),
                    fields.getOrDefault("s", ""),
                    verifier == null ? null : CodeVerifier.of(verifier));
        }
    }

    /** Builder of an {@link AuthorizationRequest}. Each build creates a new login. Not safe for use by several threads. */
    public static final class Builder {

        private static final Set<String> OWN = Set.of(
                "response_type",
                "server_uri",
                "client_id",
                "redirect_uri",
                "state",
                "scope",
                "code_challenge",
                "code_challenge_method");

        private final URI authorizeUri;
        private final Map<String, String> parameters = new LinkedHashMap<>();
        private Set<String> scopes = Set.of();
        private @Nullable String clientId;
        private @Nullable String issuer;
        private boolean withoutPkce;

        private Builder(URI authorizeUri) {
            if (!authorizeUri.isAbsolute() || authorizeUri.isOpaque() || authorizeUri.getRawFragment() != null) {
                throw new IllegalArgumentException(
                        "The authorize URI must be absolute and without a fragment: " + authorizeUri);
            }
            this.authorizeUri = authorizeUri;
        }

        /**
         * Sets the requested scopes.
         *
         * @param scopes the scopes; none by default, which means the provider's default scopes
         * @return this builder
         * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.3">RFC 6749 section 3.3</a>
         */
        public Builder scopes(String... scopes) {
            return scopes(Arrays.asList(scopes));
        }

        /**
         * Sets the requested scopes.
         *
         * @param scopes the scopes; none by default, which means the provider's default scopes
         * @return this builder
         */
        public Builder scopes(Collection<String> scopes) {
            for (String scope : scopes) {
                if (scope.isEmpty() || scope.indexOf(' ') >= 0) {
                    throw new IllegalArgumentException(
                            "A scope is one word, not \"" + scope + "\": give each its own argument");
                }
            }
            this.scopes = Collections.unmodifiableSet(new LinkedHashSet<>(scopes));
            return this;
        }

        /**
         * Asks Spotify to show its consent page again to a user who has already consented. Other providers use another
         * parameter, often {@code prompt}: see {@link #parameter(String, String)}.
         *
         * @return this builder
         */
        public Builder showDialog() {
            return parameter("show_dialog", "true");
        }

        /**
         * Adds a parameter that the provider defines.
         *
         * @param name the name, none of those that this class sets
         * @param value the value, unescaped
         * @return this builder
         */
        public Builder parameter(String name, String value) {
            if (OWN.contains(name)) {
                throw new IllegalArgumentException(name + " is set by the request itself");
            }
            parameters.put(name, value);
            return this;
        }

        /**
         * Sends the browser directly to the provider, for a client id that is no secret. The redirect URI must be
         * registered with the provider. The code is still swapped through the exchange server.
         *
         * @param clientId the client id, none by default: the exchange server adds its own
         * @return this builder
         */
        public Builder clientId(String clientId) {
            this.clientId = Objects.requireNonNull(clientId, "clientId");
            return this;
        }

        /**
         * Requires the response to name its issuer, for providers that support this.
         *
         * @param issuer the provider's issuer identifier, not checked by default
         * @return this builder
         * @see <a href="https://www.rfc-editor.org/rfc/rfc9207">RFC 9207</a>
         */
        public Builder issuer(String issuer) {
            this.issuer = Objects.requireNonNull(issuer, "issuer");
            return this;
        }

        /**
         * Sends no code challenge. Some exchange servers drop the verifier, so a provider that saw the challenge
         * refuses every swap.
         *
         * <p>Dangerous: PKCE no longer protects this login. A program that reads the code on its way through the
         * browser can swap it, and the server does not notice the code of another user in this login. Prefer a server
         * that forwards the verifier.
         *
         * @return this builder
         * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-1">RFC 7636 section 1</a>
         */
        public Builder unsafeWithoutPkce() {
            this.withoutPkce = true;
            return this;
        }

        /**
         * Creates the request of one login, with a state and a verifier of 256 random bits each. Never blocks.
         *
         * @param redirectUri the URI at which the code is to arrive, for example that of the receiver
         * @return a new request
         */
        public AuthorizationRequest build(URI redirectUri) {
            return new AuthorizationRequest(
                    this, redirectUri, RandomBytes.base64Url(32), withoutPkce ? null : CodeVerifier.create());
        }
    }
}
