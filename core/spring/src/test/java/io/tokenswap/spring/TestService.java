package io.tokenswap.spring;

import io.tokenswap.session.SessionState;
import io.tokenswap.session.TokenSession;
import java.net.URI;
import java.util.Arrays;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.Environment;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A service on a free port of loopback, as the README shows one. */
@EnableAutoConfiguration
@RestController
class TestService {

    private final WebClient api;

    TestService(WebClient.Builder builder, BearerExchangeFilter bearer, Environment environment) {
        this.api = builder.baseUrl(environment.getRequiredProperty("tokenswap.api.origins"))
                .filter(bearer)
                .build();
    }

    @GetMapping("/")
    String home() {
        return "home";
    }

    @GetMapping("/me")
    Mono<String> me() {
        return api.get().uri("/v1/me").retrieve().bodyToMono(String.class);
    }

    @GetMapping(path = "/states", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<ServerSentEvent<SessionState>> states(TokenSession session) {
        return session.states()
                .map(state -> ServerSentEvent.builder(state).event("state").build());
    }

    /** A running instance. */
    record Running(ConfigurableApplicationContext context) implements AutoCloseable {

        URI uri(String path) {
            return URI.create("http://localhost:" + context.getEnvironment().getProperty("local.server.port") + path);
        }

        @Override
        public void close() {
            context.close();
        }
    }

    static Running start(FakeProvider provider, String... properties) {
        return start(provider, new Class<?>[] {TestService.class}, properties);
    }

    static Running start(FakeProvider provider, Class<?>[] sources, String... properties) {
        SpringApplication application = new SpringApplication(sources);
        String[] arguments = Stream.concat(
                        Stream.of(
                                "server.port=0",
                                "server.address=127.0.0.1",
                                "spring.main.banner-mode=off",
                                "spring.main.web-application-type=reactive",
                                "logging.level.root=warn",
                                "tokenswap.exchange.uri=" + provider.uri(),
                                "tokenswap.api.origins=" + provider.uri(),
                                "tokenswap.scopes=user-read-private"),
                        Arrays.stream(properties))
                .map(property -> "--" + property)
                .toArray(String[]::new);
        return new Running(application.run(arguments));
    }
}
