package io.tokenswap.samples.exchange;

import io.tokenswap.CodeVerifier;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Swap or refresh, in any of the dialects. The path or {@code grant_type} says which; if both do, they must agree. A field
 * without a value counts as omitted: the single-URI dialect sends an unused field so.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3">RFC 6749 section 4.1.3</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-6">RFC 6749 section 6</a>
 */
sealed interface TokenRequest {

    /** Swap this code. The redirect URI is only checked; the verifier is null where the application knows no PKCE. */
    record Swap(
            String code,
            @Nullable String redirectUri,
            @Nullable CodeVerifier verifier) implements TokenRequest {
        @Override
        public String toString() {
            return "Swap[redacted]";
        }
    }

    /** Refresh with this token, whatever its text. */
    record Refresh(String refreshToken) implements TokenRequest {
        @Override
        public String toString() {
            return "Refresh[redacted]";
        }
    }

    /**
     * The request that a body makes.
     *
     * @param parameters the fields of the body
     * @param byPath the grant type of the path, or null for the URI that serves both
     */
    static TokenRequest of(Map<String, String> parameters, @Nullable GrantType byPath) {
        return switch (grantType(Fields.value(parameters, "grant_type"), byPath)) {
            case AUTHORIZATION_CODE ->
                new Swap(
                        Fields.required(parameters, "code"),
                        Fields.value(parameters, "redirect_uri"),
                        Fields.verifier(parameters));
            case REFRESH_TOKEN -> new Refresh(Fields.sent(parameters, "refresh_token"));
        };
    }

    private static GrantType grantType(@Nullable String named, @Nullable GrantType byPath) {
        if (named == null) {
            if (byPath == null) {
                throw ErrorResponse.invalidRequest("The grant_type is missing");
            }
            return byPath;
        }
        return Arrays.stream(GrantType.values())
                .filter(type -> type.value.equals(named) && (byPath == null || byPath == type))
                .findFirst()
                .orElseThrow(() ->
                        new ErrorResponse(400, "unsupported_grant_type", "This URL does not serve that grant_type"));
    }

    /** The fields of a body. */
    final class Fields {

        private static final Pattern PRINTABLE = Pattern.compile("[\\x20-\\x7E]+");

        private Fields() {}

        static @Nullable String value(Map<String, String> parameters, String name) {
            String value = parameters.get(name);
            if (value == null || value.isEmpty()) {
                return null;
            }
            if (!isToken(value)) {
                throw ErrorResponse.invalidRequest("The " + name + " holds a character that it cannot have");
            }
            return value;
        }

        /** Returns a field that may hold anything, even nothing. */
        static String sent(Map<String, String> parameters, String name) {
            String value = parameters.get(name);
            if (value == null) {
                throw missing(name);
            }
            return value;
        }

        /** Returns true for the characters of a code or a refresh token. */
        static boolean isToken(String value) {
            return PRINTABLE.matcher(value).matches();
        }

        private static ErrorResponse missing(String name) {
            return ErrorResponse.invalidRequest("The " + name + " is missing");
        }

        static String required(Map<String, String> parameters, String name) {
            String value = value(parameters, name);
            if (value == null) {
                throw missing(name);
            }
            return value;
        }

        static @Nullable CodeVerifier verifier(Map<String, String> parameters) {
            String value = value(parameters, "code_verifier");
            try {
                return value == null ? null : CodeVerifier.of(value);
            } catch (IllegalArgumentException malformed) {
                throw ErrorResponse.invalidRequest("The code_verifier has not the form of one");
            }
        }
    }
}
