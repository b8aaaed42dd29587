package io.tokenswap.samples.exchange;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.URI;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * URL at which clients reach this server, without a slash at its end. Every absolute URL is built from it, and none from the
 * host of a request.
 */
record PublicUrl(URI base) {

    /** The redirect URIs that deployed clients name for this server. */
    private static final Set<String> OWN_PATHS = Set.of(
            "/",
            "/index.php",
            "/authorize",
            "/callback",
            "/swap",
            "/api/token",
            "/v1/swap",
            "/refresh",
            "/api/refresh_token",
            "/v1/refresh");

    static PublicUrl parse(String text) {
        URI uri = Uris.parse(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
        if (uri.getRawQuery() != null) {
            throw new IllegalArgumentException("must have no query");
        }
        return new PublicUrl(uri);
    }

    /**
     * Returns the URL at which this machine reaches a port.
     *
     * @param address the bound address: one of loopback, or the one that stands for all
     */
    static PublicUrl ofBound(InetAddress address, int port) {
        String host = address.isAnyLocalAddress() ? "127.0.0.1" : NetUtil.toAddressString(address);
        return new PublicUrl(URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port));
    }

    /** The redirect URI that the provider knows. */
    URI callback() {
        return URI.create(resolve("/callback"));
    }

    String resolve(String path) {
        return base + path;
    }

    /** Returns true if a URI is this server's: its address, or one of the paths at which it is called. */
    boolean contains(String uri) {
        String own = base.toString();
        return uri.equals(own) || (uri.startsWith(own + "/") && OWN_PATHS.contains(uri.substring(own.length())));
    }

    boolean isSecure() {
        return "https".equals(base.getScheme());
    }

    /**
     * Returns true if a browser has used another name of this machine, for example {@code localhost} for {@code 127.0.0.1}.
     * A cookie set under that name would not be sent to the callback. The port must be the same, so that a proxy that
     * rewrites the host is never taken for a browser.
     */
    boolean isAliasedBy(@Nullable String hostHeader) {
        if (hostHeader == null || !Uris.isLoopback(base)) {
            return false;
        }
        String named = hostHeader.toLowerCase(Locale.ROOT);
        String port = base.getPort() < 0 ? "" : ":" + base.getPort();
        return !named.equals(base.getHost() + port)
                && (named.equals("localhost" + port)
                        || named.equals("127.0.0.1" + port)
                        || named.equals("[::1]" + port));
    }
}
