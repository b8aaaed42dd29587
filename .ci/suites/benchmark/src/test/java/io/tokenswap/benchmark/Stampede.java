package io.tokenswap.benchmark;

import com.azure.core.credential.AccessToken;
import com.azure.core.credential.SimpleTokenCache;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.client.AuthorizedClientServiceReactiveOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.InMemoryReactiveOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.RefreshTokenReactiveOAuth2AuthorizedClientProvider;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.InMemoryReactiveClientRegistrationRepository;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2RefreshToken;
import org.springframework.security.oauth2.core.endpoint.OAuth2AccessTokenResponse;
import reactor.core.publisher.Mono;

/**
 * 10,000 callers at expiry, against an endpoint that takes 50 ms: how many refreshes, and how long until all are
 * served. One caller of the endpoint itself shows what the 50 ms are on this machine.
 */
public final class Stampede {

    private static final int CALLERS = 10_000;
    private static final int ROUNDS = 3;
    private static final int RUNS = 30;
    private static final Duration LATENCY = Duration.ofMillis(50);

    private Stampede() {}

    public static void main(String[] args) throws InterruptedException {
        for (int round = 0; round < ROUNDS; round++) {
            measure("the endpoint itself", 1, latency -> latency);
            measure("tokenswap", CALLERS, Stampede::tokenswap);
            measure("azure-core", CALLERS, Stampede::azureCore);
            measure("Spring Security", CALLERS, Stampede::springSecurity);
        }
        System.exit(0);
    }

    /** Measures what is made of the endpoint's latency, made anew for each run. */
    private static void measure(String name, int callers, Function<Mono<Long>, Mono<?>> made)
            throws InterruptedException {
        AtomicLong refreshes = new AtomicLong();
        Mono<Long> latency = Mono.delay(LATENCY).doOnSubscribe(call -> refreshes.incrementAndGet());
        double[] millis = new double[RUNS];
        for (int run = 0; run < RUNS; run++) {
            Mono<?> call = made.apply(latency);
            CountDownLatch served = new CountDownLatch(callers);
            long start = System.nanoTime();
            for (int i = 0; i < callers; i++) {
                call.subscribe(token -> served.countDown(), Throwable::printStackTrace);
            }
            served.await();
            millis[run] = (System.nanoTime() - start) / 1e6;
        }
        Arrays.sort(millis);
        System.out.printf(
                "%-20s %6d callers: median %.1f ms (p10 %.1f, p90 %.1f), %d refreshes a run%n",
                name, callers, millis[RUNS / 2], millis[RUNS / 10], millis[RUNS * 9 / 10], refreshes.get() / RUNS);
    }

    private static Mono<?> tokenswap(Mono<Long> latency) {
        InstantEndpoint instant = new InstantEndpoint(Duration.ofHours(1));
        TokenEndpoint slow = new TokenEndpoint() {
            @Override
            public Mono<Token> swap(AuthorizationCode code) {
                return latency.then(instant.swap(code));
            }

            @Override
            public Mono<Token> refresh(RefreshToken presented) {
                return latency.then(instant.refresh(presented));
            }
        };
        Token expired = new InstantEndpoint(Duration.ZERO).grant();
        return TokenSession.builder(slow).build(expired).token();
    }

    private static Mono<?> azureCore(Mono<Long> latency) {
        return new SimpleTokenCache(() -> latency.map(
                        tick -> new AccessToken("access", OffsetDateTime.now().plusHours(1))))
                .getToken();
    }

    private static Mono<?> springSecurity(Mono<Long> latency) {
        ClientRegistration registration = ClientRegistration.withRegistrationId("provider")
                .clientId("client")
                .clientSecret("secret")
                .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
                .redirectUri("http://127.0.0.1/auth")
                .authorizationUri("http://127.0.0.1/authorize")
                .tokenUri("http://127.0.0.1/token")
                .build();
        Instant past = Instant.now().minusSeconds(7200);
        OAuth2AuthorizedClient expired = new OAuth2AuthorizedClient(
                registration,
                "user",
                new OAuth2AccessToken(OAuth2AccessToken.TokenType.BEARER, "access", past, past.plusSeconds(3600)),
                new OAuth2RefreshToken("refresh", past));
        Authentication user = new TestingAuthenticationToken("user", "password");
        var registrations = new InMemoryReactiveClientRegistrationRepository(registration);
        var clients = new InMemoryReactiveOAuth2AuthorizedClientService(registrations);
        clients.saveAuthorizedClient(expired, user).block();
        var provider = new RefreshTokenReactiveOAuth2AuthorizedClientProvider();
        provider.setAccessTokenResponseClient(
                request -> latency.map(tick -> OAuth2AccessTokenResponse.withToken("access")
                        .tokenType(OAuth2AccessToken.TokenType.BEARER)
                        .expiresIn(3600)
                        .build()));
        var manager = new AuthorizedClientServiceReactiveOAuth2AuthorizedClientManager(registrations, clients);
        manager.setAuthorizedClientProvider(provider);
        return manager.authorize(OAuth2AuthorizeRequest.withClientRegistrationId("provider")
                .principal(user)
                .build());
    }
}
