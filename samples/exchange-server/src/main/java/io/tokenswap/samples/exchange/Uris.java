package io.tokenswap.samples.exchange;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Set;
import java.util.regex.Pattern;

/** Rules for the URIs of the configuration, the same for all of them. */
final class Uris {

    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "[::1]", "localhost");

    private static final Pattern PRIVATE_USE = Pattern.compile("[a-z][a-z0-9+.-]*:");
    private static final Pattern WEB = Pattern.compile("(https?|ftp|file|data|javascript):");

    private Uris() {}

    /** Parses an https URI, or an http URI of this machine. */
    static URI parse(String text) {
        URI uri;
        try {
            uri = new URI(text).parseServerAuthority();
        } catch (URISyntaxException malformed) {
            throw new IllegalArgumentException("is not a URL");
        }
        if (uri.getHost() == null || !("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
            throw new IllegalArgumentException("is not a URL that starts with https:// or http://");
        }
        if (uri.getRawUserInfo() != null || uri.getRawFragment() != null || !isAscii(text)) {
            throw new IllegalArgumentException("must have no user, no # and plain ASCII only");
        }
        if ("http".equals(uri.getScheme()) && !isLoopback(uri)) {
            throw new IllegalArgumentException("must start with https://: plain http is for this machine itself");
        }
        return uri;
    }

    /**
     * Parses a URI as above, or one of a private-use scheme, for example {@code com.example.app:/callback}.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc8252#section-7.1">RFC 8252 section 7.1</a>
     */
    static URI parseWithAnyScheme(String text) {
        if (!PRIVATE_USE.matcher(text).lookingAt() || WEB.matcher(text).lookingAt()) {
            return parse(text);
        }
        try {
            URI uri = new URI(text);
            if (uri.getRawFragment() == null && isAscii(text)) {
                return uri;
            }
        } catch (URISyntaxException malformed) {
            throw new IllegalArgumentException("is not a URI");
        }
        throw new IllegalArgumentException("must have no # and plain ASCII only");
    }

    static boolean isLoopback(URI uri) {
        return LOOPBACK.contains(uri.getHost());
    }

    /** Adds parameters, already escaped, to a URI that may have some. */
    static String append(String uri, String query) {
        return uri + (uri.indexOf('?') < 0 ? "?" : uri.endsWith("?") || uri.endsWith("&") ? "" : "&") + query;
    }

    private static boolean isAscii(String text) {
        return text.chars().allMatch(c -> c > 0x20 && c < 0x7F);
    }
}
