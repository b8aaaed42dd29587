package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.aopalliance.intercept.MethodInterceptor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.framework.autoproxy.DefaultAdvisorAutoProxyCreator;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.annotation.AnnotationMatchingPointcut;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpStatus;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.method.HandlerTypePredicate;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.config.PathMatchConfigurer;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.reactive.socket.WebSocketHandler;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Code of applications beside which the starter must work. */
class ApplicationCodeTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final FakeProvider provider = new FakeProvider();
    private final TestBrowser browser = new TestBrowser();

    @AfterEach
    void stop() {
        provider.close();
    }

    private TestService.Running start(Class<?> code, String... properties) {
        return TestService.start(provider, new Class<?>[] {TestService.class, code}, properties);
    }

    private void signsInAndOut(TestService.Running service, String me) {
        assertThat(browser.open(service.uri(me)).uri()).isEqualTo(service.uri(me));
        assertThat(browser.fetch(service.uri(me)).statusCode()).isEqualTo(200);
        HttpResponse<String> signedOut = browser.post(service.uri("/logout"), "Sec-Fetch-Site", "same-origin");
        assertThat(TestBrowser.location(signedOut)).isEqualTo(service.uri("/"));
        assertThat(browser.fetch(service.uri(me)).statusCode()).isEqualTo(401);
    }

    @Test
    void aPathPrefixOfAllRestControllersIsNotOneOfTheSignIn() {
        try (TestService.Running service = start(Prefixed.class)) {
            signsInAndOut(service, "/api/me");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Prefixed {

        @Bean
        WebFluxConfigurer prefix() {
            return new WebFluxConfigurer() {
                @Override
                public void configurePathMatching(PathMatchConfigurer paths) {
                    paths.addPathPrefix("/api", HandlerTypePredicate.forAnnotation(RestController.class));
                }
            };
        }
    }

    @Test
    void anAspectAroundAllControllersSeesTheSignIn() {
        try (TestService.Running service = start(Aspects.class)) {
            signsInAndOut(service, "/me");
            assertThat(service.context().getBean(Aspects.Calls.class).last()).isEqualTo("logout");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Aspects {

        private static final class Calls {
            private volatile String last = "";

            String last() {
                return last;
            }
        }

        @Bean
        static Calls calls() {
            return new Calls();
        }

        @Bean
        static DefaultAdvisorAutoProxyCreator proxies() {
            DefaultAdvisorAutoProxyCreator creator = new DefaultAdvisorAutoProxyCreator();
            creator.setProxyTargetClass(true);
            return creator;
        }

        @Bean
        static DefaultPointcutAdvisor aroundControllers(Calls calls) {
            MethodInterceptor advice = call -> {
                calls.last = call.getMethod().getName();
                return call.proceed();
            };
            return new DefaultPointcutAdvisor(new AnnotationMatchingPointcut(Controller.class, false), advice);
        }
    }

    @Test
    void aHandlerOfAllErrorsLeavesTheLoginToTheStarter() {
        try (TestService.Running service = start(HandlerOfAllErrors.class)) {
            signsInAndOut(service, "/me");
            assertThat(browser.fetch(service.uri("/nothing-here")).statusCode()).isEqualTo(501);
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class HandlerOfAllErrors {

        @Bean
        @Order(-2)
        WebExceptionHandler all() {
            return (exchange, error) -> {
                exchange.getResponse().setStatusCode(HttpStatus.NOT_IMPLEMENTED);
                return exchange.getResponse().setComplete();
            };
        }
    }

    @Test
    void anExceptionHandlerOfAllErrorsLetsTheStarterHaveThoseThatItThrowsAgain() {
        try (TestService.Running service = start(AdviceForAllErrors.class)) {
            signsInAndOut(service, "/me");
            assertThat(browser.fetch(service.uri("/nothing-here")).body()).isEqualTo("failed");
        }
    }

    /** As the page about the starter shows it. */
    @RestControllerAdvice
    static class AdviceForAllErrors {

        @ExceptionHandler
        Mono<String> any(Exception error) {
            return error instanceof TokenSwapException ? Mono.error(error) : Mono.just("failed");
        }
    }

    @Test
    void routesAndWebSocketsGetTheSessionOfTheirUser() {
        try (TestService.Running service = start(Routes.class)) {
            assertThat(browser.fetch(service.uri("/route")).statusCode()).isEqualTo(401);
            assertThat(browser.open(service.uri("/route")).body()).matches("[0-9a-f]{8}");
            String fingerprint = browser.fetch(service.uri("/route")).body();

            URI socket = URI.create(service.uri("/socket").toString().replace("http:", "ws:"));
            Sinks.One<String> message = Sinks.one();
            browser.webSocket(socket, new WebSocket.Listener() {
                @Override
                public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
                    message.tryEmitValue(text.toString());
                    return CompletableFuture.completedStage(null);
                }
            });

            assertThat(message.asMono().block(TIMEOUT)).isEqualTo(fingerprint);
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Routes {

        @Bean
        RouterFunction<ServerResponse> route(TokenSessions sessions) {
            return RouterFunctions.route()
                    .GET("/route", request -> ServerResponse.ok().body(fingerprint(sessions), String.class))
                    .build();
        }

        @Bean
        HandlerMapping sockets(TokenSessions sessions) {
            WebSocketHandler handler =
                    socket -> socket.send(fingerprint(sessions).map(socket::textMessage));
            return new SimpleUrlHandlerMapping(Map.of("/socket", handler), -1);
        }

        private static Mono<String> fingerprint(TokenSessions sessions) {
            return sessions.current()
                    .flatMap(TokenSession::token)
                    .map(token -> token.accessToken().fingerprint());
        }
    }

    @Test
    void aScheduledJobNamesItsUserItself() {
        try (TestService.Running service = start(Job.class)) {
            assertThat(service.context().getBean(Job.class).result.asMono().block(TIMEOUT))
                    .isEqualTo("access-of-the-job, then The Reactor context names no user."
                            + " Add .contextWrite(TokenSessions.withUser(user))");
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    static class Job {

        private final TokenSessions sessions;
        private final Sinks.One<String> result = Sinks.one();

        Job(TokenSessions sessions) {
            this.sessions = sessions;
        }

        @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.DAYS)
        Mono<Void> run() {
            Token token = Token.builder("access-of-the-job", Instant.now()).build();
            Mono<String> secret = sessions.current()
                    .flatMap(TokenSession::token)
                    .map(current -> current.accessToken().secret());
            return sessions.signIn("job", token)
                    .then(secret.contextWrite(TokenSessions.withUser("job")))
                    .zipWith(secret.onErrorResume(
                            IllegalStateException.class, error -> Mono.justOrEmpty(error.getMessage())))
                    .doOnNext(both -> result.tryEmitValue(both.getT1() + ", then " + both.getT2()))
                    .doOnError(result::tryEmitError)
                    .then();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"native", "framework"})
    void forwardedHeadersDoNotChangeWhereASignInEnds(String strategy) {
        String[] forged = {
            "X-Forwarded-Host", "evil.example.com", "X-Forwarded-Proto", "https", "X-Forwarded-Port", "443"
        };
        try (TestService.Running service = TestService.start(provider, "server.forward-headers-strategy=" + strategy)) {
            URI page = TestBrowser.location(browser.get(service.uri("/me"), forged));
            assertThat(page).isEqualTo(service.uri("/login?to=%2Fme"));
            URI exchange = TestBrowser.location(browser.get(page, forged));
            assertThat(exchange.toString()).contains("%2Fauth").doesNotContain("evil");

            URI redirect = TestBrowser.location(browser.get(exchange));
            assertThat(redirect.getHost()).isEqualTo("localhost");
            assertThat(TestBrowser.location(browser.get(redirect, forged))).isEqualTo(service.uri("/me"));
            assertThat(browser.get(service.uri("/me"), forged).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void twoProvidersHaveTheirOwnFilters() {
        try (FakeProvider second = new FakeProvider();
                TestService.Running service = start(TwoProviders.class, "second.uri=" + second.uri())) {
            browser.open(service.uri("/login"));
            TokenSessions github = service.context().getBean("github", TokenSessions.class);
            Token token = Token.builder("of-github", Instant.now())
                    .refreshToken("of-github, too")
                    .build();
            github.signIn("alice", token).block();
            WebClient githubApi = service.context().getBean("githubApi", WebClient.class);

            String user = githubApi
                    .get()
                    .uri("/v1/me")
                    .retrieve()
                    .bodyToMono(String.class)
                    .contextWrite(TokenSessions.withUser("alice"))
                    .block();

            assertThat(user).contains("Bearer access-1");
            assertThat(second.authorizations).containsExactly("Bearer of-github", "Bearer access-1");
            assertThat(browser.fetch(service.uri("/me")).statusCode()).isEqualTo(200);
            assertThat(provider.authorizations).hasSize(1).doesNotContain("Bearer of-github");
        }
    }

    /** As the page about the starter shows it. */
    @Configuration(proxyBeanMethods = false)
    static class TwoProviders {

        @Bean(defaultCandidate = false)
        @Qualifier("github") TokenSessions github(Environment environment) {
            return TokenSessions.builder(ExchangeServerEndpoint.create(environment.getRequiredProperty("second.uri")))
                    .build();
        }

        @Bean
        WebClient githubApi(
                WebClient.Builder builder, @Qualifier("github") TokenSessions github, Environment environment) {
            URI api = URI.create(environment.getRequiredProperty("second.uri"));
            return builder.baseUrl(api.toString())
                    .filter(BearerExchangeFilter.create(github.current(), api))
                    .build();
        }
    }
}
