package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.ExchangeFunction;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClientResponseException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.PublisherProbe;

class BearerExchangeFilterTest {

    private static final URI API = URI.create("https://api.example.com");

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint exchange = new ScriptedEndpoint(clock, Duration.ofHours(1));
    private final TokenSession session = clock.session(exchange).build(exchange.grant());
    private final List<String> sent = new ArrayList<>();
    private final List<Token> acceptedTokens = new ArrayList<>();

    /** An API that accepts some tokens. */
    private ExchangeFunction api(String... accepted) {
        return request -> {
            String authorization = String.valueOf(request.headers().getFirst("Authorization"));
            sent.add(authorization);
            return Mono.just(
                    Arrays.asList(accepted).contains(authorization)
                            ? ClientResponse.create(HttpStatus.OK).body("hello").build()
                            : ClientResponse.create(HttpStatus.UNAUTHORIZED)
                                    .body("refused " + authorization)
                                    .build());
        };
    }

    private WebClient client(TokenSource tokens, ExchangeFunction api) {
        return WebClient.builder()
                .exchangeFunction(api)
                .baseUrl(API.toString())
                .filter(BearerExchangeFilter.create(tokens, API))
                .build();
    }

    private static Mono<String> get(WebClient client) {
        return client.get().uri("/v1/me").retrieve().bodyToMono(String.class);
    }

    @Test
    void theRequestCarriesTheToken() {
        StepVerifier.create(get(client(session, api("Bearer access-1"))))
                .expectNext("hello")
                .verifyComplete();
        assertThat(sent).containsExactly("Bearer access-1");
    }

    @Test
    void nothingHappensBeforeTheSubscription() {
        PublisherProbe<Token> probe = PublisherProbe.of(session.token());
        Mono<String> request = get(client(probe::mono, api("Bearer access-1")));
        probe.assertWasNotSubscribed();
        request.block();
        probe.assertWasSubscribed();
    }

    @Test
    void aRefusedTokenIsReplacedOnce() {
        StepVerifier.create(get(client(session, api("Bearer access-2"))))
                .expectNext("hello")
                .verifyComplete();
        assertThat(sent).containsExactly("Bearer access-1", "Bearer access-2");
        assertThat(exchange.refreshes()).isOne();
    }

