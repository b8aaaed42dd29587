package io.tokenswap.samples.quickstart;

import io.tokenswap.session.SessionState;
import io.tokenswap.session.TokenSession;
import io.tokenswap.spring.BearerExchangeFilter;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Spring Boot service: many users sign in with their browsers. */
@SpringBootApplication
@RestController
public class Service {
    private final WebClient spotify;

    Service(WebClient.Builder builder, BearerExchangeFilter bearer) {
        spotify = builder.baseUrl("https://api.spotify.com").filter(bearer).build();
    }

    // 303 to /login for a page load of a signed-out browser, 401 for a script
    @GetMapping(path = "/me", produces = MediaType.APPLICATION_JSON_VALUE)
    Mono<String> me() {
        return spotify.get().uri("/v1/me").retrieve().bodyToMono(String.class);
    }

    // the current state first, never a secret
    @GetMapping(path = "/states", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<ServerSentEvent<SessionState>> states(TokenSession session) {
        return session.states()
                .map(state -> ServerSentEvent.builder(state).event("state").build());
    }

    public static void main(String[] args) {
        SpringApplication.run(Service.class, args);
    }
}
