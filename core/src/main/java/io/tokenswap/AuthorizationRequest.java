package io.tokenswap;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One login: where the browser is sent, and what must come back. Holds the state and the {@link CodeVerifier} of this login
 * alone; build another for the next one. Immutable and safe for use by any thread; {@link #toString()} prints no secret.
 *
 * <p>The browser is sent to {@link #uri()}. Whoever serves the redirect URI, {@code LoopbackReceiver} or a controller of the
 * application, hands the raw query of every hit to {@link #validate(String)}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1">RFC 6749 section 4.1.1</a>
 */
public final class AuthorizationRequest {

    /** Providers hand out codes of up to 5 KiB. A request line of 8 KiB holds this much beside the other parameters. */
    private static final int LONGEST_CODE = 7 * 1024;

    private static final int LONGEST_STATE = 1024;
    private static final List<String> ONCE = List.of("code", "state", "error", "error_description", "error_uri", "iss");

    private final URI authorizeUri;
    private final URI redirectUri;
    private final Set<String> scopes;
    private final Map<String, String> parameters;
    private final @Nullable String clientId;
    private final @Nullable String issuer;
    private final String state;
    private final CodeVerifier codeVerifier;

    private AuthorizationRequest(Builder builder, URI redirectUri) {
        this.authorizeUri = builder.authorizeUri;
        this.redirectUri = redirectUri;
        this.scopes = builder.scopes;
        this.parameters = new LinkedHashMap<>(builder.parameters);
        this.clientId = builder.clientId;
        this.issuer = builder.issuer;
        SecureRandom random = builder.random == null ? Seeded.RANDOM : builder.random;
        byte[] state = new byte[32];
        random.nextBytes(state);
        this.state = Base64.getUrlEncoder().withoutPadding().encodeToString(state);
        this.codeVerifier = CodeVerifier.create(random);
    }

    /**
     * A request in the making. {@code ExchangeServerEndpoint.authorizationRequest()} knows the URI.
     *
     * @param authorizeUri the authorize page of the exchange server, or of the provider when {@link Builder#clientId} is given
     * @return a new builder
     */
    public static Builder builder(URI authorizeUri) {
        return new Builder(authorizeUri);
    }

    /**
     * Where to send the browser.
     *
     * @return the authorize page with all parameters. It holds the state: show it to the user, never log it
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4.3">RFC 7636 section 4.3</a>
     */
    public URI uri() {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("response_type", "code");
        if (clientId == null) {
            // An exchange server adds its client id and its own redirect URI; this names where it sends the code on to.
            query.put("server_uri", redirectUri.toString());
        } else {
            query.put("client_id", clientId);
            query.put("redirect_uri", redirectUri.toString());
        }
        query.put("state", state);
        if (!scopes.isEmpty()) {
            query.put("scope", String.join(" ", scopes));
        }
        query.put("code_challenge", codeVerifier.challenge());
        query.put("code_challenge_method", "S256");
        query.putAll(parameters);

        String page = authorizeUri.toString();
        boolean hasQuery = authorizeUri.getRawQuery() != null;
        String separator = !hasQuery ? "?" : page.endsWith("?") || page.endsWith("&") ? "" : "&";
        if (authorizeUri.getRawPath().isEmpty() && !hasQuery) {
            separator = "/?"; // what browsers make of it, and people expect
        }
        return URI.create(query.entrySet().stream()
                .map(entry -> QueryString.encode(entry.getKey()) + "=" + QueryString.encode(entry.getValue()))
                .collect(Collectors.joining("&", page + separator, "")));
    }

    /**
     * Where the code is to arrive.
     *
     * @return the redirect URI
     */
    public URI redirectUri() {
        return redirectUri;
    }

    /**
     * Validates an authorization response: a request that arrived at the redirect URI.
     *
     * <p>A request without the state of this login is {@linkplain AuthorizationResponse.Ignored ignored}, and so is a malformed or
     * ambiguous one: anybody can send those. Every other request ends the login, with a code or with an error. The state is compared
     * in constant time.
     *
     * <p>A parameter without a value counts as omitted. The method is pure and may be called for the same request again. The caller
     * therefore decides that only the first response counts.
     *
     * @param rawQuery the query of the request, still escaped; null for none
     * @return the code, the error that ends the login, or the reason to keep waiting
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9207#section-2.4">RFC 9207 section 2.4</a>
     */
    public AuthorizationResponse validate(@Nullable String rawQuery) {
        Map<String, List<String>> query = QueryString.parse(rawQuery == null ? "" : rawQuery);
        if (query == null) {
            return new AuthorizationResponse.Ignored("The query is malformed");
        }
        if (ONCE.stream().anyMatch(name -> query.getOrDefault(name, List.of()).size() > 1)) {
            return new AuthorizationResponse.Ignored("A parameter is repeated");
        }
        if (query.containsKey("access_token")) {
            return new AuthorizationResponse.Ignored("The URL contains an access token");
        }
        String receivedState = value(query, "state");
        if (receivedState == null || receivedState.length() > LONGEST_STATE || !matchesState(receivedState)) {
            return new AuthorizationResponse.Ignored("The state is not the one of this login");
        }
        if (issuer != null && !issuer.equals(value(query, "iss"))) {
            return failed(
                    "The response is not from the expected issuer " + issuer + ". Do not trust it. Sign in again.");
        }
        String code = value(query, "code");
        String error = value(query, "error");
        if (error != null) {
            return code == null
                    ? denied(without(receivedState, error), without(receivedState, value(query, "error_description")))
                    : failed("The response contains both a code and an error. Sign in again.");
        }
        if (code == null) {
            // Only this login's own redirect knows the state. The PHP exchange server sends exactly this after a
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
     * Accepts a code without its state, for a code that the user types in. Most callers want {@link #validate(String)}.
     *
     * <p>Dangerous: without a state, a code of somebody else cannot be recognized here. The only protection left is PKCE: the server
     * must refuse a code that comes with the wrong verifier.
     *
     * @param code the code, as the provider or the exchange server showed it
     * @return the code with the redirect URI and the verifier of this login
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4.6">RFC 7636 section 4.6</a>
     */
    public AuthorizationCode unsafeCodeWithoutState(String code) {
        return AuthorizationCode.of(code, redirectUri, codeVerifier, scopes);
    }

    private boolean matchesState(String received) {
        return MessageDigest.isEqual(received.getBytes(StandardCharsets.UTF_8), state.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns an empty text in place of one that repeats the state, plain or between characters that are dropped before display. */
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

    /** Returns the value of a parameter. One without a value counts as omitted (RFC 6749 section 3.1). */
    private static @Nullable String value(Map<String, List<String>> query, String name) {
        List<String> values = query.get(name);
        return values == null || values.get(0).isEmpty() ? null : values.get(0);
    }

    /** Names neither state nor verifier. */
    @Override
    public String toString() {
        return "AuthorizationRequest[" + authorizeUri + ", redirectUri=" + redirectUri + ", scopes=" + scopes + "]";
    }

    /** Collects what an {@link AuthorizationRequest} asks for; each build makes a new login. Not safe for use by several threads. */
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
        private @Nullable SecureRandom random;

        private Builder(URI authorizeUri) {
            if (!authorizeUri.isAbsolute() || authorizeUri.isOpaque() || authorizeUri.getRawFragment() != null) {
                throw new IllegalArgumentException(
                        "The authorize URI must be absolute and without a fragment: " + authorizeUri);
            }
            this.authorizeUri = authorizeUri;
        }

        /**
         * Asks for scopes.
         *
         * @param scopes the scopes, none by default: the provider's own default then holds
         * @return this builder
         * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.3">RFC 6749 section 3.3</a>
         */
        public Builder scopes(String... scopes) {
            return scopes(Arrays.asList(scopes));
        }

        /**
         * Asks for scopes.
         *
         * @param scopes the scopes, none by default: the provider's own default then holds
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
         * Asks Spotify to show its consent page again to a user who has already consented. Other providers have a parameter of another
         * name for this, often {@code prompt}: see {@link #parameter(String, String)}.
         *
         * @return this builder
         */
        public Builder showDialog() {
            return parameter("show_dialog", "true");
        }

        /**
         * Adds a parameter that is the provider's own.
         *
         * @param name its name, none of those that this class sets
         * @param value its value, unescaped
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
         * Sends the browser straight to the provider, for a client id that is no secret. The provider must know the redirect
         * URI, and the code is swapped through the exchange server all the same.
         *
         * @param clientId the client id, none by default: the exchange server adds its own
         * @return this builder
         */
        public Builder clientId(String clientId) {
            this.clientId = Objects.requireNonNull(clientId, "clientId");
            return this;
        }

        /**
         * Demands that the answer names its issuer, for a provider that does.
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
         * Replaces the source of state and verifier.
         *
         * @param random a cryptographically strong source; by default one that was seeded by the platform and never blocks
         * @return this builder
         */
        public Builder random(SecureRandom random) {
            this.random = Objects.requireNonNull(random, "random");
            return this;
        }

        /**
         * Starts a login with a state and a verifier of its own.
         *
         * @param redirectUri where the code is to arrive, the receiver's URI
         * @return a new request
         */
        public AuthorizationRequest build(URI redirectUri) {
            return new AuthorizationRequest(this, redirectUri);
        }
    }

    /**
     * Seeded once, by the first request, and from then on without a look at the operating system's source, which is a file: a
     * login may start on an event loop. Not earlier, as it takes longer than to bind a port.
     */
    private static final class Seeded {

        static final SecureRandom RANDOM = seeded();

        private Seeded() {}

        private static SecureRandom seeded() {
            try {
                SecureRandom random = SecureRandom.getInstance("DRBG");
                random.nextBytes(new byte[1]);
                return random;
            } catch (NoSuchAlgorithmException e) {
                return new SecureRandom();
            }
        }
    }
}
