package io.tokenswap;

import io.tokenswap.internal.UrlEncoded;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a request at a redirect URI, read once by the strict rules of this library. Most callers want
 * {@link AuthorizationRequest#validate(String)}, which reads them itself. A program in which several logins wait at one
 * redirect URI reads them here, and finds the login by its {@link #state()}.
 *
 * <p>Immutable and safe for use by any thread. {@link #toString()} prints nothing that was received.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
public final class RedirectParameters {

    private static final int LONGEST_STATE = 1024;
    private static final List<String> ONCE = List.of("code", "state", "error", "error_description", "error_uri", "iss");

    private final String rawQuery;
    private final Map<String, List<String>> values;
    private final @Nullable String problem;

    private RedirectParameters(String rawQuery) {
        Map<String, List<String>> parsed = UrlEncoded.parse(rawQuery);
        this.rawQuery = rawQuery;
        this.values = parsed == null ? Map.of() : parsed;
        this.problem = parsed == null ? "The query is malformed" : problem(parsed);
    }

    private static @Nullable String problem(Map<String, List<String>> values) {
        for (String name : ONCE) {
            if (values.getOrDefault(name, List.of()).size() > 1) {
                return "A parameter is repeated";
            }
        }
        return value(values, "access_token") == null ? null : "The URL contains an access token";
    }

    /**
     * Reads the query of a request.
     *
     * @param rawQuery the query, still escaped and without its question mark; null for none
     * @return the parameters
     */
    public static RedirectParameters parse(@Nullable String rawQuery) {
        return new RedirectParameters(rawQuery == null ? "" : rawQuery);
    }

    /**
     * Reads an address as a user may paste it: the whole URL, or its query alone. A fragment is dropped.
     *
     * @param text the pasted text
     * @return the parameters of its query
     */
    public static RedirectParameters parsePasted(String text) {
        String stripped = text.strip();
        int fragment = stripped.indexOf('#');
        String url = fragment < 0 ? stripped : stripped.substring(0, fragment);
        return new RedirectParameters(url.substring(url.indexOf('?') + 1));
    }

    /**
     * Returns the reason for which the request is no response to any login.
     *
     * @return the reason, in fixed words that repeat nothing of the request; null if there is none
     */
    public @Nullable String problem() {
        return problem;
    }

    /**
     * Returns the state, by which a program finds the login. Any program can send one, so that the login still has to
     * {@linkplain AuthorizationRequest#validate(RedirectParameters) validate} the parameters.
     *
     * @return the state; null if there is a {@link #problem()}, or if the state is missing or longer than 1,024
     *     characters
     */
    public @Nullable String state() {
        String state = problem == null ? value("state") : null;
        return state == null || state.length() > LONGEST_STATE ? null : state;
    }

    /** Returns the value of a parameter. A parameter without a value counts as omitted (RFC 6749 section 3.1). */
    @Nullable String value(String name) {
        return value(values, name);
    }

    private static @Nullable String value(Map<String, List<String>> values, String name) {
        List<String> all = values.get(name);
        return all == null || all.get(0).isEmpty() ? null : all.get(0);
    }

    /** Returns true for the same query, byte for byte. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RedirectParameters parameters && parameters.rawQuery.equals(rawQuery);
    }

    @Override
    public int hashCode() {
        return rawQuery.hashCode();
    }

    /** Prints neither code nor state. */
    @Override
    public String toString() {
        return "RedirectParameters[" + (problem == null ? "well-formed" : problem) + "]";
    }
}
