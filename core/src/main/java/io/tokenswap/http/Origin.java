package io.tokenswap.http;

import java.net.URI;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Scheme, host and port of a server. WebSockets share the origin of their HTTP server: {@code wss} is {@code https}.
 *
 * @param scheme {@code http} or {@code https}
 * @param host the host in lower case, an IPv6 address in brackets
 * @param port the port, also where it is the default of the scheme
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6454#section-4">RFC 6454 section 4</a>
 */
record Origin(String scheme, String host, int port) {

    /**
     * Reads the origin that an application names.
     *
     * @throws IllegalArgumentException if the URI names more or less than an origin
     */
    static Origin named(URI uri) {
        Origin origin = of(uri.toString());
        boolean bare = uri.getRawQuery() == null
                && uri.getRawFragment() == null
                && uri.getRawUserInfo() == null
                && (uri.getRawPath() == null
                        || uri.getRawPath().isEmpty()
                        || uri.getRawPath().equals("/"));
        if (origin == null || !bare) {
            throw new IllegalArgumentException(
                    "An origin has a scheme, a host and a port if any, and nothing else: https://api.example.com");
        }
        return origin;
    }

    /** Reads the origin of an absolute URL, which need not be a valid URI behind its authority. Returns null if there is none. */
    static @Nullable Origin of(String url) {
        int scheme = url.indexOf("://");
        if (scheme < 0) {
            return null;
        }
        int start = scheme + 3;
        int end = start;
        while (end < url.length() && "/?#\\".indexOf(url.charAt(end)) < 0) {
            end++;
        }
        boolean secure;
        switch (url.substring(0, scheme).toLowerCase(Locale.ROOT)) {
            case "https", "wss" -> secure = true;
            case "http", "ws" -> secure = false;
            default -> {
                return null;
            }
        }
        String authority = url.substring(start, end);
        return of(secure, authority.substring(authority.lastIndexOf('@') + 1));
    }

    private static @Nullable Origin of(boolean secure, String hostAndPort) {
        int colon = hostAndPort.lastIndexOf(':');
        boolean hasPort = colon > hostAndPort.lastIndexOf(']');
        String host = hasPort ? hostAndPort.substring(0, colon) : hostAndPort;
        String port = hasPort ? hostAndPort.substring(colon + 1) : "";
        try {
            int number = port.isEmpty() ? secure ? 443 : 80 : Integer.parseInt(port);
            return host.isEmpty() ? null : new Origin(secure ? "https" : "http", host.toLowerCase(Locale.ROOT), number);
        } catch (NumberFormatException notAPort) {
            return null;
        }
    }

    /** Returns true for https and for loopback, where no other machine can read what is sent. */
    boolean isPrivate() {
        return scheme.equals("https") || EndpointUri.isLoopback(host);
    }

    /** Returns the origin as a URL, without the default port. */
    @Override
    public String toString() {
        return scheme + "://" + host + (port == (scheme.equals("https") ? 443 : 80) ? "" : ":" + port);
    }
}
