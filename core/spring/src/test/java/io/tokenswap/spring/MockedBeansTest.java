package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.tokenswap.KeyRing;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;
import org.springframework.boot.webflux.test.autoconfigure.WebFluxTest;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.test.context.TestContextManager;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.test.web.reactive.server.WebTestClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Tests of an application, which replace a bean by a mock that returns null. */
class MockedBeansTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private final ReactiveWebApplicationContextRunner runner = new ReactiveWebApplicationContextRunner()
            .withBean(ServerCodecConfigurer.class, ServerCodecConfigurer::create)
            .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
            .withBean(ObservationRegistry.class, ObservationRegistry::create)
            .withConfiguration(AutoConfigurations.of(TokenSwapAutoConfiguration.class))
            .withPropertyValues(
                    "tokenswap.exchange.uri=https://auth.example.com", "tokenswap.api.origins=https://api.example.com");

    @ParameterizedTest
    @ValueSource(
            classes = {
                TokenSessions.class,
                TokenStore.class,
                ExchangeServerEndpoint.class,
                KeyRing.class,
                RefreshPolicy.class,
                UserKeyResolver.class,
                BearerExchangeFilter.class
            })
    <T> void startAndEndTheApplicationWithoutAWarning(Class<T> type) {
        T mock = mock(type);
        try (CapturedLog log = new CapturedLog()) {
            runner.withBean(type, () -> mock).run(context -> {
                assertThat(context).hasNotFailed();
                assertThat(context.getBean(type)).isSameAs(mock);
                AvailabilityChangeEvent.publish(context, ReadinessState.ACCEPTING_TRAFFIC);
                assertThat(context.getBean(TokenSwapHealthIndicator.class)
                                .health(true)
                                .block(TIMEOUT))
                        .isNotNull();
            });
            assertThat(log.messages()).noneMatch(message -> message.contains("null"));
        }
    }

    @Test
    void giveAControllerOfASliceTheSessionOfTheTest() throws Exception {
        VirtualClock clock = new VirtualClock();
        ScriptedEndpoint exchange = new ScriptedEndpoint(clock, Duration.ofHours(1));
        TokenSession session = clock.session(exchange).build(exchange.grant());
        TestContextManager manager = new TestContextManager(Slice.class);
        manager.beforeTestClass();
        try {
            Slice slice = new Slice();
            manager.prepareTestInstance(slice);
            when(slice.sessions.current()).thenReturn(Mono.just(session));

            slice.client
                    .mutate()
                    .responseTimeout(TIMEOUT)
                    .build()
                    .get()
                    .uri("/token")
                    .exchange()
                    .expectStatus()
                    .isOk()
                    .expectBody(String.class)
                    .isEqualTo("access-1");
        } finally {
            manager.afterTestClass();
            manager.getTestContext().markApplicationContextDirty(null);
        }
    }

    /** A test class of an application; run by hand, because Spring's extension needs a later JUnit. */
    @WebFluxTest(
            properties = {
                "tokenswap.exchange.uri=https://auth.example.com",
                "tokenswap.api.origins=https://api.example.com"
            })
    @ImportAutoConfiguration(TokenSwapAutoConfiguration.class)
    static class Slice {

        @MockitoBean
        private TokenSessions sessions;

        @Autowired
        private WebTestClient client;
    }

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class Application {

        @RestController
        static class Tokens {

            @GetMapping("/token")
            Mono<String> token(TokenSession session) {
                return session.token().map(token -> token.accessToken().secret());
            }
        }
    }
}
