package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.Timers;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** Options of a session, read when the session is made. The sessions of many users share one instance. */
record SessionSettings(
        TokenEndpoint endpoint,
        RefreshPolicy policy,
        SessionClock clock,
        Scheduler scheduler,
        DoubleSupplier random,
        @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login,
        boolean keepAlive,
        Duration deadline,
        Supplier<String> ids,
        String owner,
        SharedTimer timer,
        SharedTimer refreshTimers,
        Executor work,
        Executor calls,
        RefreshSlots slots) {

    private static final Duration LEASE_AFTER_DEADLINE = Duration.ofSeconds(5);

    static SessionSettings of(
            TokenEndpoint endpoint,
            RefreshPolicy policy,
            InstantSource clock,
            Scheduler scheduler,
            DoubleSupplier random,
            @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login,
            boolean keepAlive,
            RefreshSlots slots) {
        return of(endpoint, policy, clock, scheduler, random, login, keepAlive, slots, SessionSettings::randomId);
    }

    /**
     * Makes the settings with a given source of ids.
     *
     * @param ids returns a new 128-bit id as 32 lower-case hexadecimal digits at each call. Ids are apart from {@code random}: an
     *     application may pass a source of few numbers there, and two logins with one id would be taken for the same
     */
    static SessionSettings of(
            TokenEndpoint endpoint,
            RefreshPolicy policy,
            InstantSource clock,
            Scheduler scheduler,
            DoubleSupplier random,
            @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login,
            boolean keepAlive,
            RefreshSlots slots,
            Supplier<String> ids) {
        Duration deadline = endpoint.timeout();
        if (deadline.isNegative() || deadline.isZero()) {
            throw new IllegalArgumentException("The timeout of the endpoint must be longer than zero: " + deadline);
        }
        SessionClock time = SessionClock.of(clock, scheduler);
        boolean real = isReal(scheduler, time);
        Executor work = real ? Timers.calls() : work(scheduler);
        return new SessionSettings(
                endpoint,
                policy,
                time,
                scheduler,
                random,
                login,
                keepAlive,
                deadline,
                ids,
                ids.get(),
                SharedTimer.of(scheduler),
                SharedTimer.forCalls(scheduler, work),
                work,
                real ? Timers.calls() : Runnable::run,
                slots);
    }

    /**
     * Returns true if a scheduler is ours or one of Reactor's. Foreign code then runs on threads of the library, so that it
     * cannot stop the timers. Under any other scheduler, for example one of virtual time, attempts run on the scheduler, and
     * their results are delivered by the thread that has them.
     */
    private static boolean isReal(Scheduler scheduler, SessionClock time) {
        return scheduler.equals(Timers.scheduler())
                || (scheduler.getClass().getName().startsWith("reactor.core.") && !time.isVirtual());
    }

    private static Executor work(Scheduler scheduler) {
        return task -> {
            try {
                scheduler.schedule(task);
            } catch (RejectedExecutionException shutDown) {
                task.run();
            }
        };
    }

    /** The length of a lease: the deadline of a request and some time to save its result. */
    Duration leaseLength() {
        return deadline.plus(LEASE_AFTER_DEADLINE);
    }

    Moment moment() {
        return clock.moment();
    }

    long elapsed() {
        return clock.elapsed();
    }

    /** Returns a number from 0 inclusive to 1 exclusive, whatever the source returns. */
    double nextRandom() {
        try {
            double next = random.getAsDouble();
            return next >= 0 && next < 1 ? next : 0;
        } catch (RuntimeException broken) {
            SafeCall.drop(broken, Context.empty());
            return 0;
        }
    }

    /** Returns the random id of a new login or sign-out. */
    String newLogin() {
        return ids.get();
    }

    static String randomId() {
        return HexFormat.of().formatHex(RandomBytes.next(16));
    }
}
