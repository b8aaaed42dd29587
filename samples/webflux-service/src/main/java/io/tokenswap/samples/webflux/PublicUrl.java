package io.tokenswap.samples.webflux;

import java.net.InetSocketAddress;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/**
 * URL at which browsers reach this service: the configured one, else the port on loopback. It is never taken from the
 * {@code Host} header, which any client can set: the code would be sent to that host.
 */
@Component
final class PublicUrl {

    private final @Nullable URI configured;
    private final Environment environment;

    PublicUrl(Settings settings, Environment environment) {
        this.configured = settings.service().publicUrl();
        this.environment = environment;
    }

    URI resolve(String path) {
        return base().resolve(path);
    }

    boolean isSecure() {
        return configured != null && "https".equals(configured.getScheme());
    }

    /**
     * Returns true if a browser has used another name of this machine, for example {@code localhost} for {@code 127.0.0.1}.
     * A cookie that is set under that name would not come back with the code. The port must be the same, so that no proxy is
     * taken for a browser.
     */
    boolean isAliasedBy(@Nullable InetSocketAddress host) {
        URI base = base();
        return host != null
                && host.getPort() == base.getPort()
                && Loopback.isName(base.getHost())
                && Loopback.isName(host.getHostString())
                && !base.getHost().equalsIgnoreCase(host.getHostString());
    }

    private URI base() {
        return configured != null
                ? configured
                : URI.create("http://127.0.0.1:" + environment.getRequiredProperty("local.server.port"));
    }
}
