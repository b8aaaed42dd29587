package io.tokenswap.spring;

import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Address at which browsers reach this service; port 0 stands for the port that the server has chosen. It is never taken from the
 * {@code Host} header, which anybody can write: the code would be sent there.
 */
final class PublicUri {

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    private final @Nullable URI configured;
    private final Environment environment;

    PublicUri(@Nullable URI configured, Environment environment) {
        this.configured = configured;
        this.environment = environment;
    }

    /** Refuses an address at which codes and cookies would be readable on the way. */
    static void check(String name, URI uri) {
        String host = uri.getHost();
        if (host == null
                || uri.getRawUserInfo() != null
                || uri.getRawQuery() != null
                || uri.getRawFragment() != null
                || !(uri.getRawPath().isEmpty() || ReturnPath.isPath(uri.getRawPath()))) {
            throw new IllegalArgumentException(
                    name
                            + " must be a scheme, a host, and a port and a path if any, and nothing else: https://music.example.com");
        }
        boolean http = "http".equalsIgnoreCase(uri.getScheme());
        if (!"https".equalsIgnoreCase(uri.getScheme()) && !(http && isLoopback(host))) {
            throw new IllegalArgumentException(
                    name + " must begin with https://. Only on this machine http:// is accepted");
        }
    }

    /** Returns the absolute address of a path of this service, which may have a query. */
    URI resolve(ServerHttpRequest request, String path) {
        return URI.create(origin() + basePath(request) + path);
    }

    /**
     * Returns what precedes every path of this service in a browser, empty by default: the path of the configured address,
     * which a proxy may strip. Without one, the path that WebFlux has stripped from the request:
     * {@code spring.webflux.base-path}, or the {@code X-Forwarded-Prefix} header where the application lets Spring read it. No
     * link makes a browser send that header.
     */
    String basePath(ServerHttpRequest request) {
        String path = configured == null ? "" : withoutEnd(configured.getRawPath());
        if (path.isEmpty()) {
            path = withoutEnd(request.getPath().contextPath().value());
        }
        return ReturnPath.isPath(path) ? path : "";
    }

    private static String withoutEnd(String path) {
        int end = path.length();
        while (end > 0 && path.charAt(end - 1) == '/') {
            end--;
        }
        return path.substring(0, end);
    }

    /** Scheme, host and port, as browsers write them in the {@code Origin} header. */
    String origin() {
        URI base = base();
        String scheme = base.getScheme().toLowerCase(Locale.ROOT);
        int port = base.getPort();
        boolean usual = port < 0 || port == (scheme.equals("https") ? 443 : 80);
        return scheme + "://" + base.getHost().toLowerCase(Locale.ROOT) + (usual ? "" : ":" + port);
    }

    boolean isSecure() {
        return configured != null && "https".equalsIgnoreCase(configured.getScheme());
    }

    boolean isLoopback() {
        return configured == null || isLoopback(configured.getHost());
    }

    /**
     * Whether a browser uses another name of this machine, {@code 127.0.0.1} for {@code localhost}: a cookie that is
     * set under that name would not come back with the code. The port must be the same, so that a proxy is not taken
     * for a browser.
     */
    boolean isAliasedBy(@Nullable InetSocketAddress host) {
        URI base = base();
        return host != null
                && host.getPort() == base.getPort()
                && isLoopback(base.getHost())
                && isLoopback(host.getHostString())
                && !base.getHost().equalsIgnoreCase(host.getHostString());
    }

    private static boolean isLoopback(String host) {
        return LOOPBACK.contains(host.toLowerCase(Locale.ROOT));
    }

    private URI base() {
        if (configured != null && configured.getPort() != 0) {
            return configured;
        }
        String origin = configured == null ? "http://localhost" : configured.getScheme() + "://" + configured.getHost();
        return URI.create(origin + ":"
                + environment.getProperty("local.server.port", environment.getProperty("server.port", "8080")));
    }
}
