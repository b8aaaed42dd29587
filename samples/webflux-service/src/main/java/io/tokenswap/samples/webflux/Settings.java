package io.tokenswap.samples.webflux;

import io.tokenswap.http.Dialect;
import io.tokenswap.http.ExchangeServerEndpoint;
import java.net.URI;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/** Settings of {@code application.yaml}. A wrong value ends the start with a line that names the setting. */
@ConfigurationProperties
record Settings(
        @DefaultValue Exchange exchange,
        @DefaultValue Provider provider,
        @DefaultValue Service service) {

    /** Settings of the exchange server. */
    record Exchange(URI url, Dialect dialect) {

        Exchange {
            Check.present("exchange.url", url);
            Check.present("exchange.dialect", dialect);
            endpoint(url, dialect);
        }

        ExchangeServerEndpoint endpoint() {
            return endpoint(url, dialect);
        }

        private static ExchangeServerEndpoint endpoint(URI url, Dialect dialect) {
            try {
                return ExchangeServerEndpoint.builder(url).dialect(dialect).build();
            } catch (IllegalArgumentException refused) {
                throw new IllegalArgumentException("exchange.url cannot be used. " + refused.getMessage());
            }
        }
    }

    /** Settings of the provider's API. */
    record Provider(URI meUrl) {

        Provider {
            Check.present("provider.me-url", meUrl);
            Check.url("provider.me-url", meUrl);
        }
    }

    /** Settings of this service. */
    record Service(
            @Nullable URI publicUrl,
            @DefaultValue Set<String> scopes,
            int maxSessions,
            Duration idleTimeout,
            Duration heartbeat) {

        Service {
            if (publicUrl != null) {
                Check.url("service.public-url", publicUrl);
                Check.that(
                        publicUrl.getRawQuery() == null && publicUrl.getPath().matches("/?"),
                        "service.public-url must end after host and port: this service has its paths at the root");
            }
            Check.that(maxSessions > 0, "service.max-sessions must be at least 1");
            Check.positive("service.idle-timeout", idleTimeout);
            Check.positive("service.heartbeat", heartbeat);
        }
    }
}
