package io.tokenswap.benchmark;

import com.sun.management.OperatingSystemMXBean;
import io.tokenswap.Token;
import io.tokenswap.session.RefreshPolicy;
import io.tokenswap.session.TokenSession;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;

/**
 * Many live sessions in one JVM, tokens of 60 s, refreshed ahead of expiry against an endpoint in this process: heap for each,
 * CPU for each refresh, lateness. A bare {@link BareTimer HashedWheelTimer} follows in the same run, without and with a deadline
 * for each request, and all take turns. Arguments: number of sessions, seconds to watch, rounds, lifetime of a token in seconds.
 *
 * <p>Each turn is warmed by a count: it is watched after every session has been refreshed twice by its timer.
 *
 * <p>Everything that a session needs counts: its token with two separate strings, its subscriber, its share of the timers. The
 * CPU is the whole process's, the garbage collector's and the endpoint's included.
 */
public final class LiveSessions {

    private static final RefreshPolicy POLICY =
            RefreshPolicy.builder().jitter(Duration.ZERO).build();

    /** As long as that of a session. */
    private static final Duration DEADLINE = Duration.ofSeconds(15);

    private final Duration lifetime;
    private final InstantEndpoint endpoint;
    private final TokenSession.Builder builder;
    private final TokenSession[] sessions;
    private final Watcher[] watchers;
    private final BareTimer[] bare;
    private final int threads = Thread.activeCount();
    private final long heap;

    private LiveSessions(int count, Duration lifetime) {
        this.lifetime = lifetime;
        endpoint = new InstantEndpoint(lifetime);
        builder = TokenSession.builder(endpoint).policy(POLICY);
        sessions = new TokenSession[count];
        watchers = new Watcher[count];
        bare = new BareTimer[count];
        heap = settledHeap();
    }

    public static void main(String[] args) throws InterruptedException {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 1_000_000;
        int seconds = args.length > 1 ? Integer.parseInt(args[1]) : 120;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 1;
        Duration lifetime = Duration.ofSeconds(args.length > 3 ? Integer.parseInt(args[3]) : 60);
        LiveSessions live = new LiveSessions(count, lifetime);
        live.openAll();
        System.out.printf("asleep without a subscriber: %d B a session%n", live.heapForEach());
        for (int round = 1; round <= rounds; round++) {
            live.subscribeAll();
            live.watch("sessions", seconds);
            if (round == 1) {
                System.out.printf("with a subscriber: %d B a session%n", live.heapForEach());
            }
            live.unsubscribeAll();
            live.watchBareTimers("a bare HashedWheelTimer", null, seconds);
            live.watchBareTimers("the same with Mono.timeout", DEADLINE, seconds);
        }
        System.exit(0);
    }

    private void unsubscribeAll() {
        for (Watcher watcher : watchers) {
            watcher.subscription.cancel();
        }
    }

    /** Starts them spread as the sessions were. */
    private void watchBareTimers(String what, @Nullable Duration deadline, int seconds) throws InterruptedException {
        spread(i -> {
            watchers[i] = new Watcher();
            bare[i] = new BareTimer(endpoint, watchers[i], deadline);
        });
        watch(what, seconds);
        for (BareTimer timer : bare) {
            timer.stop();
        }
    }

    /** Each has been refreshed once: such a token holds more than the first one. */
    private void openAll() throws InterruptedException {
        for (int i = 0; i < sessions.length; i++) {
            sessions[i] = builder.build(endpoint.grant());
            sessions[i].refresh().subscribe();
        }
        while (endpoint.refreshes() < sessions.length) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        TimeUnit.SECONDS.sleep(1); // until nothing of the refreshes is left
    }

    /** Spread over the time in which each is refreshed once, as users come: all at once they would measure a stampede. */
    private void subscribeAll() throws InterruptedException {
        spread(i -> {
            sessions[i].refresh().subscribe();
            watchers[i] = new Watcher();
            sessions[i].tokens().subscribe(watchers[i]);
        });
    }

    private void spread(IntConsumer start) throws InterruptedException {
        long spread = TimeUnit.SECONDS.toNanos(lifetime.toSeconds() * 3 / 4);
        long began = System.nanoTime();
        for (int i = 0; i < sessions.length; i++) {
            start.accept(i);
            long ahead = began + spread * i / sessions.length - System.nanoTime();
            if (ahead > 2_000_000) {
                TimeUnit.NANOSECONDS.sleep(ahead);
            }
        }
    }

    private void watch(String what, int seconds) throws InterruptedException {
        long warm = endpoint.refreshes() + 2L * sessions.length;
        while (endpoint.refreshes() < warm) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        Watcher.LATENESS.forget();
        long cpu = cpuNanos();
        long before = endpoint.refreshes();
        TimeUnit.SECONDS.sleep(seconds);
        cpu = cpuNanos() - cpu;
        long refreshes = endpoint.refreshes() - before;
        System.out.printf(
                "%s: %d refreshes in %d s, %.1f us of CPU each, lateness p50 %d ms, p99 %d ms, %d stale tokens, %d threads more%n",
                what,
                refreshes,
                seconds,
                cpu / 1000.0 / refreshes,
                Watcher.LATENESS.percentile(50),
                Watcher.LATENESS.percentile(99),
                Watcher.STALE.get(),
                Thread.activeCount() - threads);
    }

    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private long heapForEach() {
        return (settledHeap() - heap) / sessions.length;
    }

    private static long settledHeap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Subscribes to one session, and looks at when its tokens come. */
    static final class Watcher implements CoreSubscriber<Token> {

        static final Histogram LATENESS = new Histogram();
        static final AtomicLong STALE = new AtomicLong();

        private long dueAt;
        private Subscription subscription;

        @Override
        public void onSubscribe(Subscription subscription) {
            this.subscription = subscription;
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(Token token) {
            long now = System.currentTimeMillis();
            if (dueAt != 0) {
                LATENESS.record(now - dueAt);
            }
            Instant expiresAt = token.expiresAt();
            if (expiresAt == null || now >= expiresAt.toEpochMilli()) {
                STALE.incrementAndGet();
            }
            if (expiresAt
                    != null) { // the margin of the policy is longer than a fifth of the lifetime, which then counts
                long lifetime = Duration.between(token.issuedAt(), expiresAt).toMillis();
                dueAt = expiresAt.toEpochMilli() - lifetime / 5;
            }
        }

        @Override
        public void onError(Throwable error) {
            throw new IllegalStateException("A session ended", error);
        }

        @Override
        public void onComplete() {} // when all are closed
    }

    /** Counts milliseconds, those of a minute and more as one. */
    private static final class Histogram {

        private final AtomicLongArray counts = new AtomicLongArray(60_000);

        void record(long millis) {
            counts.incrementAndGet((int) Math.min(Math.max(millis, 0), counts.length() - 1));
        }

        void forget() {
            for (int i = 0; i < counts.length(); i++) {
                counts.set(i, 0);
            }
        }

        int percentile(int percent) {
            long all = 0;
            for (int i = 0; i < counts.length(); i++) {
                all += counts.get(i);
            }
            long below = 0;
            int millis = 0;
            while (below < all * percent / 100) {
                below += counts.get(millis++);
            }
            return millis;
        }
    }
}
