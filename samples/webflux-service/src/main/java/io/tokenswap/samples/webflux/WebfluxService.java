package io.tokenswap.samples.webflux;

import io.tokenswap.session.SessionState;
import io.tokenswap.session.TokenSession;
import io.tokenswap.spring.BearerExchangeFilter;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/** The program. Its settings are in {@code application.yaml}. */
@SpringBootApplication
@RestController
public class WebfluxService {

    private final WebClient api;
    private final Heartbeat heartbeat;

    WebfluxService(
            WebClient.Builder builder, BearerExchangeFilter bearer, @Value("${api}") String api, Heartbeat heartbeat) {
        this.api = builder.baseUrl(api).filter(bearer).build();
        this.heartbeat = heartbeat;
    }

    /** The user as the provider knows them. */
    @GetMapping("/me")
    Mono<JsonNode> me() {
        return api.get().uri("/v1/me").retrieve().bodyToMono(JsonNode.class);
    }

    /**
     * The state of the user's session and each change, until it ends. The token is refreshed ahead of expiry while
     * somebody watches.
     */
    @GetMapping(path = "/states", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<ServerSentEvent<SessionState>> states(TokenSession session) {
        Flux<SessionState> fresh = session.tokensUntilClosed().thenMany(Flux.empty());
        return heartbeat.with(Flux.merge(session.states(), fresh));
    }

    /**
     * Starts the service.
     *
     * @param args settings, for example {@code --tokenswap.exchange.uri=https://auth.example.com}
     */
    public static void main(String[] args) {
        SpringApplication.run(WebfluxService.class, args);
    }
}
