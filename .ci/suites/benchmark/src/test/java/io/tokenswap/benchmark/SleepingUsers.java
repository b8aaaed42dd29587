package io.tokenswap.benchmark;

import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Heap of a user asleep in {@link TokenSessions}: signed in, refreshed once, and without a subscriber. The records are
 * elsewhere, as in Redis, or in memory. The text of the users' names is not counted. Arguments: number of users, and
 * {@code memory} for records in memory.
 */
public final class SleepingUsers {

    private SleepingUsers() {}

    public static void main(String[] args) throws InterruptedException {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
        boolean inMemory = args.length > 1 && args[1].equals("memory");
        measure("warm-up", count / 10, inMemory);
        measure(inMemory ? "records in memory" : "records elsewhere", count, inMemory);
        System.exit(0);
    }

    private static void measure(String what, int count, boolean inMemory) throws InterruptedException {
        DistantStore distant = inMemory ? null : new DistantStore();
        String[] names = new String[2 * count];
        for (int i = 0; i < names.length; i++) {
            names[i] = "user-" + i;
        }
        InstantEndpoint endpoint = new InstantEndpoint(Duration.ofHours(1));
        TokenSessions.Builder builder = TokenSessions.builder(endpoint).maximumSize(names.length);
        TokenSessions sessions = (distant == null ? builder : builder.store(distant)).build();
        long none = settledHeap();
        open(sessions, endpoint, distant, names, 0, count);
        long some = settledHeap();
        open(sessions, endpoint, distant, names, count, names.length);
        long twice = settledHeap();
        System.out.printf(
                "%s: %d B for each of %d users, %d B for each further one%n",
                what, (some - none) / count, count, (twice - some) / count);
        if (sessions.counts().values().stream().mapToInt(Integer::intValue).sum() != names.length) {
            throw new IllegalStateException("Some sessions are closed");
        }
        sessions.dispose();
    }

    private static void open(
            TokenSessions sessions,
            InstantEndpoint endpoint,
            @Nullable DistantStore distant,
            String[] names,
            int from,
            int to) {
        for (int i = from; i < to; i++) {
            TokenSession session = Objects.requireNonNull(
                    sessions.signIn(names[i], endpoint.grant()).block());
            session.refresh().block();
            if (distant != null) {
                distant.forget();
            }
        }
    }

    /** Timers that are not needed any more stay until they are due, at most 17 seconds later. */
    private static long settledHeap() throws InterruptedException {
        TimeUnit.SECONDS.sleep(20);
        for (int i = 0; i < 5; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Keeps the record of one user at a time, as if it were in another process. */
    private static final class DistantStore implements TokenStore {

        private final Map<String, Record> records = new ConcurrentHashMap<>();

        void forget() {
            records.clear();
        }

        @Override
        public Mono<Entry> load(String key) {
            return Mono.fromSupplier(() -> new Entry(records.get(key), Instant.now()));
        }

        @Override
        public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
            return Mono.fromSupplier(() -> Acquired.granted(
                    Objects.requireNonNull(records.get(key)), Instant.now(), view.attempt() + 1, null, null));
        }

        @Override
        public Mono<Entry> put(String key, Record record, Kind kind, String owner, long attempt) {
            return Mono.fromSupplier(() -> {
                records.put(key, record);
                return new Entry(record, Instant.now());
            });
        }

        @Override
        public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
            return Mono.fromSupplier(() ->
                    Acquired.granted(Objects.requireNonNull(records.get(key)), Instant.now(), attempt, null, null));
        }

        @Override
        public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
            return Mono.empty();
        }
    }
}
