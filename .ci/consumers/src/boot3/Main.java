package boot3;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.spring.BearerExchangeFilter;
import java.net.URI;
import java.time.Instant;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

/** A service of Spring Boot 3 that has the starter on its class path, and makes the sessions and the filter itself. */
@SpringBootApplication
@RestController
public class Main {

    @GetMapping("/api")
    String api(@RequestHeader("Authorization") String authorization) {
        return authorization;
    }

    public static void main(String[] args) {
        try (ConfigurableApplicationContext context = SpringApplication.run(Main.class, args)) {
            check("sessions of the auto-configuration", 0, context.getBeanNamesForType(TokenSessions.class).length);
            TokenSessions sessions = TokenSessions.builder(new Provider()).build();
            sessions.signIn("alice", Provider.token()).block();
            URI api = URI.create("http://localhost:" + context.getEnvironment().getProperty("local.server.port"));
            WebClient client = context.getBean(WebClient.Builder.class)
                    .baseUrl(api.toString())
                    .filter(BearerExchangeFilter.create(sessions.current(), api))
                    .build();
            String sent = client.get()
                    .uri("/api")
                    .retrieve()
                    .bodyToMono(String.class)
                    .contextWrite(TokenSessions.withUser("alice"))
                    .block();
            check("the request", "Bearer access", sent);
            sessions.disposeLater().block();
        }
        System.out.println("called");
    }

    private static void check(String what, Object expected, Object found) {
        if (!expected.equals(found)) {
            throw new AssertionError(what + ": expected " + expected + ", found " + found);
        }
    }

    private static final class Provider implements TokenEndpoint {

        static Token token() {
            return Token.builder("access", Instant.now()).refreshToken("refresh").build();
        }

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.fromSupplier(Provider::token);
        }

        @Override
        public Mono<Token> refresh(RefreshToken refreshToken) {
            return Mono.fromSupplier(Provider::token);
        }
    }
}
