package io.tokenswap.benchmark;

import com.sun.management.OperatingSystemMXBean;
import io.tokenswap.RefreshPolicy;
import io.tokenswap.Token;
import io.tokenswap.TokenSession;
import io.tokenswap.TokenSessionBuilder;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;

/**
 * Many live sessions in one JVM, tokens of 60 s, refreshed ahead of expiry against an endpoint in this process: heap for each,
 * CPU for each refresh, lateness. Arguments: how many sessions, how many seconds to watch.
 */
public final class LiveSessions {

    private static final RefreshPolicy POLICY =
            RefreshPolicy.builder().jitter(Duration.ZERO).build();

    private LiveSessions() {}

    public static void main(String[] args) throws InterruptedException {
        int sessions = args.length > 0 ? Integer.parseInt(args[0]) : 1_000_000;
        int seconds = args.length > 1 ? Integer.parseInt(args[1]) : 120;
        InstantEndpoint endpoint = new InstantEndpoint(Duration.ofSeconds(60));
        int threads = Thread.activeCount();
        TokenSessionBuilder users = TokenSession.builder(endpoint).policy(POLICY);

        TokenSession[] all = new TokenSession[sessions];
        Watcher[] watchers = new Watcher[sessions];
        long empty = used();
        // Spread over a minute, as users come: due at once they would measure a stampede.
        long start = System.nanoTime();
        for (int i = 0; i < sessions; i++) {
            all[i] = users.build(endpoint.grant());
        }
        long asleep = used();
        System.out.printf("asleep without a subscriber: %d B a session%n", (asleep - empty) / sessions);
        all = new TokenSession[sessions];
        System.gc();
        long pace = TimeUnit.SECONDS.toNanos(45) / sessions;
        start = System.nanoTime();
        for (int i = 0; i < sessions; i++) {
            all[i] = users.build(endpoint.grant());
            watchers[i] = new Watcher();
            all[i].tokens().subscribe(watchers[i]);
            long ahead = start + i * pace - System.nanoTime();
            if (ahead > 2_000_000) {
                TimeUnit.NANOSECONDS.sleep(ahead);
            }
        }
        System.out.printf("started within %d s%n", (System.nanoTime() - start) / 1_000_000_000);

        OperatingSystemMXBean os = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        Lateness.reset();
        long cpu = os.getProcessCpuTime();
        long before = endpoint.refreshes.sum();
        new CountDownLatch(1).await(seconds, TimeUnit.SECONDS);
        cpu = os.getProcessCpuTime() - cpu;
        long refreshes = endpoint.refreshes.sum() - before;
        System.out.printf(
                "%d refreshes in %d s, %.1f us of CPU each, lateness p50 %d ms, p99 %d ms, stale reads %d, %d threads more%n",
                refreshes,
                seconds,
                cpu / 1000.0 / refreshes,
                Lateness.percentile(0.5),
                Lateness.percentile(0.99),
                Watcher.STALE.get(),
                Thread.activeCount() - threads);
        System.out.printf(
                "with a subscriber and its token: %d B a session%n", (used() - empty) / sessions);
        System.out.println(all.length + watchers.length > 0 ? "done" : "");
        System.exit(0);
    }

    private static long used() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** How late refreshes come, in a histogram of milliseconds. */
    private static final class Lateness {

        private static final long[] COUNTS = new long[60_000];

        static synchronized void reset() {
            Arrays.fill(COUNTS, 0);
        }

        static synchronized void record(long millis) {
            COUNTS[(int) Math.min(Math.max(millis, 0), COUNTS.length - 1)]++;
        }

        static synchronized int percentile(double share) {
            long wanted = (long) (Arrays.stream(COUNTS).sum() * share);
            int at = 0;
            for (long seen = COUNTS[0]; seen <= wanted && at < COUNTS.length - 1; seen += COUNTS[at]) {
                at++;
            }
            return at;
        }
    }

    /** A subscriber of one session. */
    private static final class Watcher implements CoreSubscriber<Token> {

        private static final AtomicLong STALE = new AtomicLong();
        private long refreshAt;

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(Token token) {
            long now = System.currentTimeMillis();
            if (refreshAt != 0) {
                Lateness.record(now - refreshAt);
            }
            Instant expiresAt = token.expiresAt();
            if (expiresAt != null && now >= expiresAt.toEpochMilli()) {
                STALE.incrementAndGet();
            }
            refreshAt = POLICY.refreshAt(token, 0).toEpochMilli();
        }

        @Override
        public void onError(Throwable error) {
            error.printStackTrace();
        }

        @Override
        public void onComplete() {}
    }
}
