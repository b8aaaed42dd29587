package io.tokenswap.benchmark;

import com.azure.core.credential.AccessToken;
import com.azure.core.credential.SimpleTokenCache;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.client.AuthorizedClientServiceReactiveOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.InMemoryReactiveOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.ReactiveOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.InMemoryReactiveClientRegistrationRepository;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import reactor.core.publisher.Mono;

/** Cost of a request for a valid token: subscribed and consumed, beside peers, in one run. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(2)
public class ValidTokenBenchmark {

    private final Instant now = Instant.now();
    private final Token token = Token.builder("access-token-of-thirty-five-chars-1", now)
            .refreshToken("refresh-token-of-thirty-five-chars1")
            .expiresAt(now.plus(Duration.ofHours(24)))
            .build();

    private final TokenSession session =
            TokenSession.builder(new InstantEndpoint(Duration.ofHours(24))).build(token);

    private final Mono<Token> cacheInvalidateIf =
            Mono.fromSupplier(() -> token).cacheInvalidateIf(t -> t.expiresAt().isBefore(Instant.now()));

    private final SimpleTokenCache azure = new SimpleTokenCache(
            () -> Mono.just(new AccessToken("access", OffsetDateTime.now().plusHours(24))));

    private final ReactiveOAuth2AuthorizedClientManager spring;
    private final OAuth2AuthorizeRequest springRequest;

    public ValidTokenBenchmark() {
        ClientRegistration registration = ClientRegistration.withRegistrationId("provider")
                .clientId("client")
                .clientSecret("secret")
                .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
                .redirectUri("http://127.0.0.1/auth")
                .authorizationUri("http://127.0.0.1/authorize")
                .tokenUri("http://127.0.0.1/token")
                .build();
        var registrations = new InMemoryReactiveClientRegistrationRepository(registration);
        var clients = new InMemoryReactiveOAuth2AuthorizedClientService(registrations);
        Authentication user = new TestingAuthenticationToken("user", "password");
        OAuth2AccessToken accessToken = new OAuth2AccessToken(
                OAuth2AccessToken.TokenType.BEARER, "access", now, now.plus(Duration.ofHours(24)));
        clients.saveAuthorizedClient(new OAuth2AuthorizedClient(registration, "user", accessToken), user)
                .block();
        spring = new AuthorizedClientServiceReactiveOAuth2AuthorizedClientManager(registrations, clients);
        springRequest = OAuth2AuthorizeRequest.withClientRegistrationId("provider")
                .principal(user)
                .build();
    }

    @Benchmark
    public void monoJust(Blackhole blackhole) {
        Mono.just(token).subscribe(blackhole::consume);
    }

    @Benchmark
    public void tokenSession(Blackhole blackhole) {
        session.token().subscribe(blackhole::consume);
    }

    @Benchmark
    public void reactorCacheInvalidateIf(Blackhole blackhole) {
        cacheInvalidateIf.subscribe(blackhole::consume);
    }

    @Benchmark
    public void azureCore(Blackhole blackhole) {
        azure.getToken().subscribe(blackhole::consume);
    }

    @Benchmark
    public void springSecurity(Blackhole blackhole) {
        spring.authorize(springRequest).subscribe(blackhole::consume);
    }
}
