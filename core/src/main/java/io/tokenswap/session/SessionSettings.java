package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.InstantSource;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

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

    /** The time; the system's when the clock fails, for a session that cannot tell the time would stand still for ever. */
    long now() {
        try {
            return clock.millis();
        } catch (RuntimeException broken) {
            Operators.onErrorDropped(broken, Context.empty());
            return System.currentTimeMillis();
        }
    }

    /** From 0 inclusive to 1 exclusive, whatever the source says. */
    double nextRandom() {
        try {
            double next = random.getAsDouble();
            return next >= 0 && next < 1 ? next : 0;
        } catch (RuntimeException broken) {
            Operators.onErrorDropped(broken, Context.empty());
            return 0;
        }
    }
}
