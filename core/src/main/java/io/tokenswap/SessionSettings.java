package io.tokenswap;

import java.time.InstantSource;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** What a session was built with; sessions of many users share one. */
record SessionSettings(
        TokenEndpoint endpoint,
        RefreshPolicy policy,
        InstantSource clock,
        Scheduler scheduler,
        DoubleSupplier random,
        @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login,
        boolean keepAlive,
        SharedTimer timer) {

    SessionSettings(
            TokenEndpoint endpoint,
            RefreshPolicy policy,
            InstantSource clock,
            Scheduler scheduler,
            DoubleSupplier random,
            @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login,
            boolean keepAlive) {
        this(endpoint, policy, clock, scheduler, random, login, keepAlive, SharedTimer.of(scheduler));
    }

    long now() {
        return clock.millis();
    }

    double nextRandom() {
        return random.getAsDouble();
    }
}
