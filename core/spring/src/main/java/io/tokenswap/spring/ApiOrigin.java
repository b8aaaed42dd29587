package io.tokenswap.spring;

import java.net.URI;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Scheme, host and port of a server.
 *
 * @param scheme {@code http} or {@code https}
 * @param host the host in lower case, an IPv6 address in brackets
 * @param port the port, always written out
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6454#section-4">RFC 6454 section 4</a>
 */
record ApiOrigin(String scheme, String host, int port) {

    private static final Pattern LOOPBACK = Pattern.compile("localhost|127(\\.[0-9]{1,3}){3}|\\[::1]");

    /** Reads an origin that the application names. */
    static ApiOrigin named(URI uri) {
        ApiOrigin origin = of(uri);
        boolean bare = uri.getRawQuery() == null
                && uri.getRawFragment() == null
                && (uri.getRawPath() == null
                        || uri.getRawPath().isEmpty()
                        || uri.getRawPath().equals("/"));
        if (origin == null || !bare) {
            throw new IllegalArgumentException(
                    "An origin has a scheme, a host and a port if any, and nothing else: https://api.example.com");
        }
        if (origin.scheme.equals("http") && !LOOPBACK.matcher(origin.host).matches()) {
            throw new IllegalArgumentException(
                    "The API at " + origin.host + " is plain http: anybody on the way could read the token. Use https");
        }
        return origin;
    }

    /** Returns the origin of a URL; null if it has none, or names a user. */
    static @Nullable ApiOrigin of(URI uri) {
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        boolean secure = scheme.equals("https");
        if (uri.getHost() == null || uri.getRawUserInfo() != null || !(secure || scheme.equals("http"))) {
            return null;
        }
        int port = uri.getPort() >= 0 ? uri.getPort() : secure ? 443 : 80;
        return new ApiOrigin(scheme, uri.getHost().toLowerCase(Locale.ROOT), port);
    }

    @Override
    public String toString() {
        return scheme + "://" + host + (port == (scheme.equals("https") ? 443 : 80) ? "" : ":" + port);
    }
}
