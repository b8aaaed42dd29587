package io.tokenswap.benchmark;

import com.azure.core.credential.AccessToken;
import com.azure.core.credential.SimpleTokenCache;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSession;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.publisher.Mono;

/** 10,000 callers at expiry, against an endpoint that takes 50 ms: how many refreshes, and how long until all are served. */
public final class Stampede {

    private static final int CALLERS = 10_000;
    private static final Duration LATENCY = Duration.ofMillis(50);

    private Stampede() {}

    public static void main(String[] args) throws InterruptedException {
        for (int round = 0; round < 3; round++) {
            // The latency as it is felt here, by one caller.
            report("one caller", 1, () -> {
                InstantEndpoint instant = new InstantEndpoint(Duration.ofHours(1));
                AtomicLong refreshes = new AtomicLong();
                Mono<Token> refresh = Mono.delay(LATENCY).map(tick -> {
                    refreshes.incrementAndGet();
                    return instant.grant();
                });
                return new Subject(refresh.then(), refreshes);
            });
            report("session", CALLERS, () -> {
                AtomicLong refreshes = new AtomicLong();
                InstantEndpoint instant = new InstantEndpoint(Duration.ofHours(1));
                TokenEndpoint slow = new TokenEndpoint() {
                    @Override
                    public Mono<Token> swap(AuthorizationCode code) {
                        return Mono.empty();
                    }

                    @Override
                    public Mono<Token> refresh(Token token) {
                        refreshes.incrementAndGet();
                        return Mono.delay(LATENCY).map(tick -> instant.grant());
                    }
                };
                TokenSession session = TokenSession.builder(slow)
                        .build(new InstantEndpoint(Duration.ZERO).grant());
                return new Subject(session.token().then(), refreshes);
            });
            report("azure-core", CALLERS, () -> {
                AtomicLong refreshes = new AtomicLong();
                SimpleTokenCache cache = new SimpleTokenCache(() -> {
                    refreshes.incrementAndGet();
                    return Mono.delay(LATENCY)
                            .map(tick -> new AccessToken("a", OffsetDateTime.now().plusHours(1)));
                });
                return new Subject(cache.getToken().then(), refreshes);
            });
        }
        System.exit(0);
    }

    private record Subject(Mono<Void> call, AtomicLong refreshes) {}

    private static void report(String name, int callers, java.util.function.Supplier<Subject> subjects)
            throws InterruptedException {
        int runs = 30;
        double[] millis = new double[runs];
        long refreshes = 0;
        for (int run = 0; run < runs; run++) {
            Subject subject = subjects.get();
            CountDownLatch served = new CountDownLatch(callers);
            long start = System.nanoTime();
            for (int i = 0; i < callers; i++) {
                subject.call.subscribe(nothing -> {}, error -> served.countDown(), served::countDown);
            }
            served.await();
            millis[run] = (System.nanoTime() - start) / 1e6;
            refreshes += subject.refreshes.get();
        }
        Arrays.sort(millis);
        System.out.printf(
                "%-12s %6d callers: median %.1f ms (p10 %.1f, p90 %.1f), %.1f refreshes a run%n",
                name, callers, millis[runs / 2], millis[runs / 10], millis[runs * 9 / 10], (double) refreshes / runs);
    }
}
