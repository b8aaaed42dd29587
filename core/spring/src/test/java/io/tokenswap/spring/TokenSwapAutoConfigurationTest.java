package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.ObservationTextPublisher;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import io.tokenswap.KeyRing;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.r2dbc.R2dbcTokenStore;
import io.tokenswap.redis.RedisTokenStore;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.SessionState;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.session.TokenStore;
import io.tokenswap.store.FileTokenStore;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.http.codec.CodecCustomizer;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webflux.autoconfigure.WebFluxAutoConfiguration;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.http.HttpStatus;
import org.springframework.http.codec.HttpMessageReader;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenSwapAutoConfigurationTest {

    private static final String KEY = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";

    private final ReactiveWebApplicationContextRunner empty = new ReactiveWebApplicationContextRunner()
            .withBean(ServerCodecConfigurer.class, ServerCodecConfigurer::create)
            .withConfiguration(AutoConfigurations.of(TokenSwapAutoConfiguration.class));
    private final ReactiveWebApplicationContextRunner runner =
            empty.withPropertyValues("tokenswap.exchange.uri=https://auth.example.com");

    @Nested
    class IsSilent {

        @Test
        void withoutAnExchangeServer() {
            empty.run(context -> assertThat(context)
                    .doesNotHaveBean(TokenSwapAutoConfiguration.class)
                    .doesNotHaveBean(TokenSessions.class));
        }

        @Test
        void onSpringBoot3ButForALineThatSaysSo() {
            ReactiveWebApplicationContextRunner springBoot3 = empty.withConfiguration(
                            AutoConfigurations.of(SpringBoot3AutoConfiguration.class))
                    .withClassLoader(new FilteredClassLoader(
                            "org.springframework.boot.webflux", "org.springframework.boot.health"));
            try (CapturedLog log = new CapturedLog()) {
                springBoot3.run(context -> assertThat(context).hasNotFailed());
                assertThat(log.messages()).isEmpty();
                springBoot3
                        .withPropertyValues("tokenswap.exchange.uri=https://auth.example.com")
                        .run(context -> assertThat(context)
                                .hasNotFailed()
                                .doesNotHaveBean(TokenSwapAutoConfiguration.class)
                                .doesNotHaveBean(TokenSessions.class));
                assertThat(log.messages())
                        .singleElement()
                        .asString()
                        .contains("The properties tokenswap.* have no effect", "Spring Boot 4.1");
            }
        }

        @Test
        void withoutThatLineOnSpringBoot4() {
            try (CapturedLog log = new CapturedLog()) {
                runner.withConfiguration(AutoConfigurations.of(SpringBoot3AutoConfiguration.class))
                        .run(context -> assertThat(context)
                                .hasSingleBean(TokenSwapAutoConfiguration.class)
                                .doesNotHaveBean(SpringBoot3AutoConfiguration.class));
                assertThat(log.messages()).noneMatch(message -> message.contains("no effect"));
            }
        }
    }

    @Nested
    class Provides {

        @Test
        void allThatAServiceNeeds() {
            runner.withPropertyValues("tokenswap.api.origins=https://api.spotify.com")
                    .run(context -> assertThat(context)
                            .hasSingleBean(ExchangeServerEndpoint.class)
                            .hasSingleBean(TokenSessions.class)
                            .hasSingleBean(TokenStore.class)
                            .hasSingleBean(KeyRing.class)
                            .hasSingleBean(RefreshPolicy.class)
                            .hasSingleBean(BearerExchangeFilter.class)
                            .hasSingleBean(UserKeyResolver.class)
                            .hasSingleBean(LoginController.class)
                            .hasSingleBean(TokenSwapErrors.class));
        }

        @Test
        void sessionsWithoutAWebServer() {
            new ApplicationContextRunner()
                    .withConfiguration(AutoConfigurations.of(TokenSwapAutoConfiguration.class))
                    .withPropertyValues(
                            "tokenswap.exchange.uri=https://auth.example.com",
                            "tokenswap.api.origins=https://api.spotify.com")
                    .run(context -> assertThat(context)
                            .hasSingleBean(TokenSessions.class)
                            .hasSingleBean(BearerExchangeFilter.class)
                            .doesNotHaveBean(LoginController.class)
                            .doesNotHaveBean(UserKeyResolver.class));
        }

        @Test
        void aBuilderOfClientsWhereThatOfSpringBootIsAbsent() {
            ReactiveWebApplicationContextRunner absent =
                    runner.withClassLoader(new FilteredClassLoader("org.springframework.boot.webclient"));
            ObservationRegistry observations = ObservationRegistry.create();
            List<String> observed = new ArrayList<>();
            observations
                    .observationConfig()
                    .observationHandler(new ObservationTextPublisher(observed::add, any -> true));
            absent.withBean(CodecCustomizer.class, () -> codecs -> codecs.registerDefaults(false))
                    .withBean(ObservationRegistry.class, () -> observations)
                    .run(context -> {
                        WebClient.Builder builder = context.getBean(WebClient.Builder.class);
                        assertThat(context.getBean(WebClient.Builder.class)).isNotSameAs(builder);
                        List<HttpMessageReader<?>> readers = new ArrayList<>();
                        builder.codecs(codecs -> readers.addAll(codecs.getReaders()))
                                .exchangeFunction(request -> Mono.just(
                                        ClientResponse.create(HttpStatus.OK).build()))
                                .build()
                                .get()
                                .uri("http://localhost/")
                                .retrieve()
                                .toBodilessEntity()
                                .block();
                        assertThat(readers).isEmpty();
                        assertThat(observed).anyMatch(line -> line.contains("http.client.requests"));
                    });
            WebClient.Builder own = WebClient.builder();
            absent.withBean(WebClient.Builder.class, () -> own)
                    .run(context ->
                            assertThat(context.getBean(WebClient.Builder.class)).isSameAs(own));
            runner.run(context -> assertThat(context).doesNotHaveBean(WebClient.Builder.class));
        }

        @Test
        void sessionsAndAWarningInAServiceOnServlets() {
            WebApplicationContextRunner servlets = new WebApplicationContextRunner()
                    .withConfiguration(AutoConfigurations.of(TokenSwapAutoConfiguration.class))
                    .withPropertyValues(
                            "tokenswap.exchange.uri=https://auth.example.com",
                            "tokenswap.api.origins=https://api.spotify.com");
            try (CapturedLog log = new CapturedLog()) {
                servlets.withPropertyValues("tokenswap.web.enabled=false")
                        .run(context -> assertThat(context)
                                .hasSingleBean(TokenSessions.class)
                                .hasSingleBean(BearerExchangeFilter.class)
                                .doesNotHaveBean(LoginController.class)
                                .doesNotHaveBean(UserKeyResolver.class)
                                .doesNotHaveBean(TokenSwapErrors.class));
                assertThat(log.messages()).isEmpty();
                servlets.run(context ->
                        assertThat(context).hasSingleBean(TokenSessions.class).doesNotHaveBean(LoginController.class));
                assertThat(log.messages())
                        .singleElement()
                        .asString()
                        .contains("This service runs on servlets, and the sign-in needs WebFlux");
            }
        }

        @Test
        void noFilterForTheApiWithoutItsOrigin() {
            runner.run(context -> assertThat(context).doesNotHaveBean(BearerExchangeFilter.class));
        }

        @Test
        void noPathsWhereThePropertySaysSo() {
            runner.withPropertyValues("tokenswap.web.enabled=false")
                    .run(context -> assertThat(context)
                            .doesNotHaveBean(LoginController.class)
                            .hasSingleBean(UserKeyResolver.class));
        }

        @Test
        void thePolicyOfTheProperties() {
            runner.withPropertyValues(
                            "tokenswap.refresh.margin=1m",
                            "tokenswap.refresh.clock-skew=2s",
                            "tokenswap.refresh.jitter=3s",
                            "tokenswap.refresh.grant-lifetime=180d")
                    .run(context -> assertThat(context.getBean(RefreshPolicy.class))
                            .isEqualTo(RefreshPolicy.builder()
                                    .refreshMargin(Duration.ofMinutes(1))
                                    .clockSkew(Duration.ofSeconds(2))
                                    .jitter(Duration.ofSeconds(3))
                                    .grantLifetime(Duration.ofDays(180))
                                    .build()));
        }

        @ParameterizedTest
        @ValueSource(strings = {"read,write", "read write", "read, write"})
        void scopesWhichMayBeSeparatedAsInARequest(String scopes) {
            runner.withPropertyValues("tokenswap.scopes=" + scopes)
                    .run(context -> assertThat(
                                    context.getBean(TokenSwapProperties.class).scopes())
                            .containsExactly("read", "write"));
        }

        @Test
        void theDefaultPolicy() {
            runner.run(
                    context -> assertThat(context.getBean(RefreshPolicy.class)).isEqualTo(RefreshPolicy.defaults()));
        }

        @Test
        void theEndpointOfTheProperties() {
            runner.withPropertyValues(
                            "tokenswap.exchange.dialect=single-uri",
                            "tokenswap.exchange.timeout=3s",
                            "tokenswap.exchange.headers.x-api-key=secret")
                    .run(context -> assertThat(context.getBean(ExchangeServerEndpoint.class))
                            .hasToString("ExchangeServerEndpoint[SINGLE_URI, swap=https://auth.example.com,"
                                    + " refresh=https://auth.example.com]")
                            .extracting(ExchangeServerEndpoint::timeout)
                            .isEqualTo(Duration.ofSeconds(3)));
        }
    }

    @Nested
    class BacksOff {

        private final VirtualClock clock = new VirtualClock();
        private final ScriptedEndpoint scripted = new ScriptedEndpoint(clock, Duration.ofHours(1));
        private final TokenStore store = TokenStore.inMemory();
        private final KeyRing keys = KeyRing.random();
        private final UserKeyResolver users = exchange -> Mono.just("alice");
        private final ExchangeServerEndpoint exchange = ExchangeServerEndpoint.create("https://other.example.com");
        private final TokenSessions sessions = TokenSessions.builder(scripted).build();
        private final BearerExchangeFilter filter =
                BearerExchangeFilter.create(sessions.current(), URI.create("https://api.example.com"));

        @Test
        void beforeEachBeanOfTheApplication() {
            runner.withPropertyValues("tokenswap.api.origins=https://api.spotify.com")
                    .withBean(TokenStore.class, () -> store)
                    .withBean(KeyRing.class, () -> keys)
                    .withBean(UserKeyResolver.class, () -> users)
                    .withBean(ExchangeServerEndpoint.class, () -> exchange)
                    .withBean(TokenSessions.class, () -> sessions)
                    .withBean(RefreshPolicy.class, RefreshPolicy::spotify)
                    .withBean(BearerExchangeFilter.class, () -> filter)
                    .run(context -> {
                        assertThat(context.getBean(TokenStore.class)).isSameAs(store);
                        assertThat(context.getBean(KeyRing.class)).isSameAs(keys);
                        assertThat(context.getBean(UserKeyResolver.class)).isSameAs(users);
                        assertThat(context.getBean(ExchangeServerEndpoint.class))
                                .isSameAs(exchange);
                        assertThat(context.getBean(TokenSessions.class)).isSameAs(sessions);
                        assertThat(context.getBean(RefreshPolicy.class)).isEqualTo(RefreshPolicy.spotify());
                        assertThat(context.getBean(BearerExchangeFilter.class)).isSameAs(filter);
                    });
        }
    }

    @Nested
    class Stores {

        @Test
        void areInMemoryByDefault() {
            runner.run(context -> assertThat(context.getBean(TokenStore.class).getClass())
                    .isSameAs(TokenStore.inMemory().getClass()));
        }

        @Test
        void areFilesWhereThePropertySaysSo(@TempDir Path directory) {
            runner.withPropertyValues("tokenswap.store.type=file", "tokenswap.store.file.path=" + directory)
                    .run(context ->
                            assertThat(context).getBean(TokenStore.class).isInstanceOf(FileTokenStore.class));
        }

        @Test
        void areInRedisWhereThePropertySaysSo() {
            runner.withPropertyValues(
                            "tokenswap.store.type=redis",
                            "tokenswap.store.redis.uri=redis://127.0.0.1:1",
                            "tokenswap.store.grace=30s",
                            "tokenswap.store.rotates=yes",
                            "tokenswap.keys=" + KEY)
                    .run(context -> {
                        assertThat(context).getBean(TokenStore.class).isInstanceOf(RedisTokenStore.class);
                        assertThat(context.getBean(TokenStore.class).grace()).isEqualTo(Duration.ofSeconds(30));
                        assertThat(context.getBean(TokenStore.class).rotates()).isEqualTo(TokenStore.Rotates.YES);
                    });
        }

        @Test
        void areInPostgresqlWhereThePropertySaysSo() {
            ConnectionFactory connections = ConnectionFactories.get("r2dbc:postgresql://app@localhost/tokens");
            runner.withBean(ConnectionFactory.class, () -> connections)
                    .withPropertyValues(
                            "tokenswap.store.type=r2dbc",
                            "tokenswap.store.r2dbc.table=auth.tokens",
                            "tokenswap.store.grace=30s",
                            "tokenswap.keys=" + KEY)
                    .run(context -> {
                        TokenStore store = context.getBean(TokenStore.class);
                        assertThat(store)
                                .isInstanceOf(R2dbcTokenStore.class)
                                .hasToString("R2dbcTokenStore[auth.tokens]");
                        assertThat(store.grace()).isEqualTo(Duration.ofSeconds(30));
                    });
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', textBlock = """
            tokenswap.store.type=r2dbc | needs tokenswap.keys
            tokenswap.store.type=r2dbc,tokenswap.keys=3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs= | needs one bean of type ConnectionFactory
            tokenswap.store.type=file  | tokenswap.store.type=file needs tokenswap.store.file.path
            tokenswap.store.type=redis | tokenswap.store.type=redis needs tokenswap.store.redis.uri
            tokenswap.store.type=redis,tokenswap.store.redis.uri=redis://localhost | needs tokenswap.keys
            tokenswap.store.type=redis,tokenswap.store.redis.uri=hunter2://x,tokenswap.keys=3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs= | tokenswap.store.redis.uri is malformed
            tokenswap.store.type=redis,tokenswap.store.redis.uri=redis://localhost,tokenswap.store.redis.replicas=-1,tokenswap.keys=3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs= | A number of replicas is not negative: -1
            """)
        void refuseToStartWithoutWhatTheyNeed(String properties, String message) {
            FailureAnalyzer analyzer = SpringFactoriesLoader.forDefaultResourceLocation()
                    .load(FailureAnalyzer.class, (type, name, failure) -> {}) // some need a bean factory
                    .stream()
                    .filter(SettingFailureAnalyzer.class::isInstance)
                    .findFirst()
                    .orElseThrow();
            runner.withPropertyValues(properties.split(",")).run(context -> {
                assertThat(context)
                        .getFailure()
                        .rootCause()
                        .hasMessageContaining(message)
                        .hasMessageNotContaining("hunter2");
                FailureAnalysis analysis =
                        Objects.requireNonNull(analyzer.analyze(Objects.requireNonNull(context.getStartupFailure())));
                assertThat(analysis.getDescription()).contains(message);
                assertThat(analysis.getAction()).contains("tokenswap.*");
            });
        }

        @Test
        void sayWhatIsMissingOnTheClassPath() {
            runner.withClassLoader(new FilteredClassLoader(RedisTokenStore.class))
                    .withPropertyValues("tokenswap.store.type=redis")
                    .run(context -> assertThat(context)
                            .getFailure()
                            .rootCause()
                            .hasMessageContaining("dependency tokenswap-redis"));
            runner.withClassLoader(new FilteredClassLoader(R2dbcTokenStore.class))
                    .withPropertyValues("tokenswap.store.type=r2dbc")
                    .run(context -> assertThat(context)
                            .getFailure()
                            .rootCause()
                            .hasMessageContaining("dependency tokenswap-r2dbc"));
        }

        /** A method that falls back to its default would change what a session does with the store. */
        @Test
        void areWatchedWithAllTheirMethods() {
            assertThat(TokenStore.class.getMethods())
                    .filteredOn(method -> !Modifier.isStatic(method.getModifiers()))
                    .allSatisfy(method -> assertThat(
                                    WatchedStore.class.getDeclaredMethod(method.getName(), method.getParameterTypes()))
                            .isNotNull());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tokenswap.exchange.uri=http://exchange.example.com | tokenswap.exchange cannot be used. The base URI is plain http
            tokenswap.exchange.uri=                            | tokenswap.exchange.uri is empty
            tokenswap.exchange.dialect=klingon                 | klingon
            tokenswap.public-uri=http://example.com            | tokenswap.public-uri must begin with https://
            tokenswap.public-uri=https://example.com/?a        | tokenswap.public-uri must be a scheme, a host
            tokenswap.api.origins=https://api.example.com/v1   | tokenswap.api.origins cannot be used. An origin has
            tokenswap.api.origins=http://api.example.com       | tokenswap.api.origins cannot be used. The API at
            tokenswap.web.login-path=login                     | tokenswap.web.login-path must be a path
            tokenswap.users.maximum-size=0                     | tokenswap.users.maximum-size must be at least 1
            tokenswap.users.idle-timeout=0s                    | tokenswap.users.idle-timeout must be longer than zero
            tokenswap.keys=hunter2                             | tokenswap.keys cannot be used
            tokenswap.refresh.margin=-1s                       | tokenswap.refresh cannot be used
            """)
    void aWrongPropertyEndsTheStartAndIsNamed(String property, String message) {
        runner.withPropertyValues(property)
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .hasMessageContaining(message)
                        .hasMessageNotContaining("hunter2"));
    }

    @Test
    void thePropertiesPrintNoSecret() {
        runner.withPropertyValues(
                        "tokenswap.keys=" + KEY,
                        "tokenswap.exchange.headers.x-api-key=hunter2",
                        "tokenswap.store.redis.uri=redis://user:hunter2@localhost")
                .run(context -> {
                    TokenSwapProperties properties = context.getBean(TokenSwapProperties.class);
                    String printed = properties + " " + properties.exchange() + " " + properties.store();
                    assertThat(printed).doesNotContain("hunter2", KEY);
                });
    }

    @Test
    void everyPropertyHasADescriptionAndTheDefaultsOfTheDocumentation() throws IOException {
        Map<String, String> defaults = Map.of(
                "tokenswap.exchange.timeout", "15s",
                "tokenswap.web.login-path", "/login",
                "tokenswap.web.redirect-path", "/auth",
                "tokenswap.user", "cookie",
                "tokenswap.users.idle-timeout", "30m",
                "tokenswap.store.type", "memory",
                "tokenswap.store.unused", "180d",
                "tokenswap.refresh.margin", "5m");
        try (InputStream metadata = getClass().getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            JsonNode properties = new JsonMapper()
                    .readTree(new String(Objects.requireNonNull(metadata).readAllBytes(), StandardCharsets.UTF_8))
                    .get("properties");
            List<JsonNode> all =
                    StreamSupport.stream(properties.spliterator(), false).toList();
            assertThat(all)
                    .hasSize(28)
                    .allSatisfy(
                            property -> assertThat(property.path("description").asString(""))
                                    .isNotBlank());
            for (JsonNode property : all) {
                String expected = defaults.get(property.get("name").asString());
                if (expected != null) {
                    assertThat(property.get("defaultValue").asString()).isEqualTo(expected);
                }
            }
        }
    }

    @Nested
    class Observability {

        @Test
        void aStartThatFailsHalfWayLeavesNothingBehind() {
            SimpleMeterRegistry meters = new SimpleMeterRegistry();
            List<TokenSessions> made = new ArrayList<>();
            AtomicBoolean measured = new AtomicBoolean();
            runner.withBean(MeterRegistry.class, () -> meters)
                    .withBean(SmartInitializingSingleton.class, () -> () -> {
                        throw new IllegalStateException("a fault of the application");
                    })
                    .withInitializer(context -> context.getBeanFactory().addBeanPostProcessor(new BeanPostProcessor() {
                        @Override
                        public Object postProcessAfterInitialization(Object bean, String name) {
                            if (bean instanceof TokenSessions sessions) {
                                made.add(sessions);
                            }
                            measured.compareAndSet(
                                    false, meters.find("tokenswap.sessions").gauge() != null);
                            return bean;
                        }
                    }))
                    .run(context -> assertThat(context).hasFailed());
            assertThat(made).singleElement().matches(TokenSessions::isDisposed);
            assertThat(measured).isTrue();
            assertThat(meters.getMeters()).isEmpty();
        }

        @Test
        void metersAreBoundAndRemovedWithTheApplication() {
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            runner.withBean(MeterRegistry.class, () -> registry)
                    .withBean(ObservationRegistry.class, ObservationRegistry::create)
                    .run(context -> {
                        assertThat(registry.find("tokenswap.sessions").gauges()).hasSize(6);
                        assertThat(context).hasSingleBean(TokenSwapAutoConfiguration.EndpointObserver.class);
                    });
            assertThat(registry.getMeters()).isEmpty();
        }

        @Test
        void nothingIsMeasuredWithoutMicrometer() {
            runner.withClassLoader(new FilteredClassLoader("io.micrometer"))
                    .run(context -> assertThat(context).hasNotFailed().hasSingleBean(TokenSessions.class));
        }

        @Test
        void theServiceIsUpAndShowsItsSessions() {
            runner.run(context -> {
                ScriptedEndpoint endpoint = new ScriptedEndpoint(new VirtualClock(), Duration.ofHours(1));
                context.getBean(TokenSessions.class)
                        .signIn("alice", endpoint.grant(Duration.ofDays(3)))
                        .block();
                Health health = health(context.getBean(TokenSwapHealthIndicator.class));
                assertThat(health.getStatus()).isEqualTo(Status.UP);
                assertThat(health.getDetails()).containsEntry("store", "up").containsKeys("sessions", "grantsEnding");
                assertThat(String.valueOf(health.getDetails())).doesNotContain("alice", "access-");
            });
        }

        @Test
        void aSingleSessionThatNeedsALoginIsDown() {
            VirtualClock clock = new VirtualClock();
            ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
            TokenSession session = clock.session(endpoint).build(endpoint.grant());
            runner.withBean(TokenSession.class, () -> session).run(context -> {
                TokenSwapHealthIndicator indicator = context.getBean(TokenSwapHealthIndicator.class);
                assertThat(health(indicator).getStatus()).isEqualTo(Status.UP);
                endpoint.thenFail(ScriptedEndpoint.notSent());
                session.refresh().onErrorComplete().block();
                assertThat(health(indicator).getStatus()).isEqualTo(Status.UP);
                assertThat(health(indicator).getDetails()).containsKey("retryAt");
                endpoint.revoke();
                clock.advance(Duration.ofHours(2));
                session.token().onErrorComplete().block();
                assertThat(health(indicator).getStatus()).isEqualTo(Status.DOWN);
                assertThat(health(indicator).getDetails()).containsEntry("state", "login_required");
            });
        }

        @Test
        void aSingleSessionThatIsClosedIsDown() {
            VirtualClock clock = new VirtualClock();
            ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
            TokenSession session = clock.session(endpoint).build(endpoint.grant());
            runner.withBean(TokenSession.class, () -> session).run(context -> {
                TokenSwapHealthIndicator indicator = context.getBean(TokenSwapHealthIndicator.class);
                session.dispose();
                assertThat(health(indicator).getStatus()).isEqualTo(Status.DOWN);
                assertThat(health(indicator).getDetails()).containsEntry("state", "closed");
            });
        }

        @Test
        void theServiceStaysUpWhateverHappensToTheGrantOfOneUserAndShowsTheLastFailure() {
            VirtualClock clock = new VirtualClock();
            ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
            TokenSessions sessions = TokenSessions.builder(endpoint)
                    .store(new ReferenceStore(clock).connect())
                    .session(options -> options.clock(clock).scheduler(clock.scheduler()))
                    .build();
            runner.withBean(TokenSessions.class, () -> sessions).run(context -> {
                TokenSwapHealthIndicator indicator = context.getBean(TokenSwapHealthIndicator.class);
                TokenSession session = Objects.requireNonNull(
                        sessions.signIn("alice", endpoint.grant()).block());
                assertThat(health(indicator).getDetails()).doesNotContainKey("lastFailure");

                endpoint.thenFail(ScriptedEndpoint.notSent());
                session.refresh().onErrorComplete().block();

                assertThat(health(indicator).getStatus()).isEqualTo(Status.UP);
                assertThat(health(indicator).getDetails().get("lastFailure"))
                        .isEqualTo(Map.of(
                                "text",
                                String.valueOf(ScriptedEndpoint.notSent().getMessage()),
                                "at",
                                clock.instant().toString()));

                session.states().subscribe(); // keeps it open
                endpoint.revoke();
                clock.advance(Duration.ofHours(2));
                session.token().onErrorComplete().block();

                assertThat(session.state().status()).isEqualTo(SessionState.Status.LOGIN_REQUIRED);
                assertThat(health(indicator).getStatus()).isEqualTo(Status.UP);
                assertThat(String.valueOf(health(indicator).getDetails().get("sessions")))
                        .contains("login_required=1", "valid=0");
            });
        }

        @Test
        void theMessageOfAStoreIsNotShown() {
            VirtualClock clock = new VirtualClock();
            ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofHours(1));
            AtomicBoolean full = new AtomicBoolean();
            TokenStore store = TokenStore.forOneProcess(
                    KeyRing.random(),
                    key -> Mono.empty(),
                    (key, record) -> full.get()
                            ? Mono.error(new IOException("refused: user=app password=hunter2"))
                            : Mono.empty(),
                    key -> Mono.empty());
            TokenSessions sessions = TokenSessions.builder(endpoint)
                    .store(store)
                    .session(options -> options.clock(clock).scheduler(clock.scheduler()))
                    .build();
            runner.withBean(TokenSessions.class, () -> sessions).run(context -> {
                TokenSession session = Objects.requireNonNull(
                        sessions.signIn("alice", endpoint.grant()).block());
                full.set(true);
                session.renew(endpoint.grant()).subscribe(saved -> {}, error -> {});
                clock.advance(Duration.ofMinutes(1));
                assertThat(String.valueOf(health(context.getBean(TokenSwapHealthIndicator.class))
                                .getDetails()
                                .get("lastFailure")))
                        .contains("The store failed with")
                        .doesNotContain("hunter2");
            });
        }

        @Test
        void grantsThatEndSoonAreCounted() {
            VirtualClock clock = new VirtualClock();
            ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, Duration.ofDays(50));
            TokenSessions sessions = TokenSessions.builder(endpoint)
                    .policy(RefreshPolicy.builder()
                            .grantLifetime(Duration.ofDays(20))
                            .build())
                    .session(options -> options.clock(clock).scheduler(clock.scheduler()))
                    .build();
            runner.withBean(TokenSessions.class, () -> sessions).run(context -> {
                sessions.signIn("alice", endpoint.grant()).block();
                clock.advance(Duration.ofDays(15));
                sessions.get("alice").block();
                sessions.signIn("bob", endpoint.grant()).block();
                assertThat(health(context.getBean(TokenSwapHealthIndicator.class))
                                .getDetails())
                        .containsEntry("grantsEnding", Map.of("7d", 1, "30d", 2));
            });
        }

        private static Health health(TokenSwapHealthIndicator indicator) {
            return Objects.requireNonNull(indicator.health(true).block());
        }
    }

    @Test
    void theAutoConfigurationWorksBesideThatOfWebFlux() {
        new ReactiveWebApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(TokenSwapAutoConfiguration.class, WebFluxAutoConfiguration.class))
                .withPropertyValues("tokenswap.exchange.uri=https://auth.example.com")
                .run(context -> assertThat(context).hasNotFailed());
    }
}
