package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.r2dbc.spi.ConnectionFactory;
import io.tokenswap.r2dbc.R2dbcTokenStore;
import io.tokenswap.session.TokenStore;
import org.junit.jupiter.api.Test;
import org.springframework.context.ConfigurableApplicationContext;

/** Profiles of the stores: each brings what it needs, and the others bring nothing of it. */
class StoreProfilesTest {

    private static ConfigurableApplicationContext start(String... settings) {
        return World.run(settings);
    }

    @Test
    void withoutAProfileThereAreNoConnectionsToADatabase() {
        try (ConfigurableApplicationContext service = start()) {
            assertThat(service.getBeanNamesForType(ConnectionFactory.class)).isEmpty();
            assertThat(service.getBeanProvider(TokenStore.class).stream()).noneMatch(R2dbcTokenStore.class::isInstance);
        }
    }
}
