package io.tokenswap.spring;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.r2dbc.spi.ConnectionFactory;
import io.tokenswap.KeyRing;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.micrometer.TokenSwapMetrics;
import io.tokenswap.r2dbc.R2dbcTokenStore;
import io.tokenswap.redis.RedisTokenStore;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.session.TokenStore;
import io.tokenswap.store.FileTokenStore;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.LazyInitializationExcludeFilter;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.boot.http.codec.CodecCustomizer;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Scope;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.util.ClassUtils;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.result.method.annotation.ArgumentResolverConfigurer;
import reactor.core.publisher.Mono;

/**
 * Auto-configuration for WebFlux services, silent until {@code tokenswap.exchange.uri} is set, and on Spring Boot 3,
 * where the health contributors and the web support are in other packages.
 *
 * @see SpringBoot3AutoConfiguration
 */
@AutoConfiguration(
        afterName = {
            "org.springframework.boot.http.codec.autoconfigure.CodecsAutoConfiguration",
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration",
            "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration",
            "org.springframework.boot.r2dbc.autoconfigure.R2dbcAutoConfiguration",
            "org.springframework.boot.webclient.autoconfigure.WebClientAutoConfiguration",
        },
        beforeName = {
            "org.springframework.boot.health.autoconfigure.registry.HealthContributorRegistryAutoConfiguration",
            "org.springframework.boot.webflux.autoconfigure.WebFluxAutoConfiguration"
        })
@ConditionalOnClass(name = "org.springframework.boot.webflux.autoconfigure.WebFluxAutoConfiguration")
@ConditionalOnProperty("tokenswap.exchange.uri")
@EnableConfigurationProperties(TokenSwapProperties.class)
public class TokenSwapAutoConfiguration {

    private static final Logger log = LoggerFactory.getLogger(TokenSwapAutoConfiguration.class);

    /** Time without work after which event loops stop: long enough to close the pooled connections. */
    private static final Duration QUIET = Duration.ofMillis(100);

    TokenSwapAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    ExchangeServerEndpoint exchangeServerEndpoint(TokenSwapProperties properties) {
        TokenSwapProperties.Exchange exchange = properties.exchange();
        URI uri = exchange.uri();
        if (uri == null || uri.toString().isEmpty()) {
            throw new SettingException("tokenswap.exchange.uri is empty");
        }
        return SettingException.naming("tokenswap.exchange", () -> {
            ExchangeServerEndpoint.Builder builder = ExchangeServerEndpoint.builder(uri)
                    .dialect(exchange.dialect())
                    .timeout(exchange.timeout());
            exchange.headers().forEach(builder::header);
            return builder.build();
        });
    }

    /** The keys of the properties; without any, a key of this process. */
    @Bean
    @ConditionalOnMissingBean
    KeyRing tokenSwapKeys(TokenSwapProperties properties) {
        List<String> keys = properties.keys();
        return keys.isEmpty()
                ? KeyRing.random()
                : SettingException.naming(
                        "tokenswap.keys",
                        () -> KeyRing.of(
                                keys.get(0), keys.subList(1, keys.size()).toArray(new String[0])));
    }

    @Bean
    @ConditionalOnMissingBean
    RefreshPolicy refreshPolicy(TokenSwapProperties properties) {
        TokenSwapProperties.Refresh refresh = properties.refresh();
        return SettingException.naming("tokenswap.refresh", () -> {
            RefreshPolicy.Builder policy = RefreshPolicy.builder()
                    .refreshMargin(refresh.margin())
                    .clockSkew(refresh.clockSkew())
                    .jitter(refresh.jitter());
            return (refresh.grantLifetime() == null ? policy : policy.grantLifetime(refresh.grantLifetime())).build();
        });
    }

    @Bean
    @ConditionalOnMissingBean
    TokenStore tokenStore(TokenSwapProperties properties, KeyRing keys, PublicUri publicUri) {
        switch (properties.store().type()) {
            case MEMORY -> {
                if (!publicUri.isLoopback()) {
                    log.warn("Tokens are kept in memory: each restart signs all users out, and instances share nothing."
                            + " Set tokenswap.store.type.");
                }
                return TokenStore.inMemory();
            }
            case FILE -> {
                Path path = properties.store().file().path();
                if (path == null) {
                    throw new SettingException("tokenswap.store.type=file needs tokenswap.store.file.path");
                }
                FileTokenStore store = FileTokenStore.ofDirectory(path);
                return properties.keys().isEmpty() ? store : store.sealedWith(keys);
            }
            case REDIS ->
                throw new SettingException(
                        "tokenswap.store.type=redis needs the dependency tokenswap-redis, or a bean of type TokenStore");
            default ->
                throw new SettingException(
                        "tokenswap.store.type=r2dbc needs the dependency tokenswap-r2dbc, or a bean of type TokenStore");
        }
    }

