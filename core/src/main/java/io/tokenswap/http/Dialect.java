package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Form of the requests that an exchange server understands. Three dialects are in use; their responses are alike.
 *
 * <table>
 * <caption>Requests of each dialect</caption>
 * <tr><th>dialect</th><th>URLs by default</th><th>body</th><th>swap</th><th>refresh</th></tr>
 * <tr><td>{@link #JSON}</td><td><i>base</i>/swap, <i>base</i>/refresh</td><td>JSON</td>
 * <td>{@code grant_type}, {@code code}, {@code redirect_uri}</td><td>{@code grant_type},
 * {@code refresh_token}</td></tr>
 * <tr><td>{@link #SINGLE_URI}</td><td><i>base</i></td><td>form</td>
 * <td>{@code grant_type}, {@code code}, {@code refresh_token} (empty)</td>
 * <td>{@code grant_type}, {@code code} (empty), {@code refresh_token}</td></tr>
 * <tr><td>{@link #FORM}</td><td><i>base</i>/swap, <i>base</i>/refresh</td><td>form</td>
 * <td>{@code code}</td><td>{@code refresh_token}</td></tr>
 * </table>
 *
 * <p>In each dialect a swap also carries {@code code_verifier} if its login carried a challenge. A server that does not
 * know the parameter ignores it.
 */
@SuppressWarnings("ImmutableEnumChecker") // its lists are made by List.of
public enum Dialect {

    /** JSON to two URLs, as SpotifyAPI-NET 5 documents it. */
    JSON(
            Encoding.JSON,
            "/swap",
            List.of("grant_type", "code", "redirect_uri"),
            "/refresh",
            List.of("grant_type", "refresh_token")),

    /**
     * A form to one URL, which distinguishes the requests by {@code grant_type}, as SpotifyAPI-NET 5 sends it to the
     * PHP server.
     */
    SINGLE_URI(
            Encoding.FORM,
            "",
            List.of("grant_type", "code", "refresh_token"),
            "",
            List.of("grant_type", "code", "refresh_token")),

    /** A form of one field to two URLs, as Spotify's guide to token swap and refresh publishes it. */
    FORM(Encoding.FORM, "/swap", List.of("code"), "/refresh", List.of("refresh_token"));

    private static final String CODE_VERIFIER = "code_verifier";

    private final Encoding encoding;
    private final String swapPath;
    private final List<String> swapFields;
    private final String refreshPath;
    private final List<String> refreshFields;

    Dialect(
            Encoding encoding,
            String swapPath,
            List<String> swapFields,
            String refreshPath,
            List<String> refreshFields) {
        this.encoding = encoding;
        this.swapPath = swapPath;
        this.swapFields = swapFields;
        this.refreshPath = refreshPath;
        this.refreshFields = refreshFields;
    }

    URI swapUri(URI base) {
        return EndpointUri.append(base, swapPath);
    }

    URI refreshUri(URI base) {
        return EndpointUri.append(base, refreshPath);
    }

    TokenRequest swap(TokenServer server, AuthorizationCode code) {
        TokenRequest request = TokenRequest.swap(server, encoding, code);
        return request.withFields(select(request.fields(), swapFields));
    }

    TokenRequest refresh(TokenServer server, RefreshToken refreshToken) {
        TokenRequest request = TokenRequest.refresh(server, encoding, refreshToken);
        return request.withFields(select(request.fields(), refreshFields));
    }

    /**
     * Returns the fields that this dialect names, empty where a field has no value, and the verifier in every dialect.
     */
    private static Map<String, String> select(Map<String, String> fields, List<String> names) {
        Map<String, String> selected = new LinkedHashMap<>();
        names.forEach(name -> selected.put(name, fields.getOrDefault(name, "")));
        if (fields.containsKey(CODE_VERIFIER)) {
            selected.put(CODE_VERIFIER, fields.getOrDefault(CODE_VERIFIER, ""));
        }
        return selected;
    }
}
