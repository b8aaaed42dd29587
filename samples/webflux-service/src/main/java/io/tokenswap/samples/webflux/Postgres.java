package io.tokenswap.samples.webflux;

import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryOptions;
import io.tokenswap.r2dbc.R2dbcTokenStore;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.ApplicationRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;

/**
 * Tokens in PostgreSQL, with the profile {@code postgres}. The connections are made here, because Spring Boot's own would be
 * made in every profile.
 */
@Configuration(proxyBeanMethods = false)
@Profile("postgres")
class Postgres {

    private static final Duration CREATION = Duration.ofSeconds(30);

    @Bean
    ConnectionFactory connections(
            @Value("${postgres.url}") String url,
            @Value("${postgres.user}") String user,
            @Value("${postgres.password}") String password) {
        return ConnectionFactories.get(ConnectionFactoryOptions.parse(url)
                .mutate()
                .option(ConnectionFactoryOptions.USER, user)
                .option(ConnectionFactoryOptions.PASSWORD, password)
                .build());
    }

    /** Creates the table if there is none. */
    @Bean
    ApplicationRunner table(TokenStore store) {
        return arguments -> ((R2dbcTokenStore) store).createTable().block(CREATION);
    }
}
