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
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** Options of a session, read when the session is made. The sessions of many users share one instance. */
record SessionSettings(
        TokenEndpoint endpoint,
        RefreshPolicy policy,
        InstantSource clock,
        Scheduler scheduler,
        DoubleSupplier random,
        @Nullable Function<? super LoginRequiredException, ? extends Mono<Token>> login,
        boolean keepAlive,
        Duration deadline,
        Supplier<String> ids,
        String owner,
        LongSupplier elapsedMillis,
        SharedTimer timer,
        Executor work,
        Executor calls,
        RefreshSlots slots) {

    private static final Duration LEASE_AFTER_DEADLINE = Duration.ofSeconds(5);

    /** Greatest difference between the time of a scheduler and the system's. A greater one means virtual time. */
    private static final long SAME_TIME = 60_000;

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
        return new SessionSettings(
                endpoint,
                policy,
                clock,
                scheduler,
                random,
                login,
                keepAlive,
                deadline,
                ids,
                ids.get(),
                elapsedMillis(scheduler),
                SharedTimer.of(scheduler),
                isReal(scheduler) ? Timers.calls() : work(scheduler),
                isReal(scheduler) ? Timers.calls() : Runnable::run,
                slots);
    }

    /**
     * Returns true if a scheduler is ours or one of Reactor's. Foreign code then runs on threads of the library, so that it
     * cannot stop the timers. Under any other scheduler, for example one of virtual time, attempts run on the scheduler, and
     * their results are delivered by the thread that has them.
     */
    private static boolean isReal(Scheduler scheduler) {
        return scheduler.equals(Timers.scheduler())
                || (scheduler.getClass().getName().startsWith("reactor.core.") && !isVirtual(scheduler));
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

    private static boolean isVirtual(Scheduler scheduler) {
        return Math.abs(scheduler.now(TimeUnit.MILLISECONDS) - System.currentTimeMillis()) > SAME_TIME;
    }

    /**
     * Returns the monotonic clock that belongs to a scheduler. In virtual time it is the scheduler's own. Otherwise it
     * is the system's: Reactor's schedulers would return the wall clock.
     */
    private static LongSupplier elapsedMillis(Scheduler scheduler) {
        return isVirtual(scheduler)
                ? () -> scheduler.now(TimeUnit.MILLISECONDS)
                : () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }

    /** The length of a lease: the deadline of a request and some time to save its result. */
    Duration leaseLength() {
        return deadline.plus(LEASE_AFTER_DEADLINE);
    }

    Moment moment() {
        return new Moment(wall(), elapsed());
    }

    long elapsed() {
        return elapsedMillis.getAsLong();
    }

    /** Reads the wall clock, or the system's if that fails, because a session without a time would stop for ever. */
    private long wall() {
        try {
            return clock.millis();
        } catch (RuntimeException broken) {
            SafeCall.drop(broken, Context.empty());
            return System.currentTimeMillis();
        }
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
