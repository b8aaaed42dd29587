package io.tokenswap.samples.webflux;

import io.tokenswap.http.ExchangeServerEndpoint;
import java.time.Duration;
import java.time.InstantSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.netty.http.client.HttpClient;

/** Program of the service. Its settings are in {@code application.yaml}. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(Settings.class)
public class WebfluxService {

    private static final Duration API_TIMEOUT = Duration.ofSeconds(10);

    /**
     * Starts the service.
     *
     * @param args settings, for example {@code --exchange.url=https://auth.example.com}
     */
    public static void main(String[] args) {
        PublicUrl url = SpringApplication.run(WebfluxService.class, args).getBean(PublicUrl.class);
        System.out.println("WebFlux service at " + url.resolve("/"));
    }

    @Bean
    ExchangeServerEndpoint exchange(Settings settings) {
        return settings.exchange().endpoint();
    }

    /**
     * Returns the client for the provider's API. It follows no redirects, because a token must not be sent to another
     * server.
     */
    @Bean
    WebClient api() {
        return WebClient.builder()
                .clientConnector(new ReactorClientHttpConnector(
                        HttpClient.create().followRedirect(false).responseTimeout(API_TIMEOUT)))
                .build();
    }

    @Bean
    InstantSource clock() {
        return InstantSource.system();
    }
}