    @Bean
    PublicUri tokenSwapPublicUri(TokenSwapProperties properties, Environment environment) {
        return new PublicUri(properties.publicUri(), environment);
    }

    /** The endpoint as requests see it: observed, where the application has observations. */
    @Bean
    ObservedRequests tokenSwapRequests(ExchangeServerEndpoint endpoint, ObjectProvider<EndpointObserver> observer) {
        EndpointObserver found = observer.getIfAvailable();
        TokenEndpoint requests = MockedEndpoint.isMock(endpoint) ? new MockedEndpoint(endpoint) : endpoint;
        return new ObservedRequests(found == null ? requests : found.apply(requests));
    }

    @Bean
    WatchedStores tokenSwapStores(TokenStore store) {
        return new WatchedStores(new WatchedStore(store));
    }

    @Bean(destroyMethod = "dispose")
    @ConditionalOnMissingBean
    TokenSessions tokenSessions(
            ObservedRequests requests, WatchedStores stores, RefreshPolicy policy, TokenSwapProperties properties) {
        return TokenSessions.builder(requests.endpoint())
                .store(stores.store())
                .policy(policy)
                .maximumSize(properties.users().maximumSize())
                .idleTimeout(properties.users().idleTimeout())
                .build();
    }

    @Bean
    SessionsLifecycle tokenSessionsLifecycle(ListableBeanFactory beans) {
        return new SessionsLifecycle(
                () -> beans.getBeansOfType(TokenSessions.class, false, false).values());
    }

    @Bean
    StoreReadiness tokenStoreReadiness(WatchedStores stores, ApplicationEventPublisher events) {
        return new StoreReadiness(stores.store(), events);
    }

