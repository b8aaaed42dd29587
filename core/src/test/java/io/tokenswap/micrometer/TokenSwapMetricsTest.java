package io.tokenswap.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.observation.DefaultMeterObservationHandler;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.netty.handler.timeout.ReadTimeoutException;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class TokenSwapMetricsTest {

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint exchange = new ScriptedEndpoint(clock, Duration.ofHours(1));
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    @Nested
    class Requests {

        private final ObservationRegistry observations = ObservationRegistry.create();
        private final List<Observation.Context> seen = new ArrayList<>();
        private final TokenEndpoint endpoint = TokenSwapMetrics.observe(exchange, observations);

        Requests() {
            observations
                    .observationConfig()
                    .observationHandler(new DefaultMeterObservationHandler(registry))
                    .observationHandler(new Recorder());
        }

        private Set<Tag> tags() {
            return Set.copyOf(
                    registry.get("tokenswap.token.request").timer().getId().getTags());
        }

        @Test
        void areTimedByTheirGrant() {
            endpoint.swap(AuthorizationCode.of("c", URI.create("http://localhost/auth"), null))
                    .block();
            assertThat(tags())
                    .contains(
                            Tag.of("grant.type", "authorization_code"),
                            Tag.of("outcome", "success"),
                            Tag.of("error.type", "none"),
                            Tag.of("server.address", "unknown"));
            endpoint.refresh(RefreshToken.of("r")).block();
            assertThat(registry.get("tokenswap.token.request")
                            .tag("grant.type", "refresh_token")
                            .timer()
                            .count())
                    .isOne();
        }

        static Stream<Arguments> failures() {
            return Stream.of(
                    Arguments.of(
                            new OAuthErrorException("invalid_grant", null, 400), "login_required", "invalid_grant"),
                    Arguments.of(new OAuthErrorException("invalid_client", null, 401), "rejected", "invalid_client"),
                    Arguments.of(new OAuthErrorException("err_4711", null, 400), "rejected", "other"),
                    Arguments.of(new RequestRejectedException("m", 404), "rejected", "404"),
                    Arguments.of(new OAuthErrorException("access_denied", null, 400), "rejected", "access_denied"),
                    Arguments.of(new LoginRequiredException("m", null), "login_required", "other"),
                    Arguments.of(new RequestRejectedException("m", 4711), "rejected", "other"),
                    Arguments.of(new RequestRejectedException("m", 99), "rejected", "other"),
                    Arguments.of(
                            new TokenUnavailableException(
                                    "m", Reason.RESPONSE_LOST, null, ReadTimeoutException.INSTANCE),
                            "unavailable",
                            "timeout"),
                    Arguments.of(ScriptedEndpoint.notSent(), "unavailable", "not_sent"),
                    Arguments.of(
                            new TokenUnavailableException("m", Reason.THROTTLED, null, null, 503),
                            "unavailable",
                            "503"),
                    Arguments.of(
                            new TokenUnavailableException("m", Reason.RESPONSE_LOST, null, new TimeoutException()),
                            "unavailable",
                            "timeout"),
                    Arguments.of(new IllegalStateException(), "unavailable", "other"));
        }

        @ParameterizedTest
        @MethodSource("failures")
        void haveTheOutcomeOfTheirRemedyAndABoundedErrorType(Throwable error, String outcome, String errorType) {
            exchange.thenFail(error);
            StepVerifier.create(endpoint.refresh(RefreshToken.of("r"))).verifyError();
            assertThat(tags())
                    .contains(
                            Tag.of("grant.type", "refresh_token"),
                            Tag.of("outcome", outcome),
                            Tag.of("error.type", errorType));
        }

        @Test
        void thatAreCancelledCountAsUnavailable() {
            exchange.thenHang();
            endpoint.refresh(RefreshToken.of("r")).subscribe().dispose();
            assertThat(tags()).contains(Tag.of("outcome", "unavailable"), Tag.of("error.type", "cancelled"));
        }

        @Test
        void nameTheHostOfTheirServer() {
            TokenEndpoint server = ExchangeServerEndpoint.builder("https://auth.example.com:8443/token")
                    .timeout(Duration.ofSeconds(3))
                    .build();
            TokenEndpoint observed = TokenSwapMetrics.observe(server, observations);
            assertThat(observed.host()).isEqualTo("auth.example.com");
            assertThat(observed.timeout()).isEqualTo(Duration.ofSeconds(3));
            assertThat(observed).hasToString(server.toString());
        }

        @Test
        void areChildrenOfTheObservationInTheContext() {
            Observation parent = Observation.start("request", observations);
            List<Observation> within = new ArrayList<>();
            exchange.then(token -> Mono.deferContextual(context -> {
                within.add(context.get("micrometer.observation"));
                return Mono.just(exchange.grant());
            }));
            endpoint.refresh(RefreshToken.of("r"))
                    .contextWrite(context -> context.put("micrometer.observation", parent))
                    .block();
            assertThat(within)
                    .singleElement()
                    .satisfies(observation -> assertThat(observation.getContext())
                            .isSameAs(seen.get(1))
                            .extracting(Observation.Context::getParentObservation)
                            .isEqualTo(parent));
        }

        private final class Recorder implements ObservationHandler<Observation.Context> {

            @Override
            public void onStart(Observation.Context context) {
                seen.add(context);
            }

            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }
        }
    }

    @Nested
    class Sessions {

        private final TokenSessions sessions = TokenSessions.builder(exchange)
                .policy(RefreshPolicy.builder()
                        .grantLifetime(Duration.ofDays(40))
                        .build())
                .session(session -> session.clock(clock).scheduler(clock.scheduler()))
                .build();

        private TokenSession signIn(String user) {
            return Objects.requireNonNull(
                    sessions.signIn(user, exchange.grant()).block());
        }

        private double value(String meter, @Nullable String tag, String value) {
            return tag == null
                    ? registry.get(meter).gauge().value()
                    : registry.get(meter)
                            .tag(tag, value)
                            .meter()
                            .measure()
                            .iterator()
                            .next()
                            .getValue();
        }

        @Test
        void areCountedByState() {
            TokenSwapMetrics.bind(sessions, registry);
            assertThat(value("tokenswap.sessions", "state", "valid")).isZero();
            signIn("alice");
            signIn("bob");
            assertThat(value("tokenswap.sessions", "state", "valid")).isEqualTo(2);
            exchange.revoke();
            sessions.get("bob").flatMap(TokenSession::refresh).subscribe(token -> {}, error -> {});
            assertThat(value("tokenswap.sessions", "state", "valid")).isOne();
            assertThat(value("tokenswap.sessions", "state", "login_required")).isOne();
            assertThat(value("tokenswap.session.events", "event", "login_required"))
                    .isOne();
            assertThat(value("tokenswap.session.events", "event", "store_failed"))
                    .isZero();
        }

        @Test
        void countAsEndingWhenTheirGrantEndsSoon() {
            TokenSwapMetrics.bind(sessions, registry);
            signIn("alice").states().subscribe();
            assertThat(value("tokenswap.grants.ending", "within", "30d")).isZero();
            clock.advance(Duration.ofDays(15));
            assertThat(value("tokenswap.grants.ending", "within", "30d")).isOne();
            assertThat(value("tokenswap.grants.ending", "within", "7d")).isZero();
            clock.advance(Duration.ofDays(20));
            assertThat(value("tokenswap.grants.ending", "within", "7d")).isOne();
        }

        @Test
        void makeTheSameTimeSeriesHoweverManyUsersThereAre() {
            TokenSwapMetrics.bind(sessions, registry);
            Set<Meter.Id> before = ids();
            List<String> secrets = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                Token token =
                        Objects.requireNonNull(signIn("user-" + i).refresh().block());
                secrets.addAll(List.of(
                        "user-" + i, token.fingerprint(), token.accessToken().secret()));
            }
            assertThat(ids()).isEqualTo(before);
            String tags = before.toString();
            assertThat(secrets).noneMatch(tags::contains);
        }

        @Test
        void leaveNoMeterBehindWhenTheBindingIsClosed() throws Exception {
            TokenSwapMetrics.bind(sessions, registry).close();
            signIn("alice").refresh().block();
            assertThat(registry.getMeters()).isEmpty();
        }

        private Set<Meter.Id> ids() {
            return registry.getMeters().stream().map(Meter::getId).collect(Collectors.toSet());
        }
    }

    @Test
    void theEventsThatAreCountedFromTheStartAreAllThatThereAre() {
        Set<String> names = new TreeSet<>();
        for (Class<?> event : io.tokenswap.session.SessionEvent.class.getPermittedSubclasses()) {
            String simple = event.getSimpleName();
            names.add(simple.replaceAll("(?<=.)([A-Z])", "_$1").toLowerCase(java.util.Locale.ROOT));
        }
        TokenSwapMetrics.bind(TokenSessions.builder(exchange).build(), registry);
        assertThat(registry.getMeters().stream()
                        .filter(meter -> meter.getId().getName().equals("tokenswap.session.events"))
                        .map(meter -> meter.getId().getTag("event")))
                .containsExactlyInAnyOrderElementsOf(names);
    }
}
