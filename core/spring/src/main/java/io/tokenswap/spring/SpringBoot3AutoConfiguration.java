package io.tokenswap.spring;

import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** Says, where the properties are set and the auto-configuration cannot work, why nothing follows from them. */
@AutoConfiguration
@ConditionalOnMissingClass("org.springframework.boot.webflux.autoconfigure.WebFluxAutoConfiguration")
@ConditionalOnProperty("tokenswap.exchange.uri")
class SpringBoot3AutoConfiguration {

    SpringBoot3AutoConfiguration() {
        LoggerFactory.getLogger(SpringBoot3AutoConfiguration.class)
                .warn(
                        "The properties tokenswap.* have no effect: they need the WebFlux support of Spring Boot 4.1, and this"
                                + " is Spring Boot {}. Make a bean of TokenSessions.builder(..), and a filter of"
                                + " BearerExchangeFilter.create(..)",
                        SpringBootVersion.getVersion());
    }
}
