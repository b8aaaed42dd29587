package io.tokenswap.http;

import io.tokenswap.Token;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes a token of the members of a successful response.
 *
 * <p>Lenient in form, where deployed servers differ: numbers as text, scopes in lists. The members of a draft, the ends
 * of the grant and of an unused refresh token, are read if they are valid. Strict where a value would do harm later: an
 * access token is sent in a header.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749 section 5.1</a>
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-oauth-refresh-token-expiration/">OAuth 2.0 Refresh Token
 *     and Authorization Expiration</a>
 */
final class TokenResponseParser {

    private static final int LONGEST_ACCESS_TOKEN = 16 * 1024;

    /** Longest lifetime, a hundred years. A longer one would overflow. */
    private static final Duration LONGEST_LIFETIME = Duration.ofDays(36_500);

    private static final int LONGEST_NUMBER = 32;
    private static final Pattern SCOPE_SEPARATOR = Pattern.compile("[\\s,]+");

    private final Map<String, @Nullable Object> members;
    private final boolean strict;
    private final Function<String, RuntimeException> malformed;

    /**
     * Creates a reader of the members of one response.
     *
     * @param strict true if the type of the token has to be named
     * @param malformed makes an exception of a description that holds no value of a member
     */
    TokenResponseParser(
            Map<String, @Nullable Object> members, boolean strict, Function<String, RuntimeException> malformed) {
        this.members = members;
        this.strict = strict;
        this.malformed = malformed;
    }

    /**
     * Returns the token.
     *
     * @param requestedScopes the scopes of a response that names none
     * @param presented the refresh token of a response that omits it, which stays valid (RFC 6749 section 6); null for
     *     none
     */
    Token token(Instant issuedAt, Set<String> requestedScopes, @Nullable String presented) {
        Duration lifetime = lifetime();
        String refreshToken = refreshToken();
        Duration grantLifetime = seconds("authorization_expires_in");
        return Token.builder(accessToken(), issuedAt)
                .tokenType(tokenType())
                .scopes(scopes(requestedScopes))
                .refreshToken(refreshToken == null ? presented : refreshToken)
                .expiresAt(lifetime == null ? null : issuedAt.plus(lifetime))
                .grantExpiresAt(grantLifetime == null ? null : issuedAt.plus(grantLifetime))
                .refreshTokenTimeout(seconds("refresh_token_timeout"))
                .build();
    }

    private String accessToken() {
        if (!(members.get("access_token") instanceof String accessToken) || accessToken.isEmpty()) {
            throw malformed.apply("it holds no access token");
        }
        if (accessToken.length() > LONGEST_ACCESS_TOKEN) {
            throw malformed.apply("its access token is longer than 16 KiB");
        }
        if (!isVisibleAscii(accessToken)) {
            throw malformed.apply("its access token has characters that no header may carry");
        }
        return accessToken;
    }

    private static boolean isVisibleAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x21 || c > 0x7E) {
                return false;
            }
        }
        return true;
    }

    private String tokenType() {
        Object type = members.get("token_type");
        if (type == null || type.equals("")) {
            if (strict) {
                throw malformed.apply("it does not say the type of its token");
            }
            return "Bearer";
        }
        if (type instanceof String text && text.equalsIgnoreCase("Bearer")) {
            return text;
        }
        throw malformed.apply("its token type is not Bearer, the only one that is supported");
    }

    /** Returns the lifetime in whole seconds, or null if the server named none. */
    private @Nullable Duration lifetime() {
        Duration lifetime = seconds("expires_in");
        if (lifetime == null && members.get("expires_in") != null) {
            throw malformed.apply("its expires_in is not a number of seconds");
        }
        return lifetime;
    }

    /** Returns a number of whole seconds, or null if the member is missing or is no such number. */
    private @Nullable Duration seconds(String member) {
        Object value = members.get(member);
        BigDecimal seconds =
                value instanceof BigDecimal number ? number : value instanceof String text ? number(text) : null;
        if (seconds == null || seconds.signum() < 0) {
            return null;
        }
        // Compared before it is converted: 1e400 has no long value.
        return seconds.compareTo(BigDecimal.valueOf(LONGEST_LIFETIME.toSeconds())) >= 0
                ? LONGEST_LIFETIME
                : Duration.ofSeconds(seconds.longValue());
    }

    private static @Nullable BigDecimal number(String text) {
        try {
            return text.length() > LONGEST_NUMBER ? null : new BigDecimal(text);
        } catch (NumberFormatException notANumber) {
            return null;
        }
    }

    private Collection<String> scopes(Set<String> requested) {
        Object scope = members.get("scope");
        if (scope == null) {
            return requested;
        }
        List<String> scopes = list(scope);
        if (scopes.stream().flatMapToInt(String::chars).anyMatch(Character::isISOControl)) {
            throw malformed.apply("its scope has characters that no log may carry");
        }
        return scopes;
    }

    private List<String> list(Object scope) {
        if (scope instanceof String text) {
            return split(text);
        }
        if (scope instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
            return list.stream()
                    .map(String.class::cast)
                    .flatMap(text -> split(text).stream())
                    .toList();
        }
        throw malformed.apply("its scope is not text");
    }

    private static List<String> split(String scopes) {
        return Arrays.stream(SCOPE_SEPARATOR.split(scopes))
                .filter(scope -> !scope.isEmpty())
                .toList();
    }

    /**
     * Returns the refresh token, or null to keep the present one. An empty one counts as omitted, because it would end
     * the session.
     */
    private @Nullable String refreshToken() {
        Object value = members.get("refresh_token");
        if (value == null || value.equals("")) {
            return null;
        }
        if (value instanceof String text) {
            return text;
        }
        throw malformed.apply("its refresh token is not text");
    }
}