    @Test
    void theSecondRefusalIsTheCallers() {
        StepVerifier.create(get(client(session, api())))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOfSatisfying(
                                WebClientResponseException.Unauthorized.class,
                                refused -> assertThat(refused.getResponseBodyAsString())
                                        .isEqualTo("refused Bearer access-2")));
        assertThat(sent).hasSize(2);
    }

    @Test
    void withoutATokenNothingIsSent() {
        exchange.revoke();
        clock.advance(Duration.ofHours(2));
        StepVerifier.create(get(client(session, api()))).verifyError(LoginRequiredException.class);
        assertThat(sent).isEmpty();
    }

    @Test
    void theBodyIsWrittenAgain() {
        StepVerifier.create(client(session, api("Bearer access-2"))
                        .post()
                        .uri("/v1/play")
                        .bodyValue("song")
                        .retrieve()
                        .bodyToMono(String.class))
                .expectNext("hello")
                .verifyComplete();
    }

    @Test
    void aBodyThatCannotBeWrittenAgainLeavesTheFirstRefusalToTheCaller() {
        ExchangeFunction api = api("Bearer access-2");
        AtomicInteger writes = new AtomicInteger();
        Flux<DataBuffer> once = Flux.defer(() -> writes.getAndIncrement() == 0
                ? Flux.just(DefaultDataBufferFactory.sharedInstance.wrap("song".getBytes(StandardCharsets.UTF_8)))
                : Flux.error(new IllegalStateException("only one subscriber")));
        WebClient client = client(session, request -> once.then(api.exchange(request)));
        StepVerifier.create(client.post()
                        .uri("/v1/play")
                        .body(BodyInserters.fromDataBuffers(once))
                        .retrieve()
                        .bodyToMono(String.class))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOfSatisfying(
                                WebClientResponseException.Unauthorized.class,
                                refused -> assertThat(refused.getResponseBodyAsString())
                                        .isEqualTo("refused Bearer access-1")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://evil.example.com/v1/me",
                "https://api.example.com.evil.com/v1/me",
                "https://api.example.com:8443/v1/me",
                "http://api.example.com/v1/me",
                "https://user@api.example.com/v1/me",
                "/v1/me"
            })
    @Tag("E32")
    void theTokenGoesNowhereElse(String url) {
        WebClient client = client(session, api("Bearer access-1"));
        StepVerifier.create(client.get().uri(URI.create(url)).retrieve().bodyToMono(String.class))
                .verifyError(IllegalArgumentException.class);
        assertThat(sent).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://api.example.com",
                "https://api.example.com/v1",
                "https://api.example.com?x=1",
                "ftp://api.example.com",
                "api.example.com",
                "https://user@api.example.com"
            })
    @Tag("E32")
    void anOriginIsNothingButAnOrigin(String origin) {
        assertThatIllegalArgumentException().isThrownBy(() -> BearerExchangeFilter.create(session, URI.create(origin)));
    }

    @Test
    void theOriginIsComparedAsBrowsersDo() {
        WebClient client = client(session, api("Bearer access-1"));
        URI same = URI.create("HTTPS://API.example.com:443/v1/me");
        StepVerifier.create(client.get().uri(same).retrieve().bodyToMono(String.class))
                .expectNext("hello")
                .verifyComplete();
    }

    @Test
    void oneFilterServesAllUsersByTheContext() {
        TokenSessions sessions = TokenSessions.builder(exchange)
                .session(options -> options.clock(clock).scheduler(clock.scheduler()))
                .build();
        sessions.signIn("alice", exchange.grant()).block(); // access-2
        sessions.signIn("bob", exchange.grant()).block(); // access-3
        WebClient client = WebClient.builder()
                .exchangeFunction(api("Bearer access-2", "Bearer access-4"))
                .baseUrl(API.toString())
                .filter(BearerExchangeFilter.create(sessions.current(), API))
                .build();
        get(client).contextWrite(TokenSessions.withUser("alice")).block();
        get(client).contextWrite(TokenSessions.withUser("bob")).block();
        assertThat(sent).containsExactly("Bearer access-2", "Bearer access-3", "Bearer access-4");
        StepVerifier.create(get(client).contextWrite(TokenSessions.withUser("carol")))
                .verifyError(LoginRequiredException.class);
        StepVerifier.create(get(client)).verifyError(IllegalStateException.class);
        assertThat(sent).hasSize(3);
    }

    @Test
    void theSourceLearnsThatItsTokenWasAccepted() {
        TokenSource tokens = new TokenSource() {
            @Override
            public Mono<Token> token() {
                return session.token();
            }

            @Override
            public void invalidate(Token rejected) {
                session.invalidate(rejected);
            }

            @Override
            public void accept(Token accepted) {
                acceptedTokens.add(accepted);
            }
        };
        get(client(tokens, api("Bearer access-2"))).block();
        assertThat(acceptedTokens)
                .extracting(token -> token.accessToken().secret())
                .containsExactly("access-2");
        get(client(
                        tokens,
                        request -> Mono.just(
                                ClientResponse.create(HttpStatus.BAD_GATEWAY).build())))
                .onErrorComplete()
                .block();
        assertThat(acceptedTokens).hasSize(1);
    }

    @Test
    void aRefusalWhoseBodyNeverEndsHoldsNothingUp() {
        ExchangeFunction api = api("Bearer access-2");
        WebClient client = client(
                session,
                request -> api.exchange(request)
                        .map(response -> response.statusCode().isError()
                                ? response.mutate()
                                        .body(Flux.<DataBuffer>never())
                                        .build()
                                : response));
        StepVerifier.create(get(client)).expectNext("hello").verifyComplete();
    }
}
