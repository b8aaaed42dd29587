package io.tokenswap.samples.exchange;

import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * List of the redirect URIs at which logins may end. Without it, this server would be an open redirector. An entry matches
 * exactly its own spelling, so no parser has to decide if two URLs are equal. RFC 8252 has the only exception: a loopback
 * literal without a port, for example {@code http://127.0.0.1/auth}, matches every port.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-7.3">RFC 8252 section 7.3</a>
 */
record AllowedRedirectUris(List<String> entries) {

    static final String DEFAULT = "http://localhost:4002/auth,http://127.0.0.1:4002/auth";

    private static final List<String> ANY_PORT_HOSTS = List.of("http://127.0.0.1", "http://[::1]");
    private static final Pattern PORT = Pattern.compile("[1-9][0-9]{0,4}");

    static AllowedRedirectUris parse(String commaSeparated) {
        return parse(commaSeparated, Uris::parse);
    }

    /**
     * Parses a list for logins of which this server only swaps the code. Applications on phones have private-use schemes
     * there.
     */
    static AllowedRedirectUris parseDirect(String commaSeparated) {
        return parse(commaSeparated, Uris::parseWithAnyScheme);
    }

    private static AllowedRedirectUris parse(String commaSeparated, Consumer<String> rule) {
        List<String> entries =
                Arrays.stream(commaSeparated.split(",", -1)).map(String::strip).toList();
        for (int i = 0; i < entries.size(); i++) {
            try {
                rule.accept(entries.get(i));
            } catch (IllegalArgumentException problem) {
                throw new IllegalArgumentException("has a wrong entry: number " + (i + 1) + " " + problem.getMessage());
            }
        }
        return new AllowedRedirectUris(entries);
    }

    /** Returns the redirect URI of a login whose application names none. */
    String first() {
        return entries.get(0);
    }

    boolean permits(String uri) {
        return entries.contains(uri) || entries.stream().anyMatch(entry -> isOtherPortOf(entry, uri));
    }

    /** Returns true if the login ends on the user's own machine. Otherwise the user is asked to confirm. */
    static boolean isLoopback(String permitted) {
        return Uris.isLoopback(URI.create(permitted));
    }

    private static boolean isOtherPortOf(String entry, String uri) {
        String host = anyPortHost(entry);
        if (host == null || !uri.startsWith(host + ":")) {
            return false;
        }
        String path = entry.substring(host.length());
        String rest = uri.substring(host.length() + 1);
        if (!rest.endsWith(path)) {
            return false;
        }
        String port = rest.substring(0, rest.length() - path.length());
        return PORT.matcher(port).matches() && Integer.parseInt(port) <= 65535;
    }

    private static @Nullable String anyPortHost(String entry) {
        return ANY_PORT_HOSTS.stream()
                .filter(host -> entry.equals(host) || entry.startsWith(host + "/") || entry.startsWith(host + "?"))
                .findFirst()
                .orElse(null);
    }
}
