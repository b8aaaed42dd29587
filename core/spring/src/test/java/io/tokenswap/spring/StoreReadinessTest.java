package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.availability.ApplicationAvailabilityBean;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

class StoreReadinessTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final ReferenceStore.Connection store = new ReferenceStore(new VirtualClock()).connect();
    private final Sinks.One<ReadinessState> accepted = Sinks.one();
    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(TokenSwapAutoConfiguration.class))
            .withPropertyValues("tokenswap.exchange.uri=https://auth.example.com")
            .withBean(TokenStore.class, () -> store)
            .withBean(ApplicationAvailabilityBean.class, ApplicationAvailabilityBean::new);

    /** What Spring Boot does when an application has started. */
    private static void started(ApplicationContext context) {
        AvailabilityChangeEvent.publish(context, ReadinessState.ACCEPTING_TRAFFIC);
    }

    private String failureOfTheStore() {
        return store.load("key")
                .map(entry -> "none")
                .onErrorResume(error -> Mono.just(String.valueOf(error.getMessage())))
                .blockOptional()
                .orElseThrow();
    }

    private static ReadinessState readiness(ApplicationContext context) {
        return context.getBean(ApplicationAvailabilityBean.class).getReadinessState();
    }

    @Test
    @Tag("E81")
    void aStoreThatRespondsLetsTheInstanceBecomeReady() {
        runner.run(context -> {
            started(context);
            assertThat(readiness(context)).isEqualTo(ReadinessState.ACCEPTING_TRAFFIC);
        });
    }

    @Test
    @Tag("E81")
    void aStoreThatIsDownAtTheStartKeepsTheInstanceFromBecomingReadyUntilItResponds() {
        store.fault(ReferenceStore.Fault.fails());
        CapturedLog log = new CapturedLog();
        runner.run(context -> {
            started(context);
            assertThat(readiness(context)).isEqualTo(ReadinessState.REFUSING_TRAFFIC);
            assertThat(log.messages())
                    .anySatisfy(line -> assertThat(line).contains("this instance is not ready", failureOfTheStore()));
            log.close();
            context.addApplicationListener((ApplicationListener<AvailabilityChangeEvent<?>>) change -> {
                if (change.getState() instanceof ReadinessState state) {
                    accepted.tryEmitValue(state);
                }
            });
            store.fault(ReferenceStore.Fault.none());
            assertThat(accepted.asMono().block(TIMEOUT)).isEqualTo(ReadinessState.ACCEPTING_TRAFFIC);
            assertThat(readiness(context)).isEqualTo(ReadinessState.ACCEPTING_TRAFFIC);
        });
    }

    @Test
    @Tag("E81")
    void aStoreThatFailsLaterIsADetailAndTakesNoInstanceOutOfService() {
        runner.run(context -> {
            started(context);
            store.fault(ReferenceStore.Fault.fails());
            context.getBean(TokenSwapAutoConfiguration.WatchedStores.class)
                    .store()
                    .load(TokenStore.key("alice"))
                    .onErrorResume(error -> Mono.empty())
                    .block();
            assertThat(readiness(context)).isEqualTo(ReadinessState.ACCEPTING_TRAFFIC);
            assertThat(context.getBean(TokenSwapHealthIndicator.class)
                            .health(true)
                            .block())
                    .satisfies(health -> {
                        assertThat(health.getStatus()).isEqualTo(Status.UP);
                        assertThat(health.getDetails().get("store")).asString().startsWith("down since");
                    });

            store.fault(ReferenceStore.Fault.none());
            context.getBean(TokenSwapAutoConfiguration.WatchedStores.class)
                    .store()
                    .load(TokenStore.key("alice"))
                    .block();
            assertThat(Objects.requireNonNull(context.getBean(TokenSwapHealthIndicator.class)
                                    .health(true)
                                    .block())
                            .getDetails())
                    .containsEntry("store", "up");
        });
    }

    @Test
    void aRecordThatCannotBeReadIsNoFailureOfTheStore() {
        WatchedStore watched = new WatchedStore(TokenStore.forOneProcess(
                KeyRing.random(), key -> Mono.just("damaged"), (key, record) -> Mono.empty(), key -> Mono.empty()));
        StepVerifier.create(watched.load(TokenStore.key("alice")))
                .verifyError(TokenStore.UnreadableRecordException.class);
        assertThat(watched.downSince()).isNull();
    }
}
