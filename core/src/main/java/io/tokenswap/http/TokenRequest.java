package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.CodeVerifier;
import io.tokenswap.RefreshToken;
import io.tokenswap.internal.UrlEncoded;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One request for a token.
 *
 * @param server the receiver
 * @param encoding the encoding of the fields
 * @param fields the fields, in order
 * @param scopes the scopes of the token unless the server names others
 */
record TokenRequest(TokenServer server, Encoding encoding, Map<String, String> fields, Set<String> scopes) {

    private static final Set<String> SECRET = Set.of("code", "code_verifier", "refresh_token", "client_secret");

    /** Length of the part of a longer secret that must not be shown. */
    private static final int TELLING = 16;

    /** Greatest number of characters of a text that is shown. */
    private static final int SHOWN = 256;

    /** Characters that no description of an error may hold (RFC 6749 appendix A.8). */
    private static final Pattern UNPRINTABLE = Pattern.compile("[^\\x20-\\x7E]|[\"\\\\]");

    /**
     * Returns a swap with the parameters of the RFC, from which the dialects choose.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3">RFC 6749 section 4.1.3</a>
     * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4.5">RFC 7636 section 4.5</a>
     */
    static TokenRequest swap(TokenServer server, Encoding encoding, AuthorizationCode code) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("grant_type", "authorization_code");
        fields.put("code", code.secret());
        fields.put("redirect_uri", code.redirectUri().toString());
        CodeVerifier verifier = code.codeVerifier();
        if (verifier != null) {
            fields.put("code_verifier", verifier.secret());
        }
        return new TokenRequest(server, encoding, fields, code.scopes());
    }

    /**
     * Returns a refresh with the parameters of the RFC.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-6">RFC 6749 section 6</a>
     */
    static TokenRequest refresh(TokenServer server, Encoding encoding, RefreshToken refreshToken) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("grant_type", "refresh_token");
        fields.put("refresh_token", refreshToken.secret());
        return new TokenRequest(server, encoding, fields, Set.of());
    }

    TokenRequest withFields(Map<String, String> fields) {
        return new TokenRequest(server, encoding, Collections.unmodifiableMap(fields), scopes);
    }

    byte[] body() {
        return encoding.encode(fields);
    }

    boolean isSwap() {
        String code = fields.get("code");
        return code != null && !code.isEmpty();
    }

    /** Returns the refresh token that this request presents, or null for a swap. */
    @Nullable String presentedRefreshToken() {
        return isSwap() ? null : fields.get("refresh_token");
    }

    /**
     * Returns true if a text repeats a secret of this request, or much of one. Some servers repeat the request to
     * explain an error. The secret may stand there as it is, in its form encoding, or in pieces between characters that
     * are dropped before display.
     */
    boolean isEchoedIn(String text) {
        String printed = printable(text);
        String shown = printed.substring(0, Math.min(printed.length(), SHOWN));
        return fields.entrySet().stream()
                .filter(field -> SECRET.contains(field.getKey()))
                .map(Map.Entry::getValue)
                .flatMap(secret -> Stream.of(printable(secret), UrlEncoded.encodeForm(secret)))
                .anyMatch(secret -> isEchoed(secret, shown));
    }

    // Both may come from the same hostile server, which must not control the running time: no search inside a search.
    private static boolean isEchoed(String secret, String text) {
        int telling = Math.min(secret.length(), TELLING);
        return telling > 0
                && pieces(secret, telling).anyMatch(pieces(text, telling).collect(Collectors.toSet())::contains);
    }

    private static Stream<String> pieces(String text, int length) {
        return IntStream.rangeClosed(0, text.length() - length)
                .mapToObj(start -> text.substring(start, start + length));
    }

    private static String printable(String text) {
        return UNPRINTABLE.matcher(text).replaceAll("");
    }

    /** Describes the request in the log: a refresh by the fingerprint of its refresh token. */
    String describe() {
        String refreshToken = presentedRefreshToken();
        return (refreshToken == null
                        ? "Swap"
                        : "Refresh with [" + RefreshToken.of(refreshToken).fingerprint() + "]")
                + " at " + EndpointUri.display(server.uri());
    }

    /** Names the receiver and none of the values that are sent. */
    @Override
    public String toString() {
        return "TokenRequest[" + server + "]";
    }
}
