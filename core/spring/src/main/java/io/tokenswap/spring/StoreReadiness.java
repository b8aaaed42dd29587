package io.tokenswap.spring;

import io.tokenswap.internal.Timers;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.event.EventListener;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Keeps a new instance from becoming ready until its store has responded once. After that the store has no influence:
 * tokens in memory are served without it, and an outage of the store must not take all instances out of service.
 */
final class StoreReadiness implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(StoreReadiness.class);

    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final ApplicationEventPublisher events;
    private final Disposable probe;
    private boolean responded;
    private boolean postponed;

    StoreReadiness(TokenStore store, ApplicationEventPublisher events) {
        this.events = events;
        this.probe = Mono.defer(() -> store.load(TokenStore.key("tokenswap: does the store respond?")))
                .timeout(TIMEOUT, Timers.scheduler())
                .doOnError(StoreReadiness::report)
                .retryWhen(Retry.backoff(Long.MAX_VALUE, PAUSE)
                        .maxBackoff(LONGEST_PAUSE)
                        .jitter(0)
                        .scheduler(Timers.scheduler()))
                .then()
                .subscribe(nothing -> {}, error -> {}, this::responded);
    }

    /** After the bean that keeps the state, which hears of the same event. */
    @EventListener
    @Order(Ordered.LOWEST_PRECEDENCE)
    void onReadiness(AvailabilityChangeEvent<ReadinessState> change) {
        synchronized (this) {
            if (responded || change.getState() != ReadinessState.ACCEPTING_TRAFFIC) {
                return;
            }
            postponed = true;
        }
        AvailabilityChangeEvent.publish(events, this, ReadinessState.REFUSING_TRAFFIC);
    }

    private void responded() {
        synchronized (this) {
            responded = true;
            if (!postponed) {
                return;
            }
        }
        log.info("The store of the tokens responds: this instance is ready");
        AvailabilityChangeEvent.publish(events, this, ReadinessState.ACCEPTING_TRAFFIC);
    }

    private static void report(Throwable error) {
        StringBuilder causes = new StringBuilder(String.valueOf(error.getMessage()));
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            causes.append(": ").append(cause.getMessage());
        }
        log.warn(
                "The store of the tokens does not respond, so this instance is not ready. It is tried again. {}",
                causes);
    }

    @Override
    public void destroy() {
        probe.dispose();
    }
}