    /**
     * Lets the event loops stop soon. By default they wait for 2 s without work, long after the graceful shutdown has
     * waited for the last request.
     */
    @Bean
    @ConditionalOnClass(ReactorResourceFactory.class)
    @ConditionalOnProperty(
            name = "spring.reactor.netty.shutdown-quiet-period",
            matchIfMissing = true,
            havingValue = "absent")
    static BeanPostProcessor tokenSwapPromptShutdown() {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessBeforeInitialization(Object bean, String name) {
                if (bean instanceof ReactorResourceFactory resources) {
                    resources.setShutdownQuietPeriod(QUIET);
                }
                return bean;
            }
        };
    }

    /** The endpoint of all requests; not a bean of type {@code TokenEndpoint}, of which the application shall see one. */
    record ObservedRequests(TokenEndpoint endpoint) {}

    /** The store of all sessions; not a bean of type {@code TokenStore}, of which the application shall see one. */
    record WatchedStores(WatchedStore store) {}

    /** Observes the requests of an endpoint. */
    interface EndpointObserver extends UnaryOperator<TokenEndpoint> {}

    /** Tokens in Redis. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({RedisTokenStore.class, RedisClient.class})
    @ConditionalOnProperty(name = "tokenswap.store.type", havingValue = "redis")
    static class Redis {

        @Bean
        @ConditionalOnMissingBean(TokenStore.class)
        RedisConnection tokenSwapRedisConnection(TokenSwapProperties properties, ObjectProvider<RedisClient> clients) {
            String uri = properties.store().redis().uri();
            if (uri == null || uri.isBlank()) {
                RedisClient client = clients.getIfUnique();
                if (client == null) {
                    throw new SettingException(
                            "tokenswap.store.type=redis needs tokenswap.store.redis.uri, for example redis://localhost:6379");
                }
                return new RedisConnection(client, false);
            }
            RedisURI address;
            try {
                address = RedisURI.create(uri);
            } catch (IllegalArgumentException malformed) {
                // Without the cause: its message quotes the URI, which may hold a password.
                throw new SettingException("tokenswap.store.redis.uri is malformed");
            }
            return new RedisConnection(RedisClient.create(address), true);
        }

        @Bean
        @ConditionalOnMissingBean(TokenStore.class)
        TokenStore redisTokenStore(RedisConnection redis, KeyRing keys, TokenSwapProperties properties) {
            requireKeys(properties, "redis");
            TokenSwapProperties.Store store = properties.store();
            return SettingException.naming(
                    "tokenswap.store",
                    () -> RedisTokenStore.builder(redis.client(), keys)
                            .grace(store.grace())
                            .rotates(store.rotates())
                            .unused(store.unused())
                            .replicas(store.redis().replicas())
                            .build());
        }

        /** The client of the store; closed with the application if it was made here. */
        record RedisConnection(RedisClient client, boolean isOurs) implements DisposableBean {

            @Override
            public void destroy() {
                if (isOurs) {
                    client.shutdown(0, 2, TimeUnit.SECONDS);
                }
            }
        }
    }

    /** Tokens in PostgreSQL. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({R2dbcTokenStore.class, ConnectionFactory.class})
    @ConditionalOnProperty(name = "tokenswap.store.type", havingValue = "r2dbc")
    static class R2dbc {

        @Bean
        @ConditionalOnMissingBean(TokenStore.class)
        TokenStore r2dbcTokenStore(
                ObjectProvider<ConnectionFactory> connections, KeyRing keys, TokenSwapProperties properties) {
            requireKeys(properties, "r2dbc");
            ConnectionFactory unique = connections.getIfUnique();
            if (unique == null) {
                throw new SettingException("tokenswap.store.type=r2dbc needs one bean of type ConnectionFactory: set"
                        + " spring.r2dbc.url with the dependency spring-boot-starter-r2dbc");
            }
            TokenSwapProperties.Store store = properties.store();
            return SettingException.naming(
                    "tokenswap.store",
                    () -> R2dbcTokenStore.builder(unique, keys)
                            .table(store.r2dbc().table())
                            .grace(store.grace())
                            .rotates(store.rotates())
                            .unused(store.unused())
                            .build());
        }
    }

    private static void requireKeys(TokenSwapProperties properties, String type) {
        if (properties.keys().isEmpty()) {
            throw new SettingException("tokenswap.store.type=" + type
                    + " needs tokenswap.keys, which all instances share. Create one with: openssl rand -base64 32");
        }
    }

    /** Meters and observations. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({MeterRegistry.class, ObservationRegistry.class})
    static class Metrics {

        @Bean
        @ConditionalOnBean(ObservationRegistry.class)
        EndpointObserver tokenSwapObserver(ObservationRegistry registry) {
            return endpoint -> TokenSwapMetrics.observe(endpoint, registry);
        }

        @Bean
        @ConditionalOnBean(MeterRegistry.class)
        SessionMeters tokenSwapMeters(TokenSessions sessions, MeterRegistry registry) {
            return new SessionMeters(TokenSwapMetrics.bind(sessions, registry));
        }

        /** No other bean asks for the meters, which would never come where beans are made when they are asked for. */
        @Bean
        static LazyInitializationExcludeFilter tokenSwapMetersAreNotLazy() {
            return LazyInitializationExcludeFilter.forBeanTypes(SessionMeters.class);
        }

        /** The meters of the sessions; removed with the application. */
        record SessionMeters(AutoCloseable meters) implements DisposableBean {

            @Override
            public void destroy() throws Exception {
                meters.close();
            }
        }
    }

    /** Health. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({ReactiveHealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
    static class HealthConfiguration {

        @Bean
        @ConditionalOnEnabledHealthIndicator("tokenswap")
        @ConditionalOnMissingBean(name = "tokenswapHealthIndicator")
        TokenSwapHealthIndicator tokenswapHealthIndicator(
                ObjectProvider<TokenSessions> sessions,
                ObjectProvider<TokenSession> session,
                ObjectProvider<WatchedStores> stores) {
            WatchedStores watched = stores.getIfAvailable();
            return new TokenSwapHealthIndicator(
                    sessions.getIfUnique(), session.getIfUnique(), watched == null ? null : watched.store());
        }
    }

    /** Calls to the API by {@code WebClient}. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(WebClient.class)
    static class Client {

        @Bean
        @ConditionalOnMissingBean
        @Conditional(OnApiOrigins.class)
        BearerExchangeFilter bearerExchangeFilter(TokenSessions sessions, TokenSwapProperties properties) {
            List<URI> origins = properties.api().origins();
            return SettingException.naming(
                    "tokenswap.api.origins",
                    () -> BearerExchangeFilter.create(
                            Mono.defer(sessions::current),
                            origins.get(0),
                            origins.subList(1, origins.size()).toArray(new URI[0])));
        }
    }

    /**
     * Builder for clients, where Spring Boot's own is absent: {@code spring-boot-starter-webclient} has it, with which no
     * service of Spring Boot 3 starts. Codecs and observations are those of Spring Boot.
     */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({WebClient.class, CodecCustomizer.class, ObservationRegistry.class})
    @ConditionalOnMissingClass("org.springframework.boot.webclient.autoconfigure.WebClientAutoConfiguration")
    static class ClientBuilder {

        @Bean
        @Scope(BeanDefinition.SCOPE_PROTOTYPE)
        @ConditionalOnMissingBean
        WebClient.Builder webClientBuilder(
                ObjectProvider<CodecCustomizer> codecs, ObjectProvider<ObservationRegistry> observations) {
            WebClient.Builder builder = WebClient.builder()
                    .codecs(configurer -> codecs.orderedStream().forEach(codec -> codec.customize(configurer)));
            observations.ifAvailable(builder::observationRegistry);
            return builder;
        }
    }

    /** Matches if a server is named that may receive the token. */
    static class OnApiOrigins extends SpringBootCondition {

        @Override
        public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
            boolean named = Binder.get(context.getEnvironment())
                    .bind("tokenswap.api.origins", Bindable.listOf(String.class))
                    .map(origins -> !origins.isEmpty())
                    .orElse(false);
            ConditionMessage.Builder message = ConditionMessage.forCondition("tokenswap.api.origins");
            return named
                    ? ConditionOutcome.match(message.because("it names a server"))
                    : ConditionOutcome.noMatch(message.because("it names no server that may receive the token"));
        }
    }

    /** The user of a request, and the paths of the sign-in. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
    static class Web {

        @Bean
        BrowserCookies tokenSwapCookies(PublicUri publicUri) {
            return new BrowserCookies(publicUri);
        }

        @Bean
        @ConditionalOnMissingBean
        UserKeyResolver userKeyResolver(BrowserCookies cookies, TokenSwapProperties properties) {
            return switch (properties.user()) {
                case COOKIE -> new CookieUsers(cookies, properties.store().unused());
                case PRINCIPAL -> new PrincipalUsers();
            };
        }

        @Bean
        UserContextFilter tokenSwapUserContextFilter(UserKeyResolver users) {
            return new UserContextFilter(users);
        }

        @Bean
        WebFluxConfigurer tokenSessionParameter(ObjectProvider<TokenSessions> sessions) {
            return new WebFluxConfigurer() {
                @Override
                public void configureArgumentResolvers(ArgumentResolverConfigurer configurer) {
                    configurer.addCustomResolver(new TokenSessionParameter(sessions.getObject()));
                }
            };
        }

        @Bean
        @ConditionalOnMissingBean
        TokenSwapErrors tokenSwapErrors(
                TokenSwapProperties properties,
                TokenSessions sessions,
                PublicUri publicUri,
                ServerCodecConfigurer codecs) {
            return new TokenSwapErrors(properties, sessions, publicUri, codecs);
        }

        @Bean
        @ConditionalOnProperty(name = "tokenswap.web.enabled", matchIfMissing = true)
        LoginController tokenSwapLoginController(
                ExchangeServerEndpoint endpoint,
                ObservedRequests requests,
                TokenSessions sessions,
                UserKeyResolver users,
                BrowserCookies cookies,
                KeyRing keys,
                PublicUri publicUri,
                TokenSwapProperties properties) {
            TokenSwapProperties.Web paths = properties.web();
            if (ClassUtils.isPresent(
                    "org.springframework.security.web.server.SecurityWebFilterChain",
                    getClass().getClassLoader())) {
                log.info(
                        "Behind Spring Security, permit GET {} and GET {}, or no user can sign in. Its own login and logout"
                                + " pages go before those of the same paths here: tokenswap.web.login-path and .logout-path"
                                + " choose others",
                        paths.loginPath(),
                        paths.redirectPath());
            }
            return new LoginController(
                    endpoint,
                    new Redirects(requests.endpoint()),
                    sessions,
                    users,
                    new LoginCookies(cookies, keys),
                    publicUri,
                    properties);
        }
    }

    /** A service on servlets, which has the sessions and the filter, but no paths. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
    @ConditionalOnProperty(name = "tokenswap.web.enabled", matchIfMissing = true)
    static class Servlets {

        Servlets() {
            log.warn(
                    "This service runs on servlets, and the sign-in needs WebFlux: there is no login path, no redirect path and"
                            + " no parameter of type TokenSession. Remove spring-boot-starter-webmvc, or set"
                            + " spring.main.web-application-type=reactive. If that is meant, set tokenswap.web.enabled=false");
        }
    }
}
