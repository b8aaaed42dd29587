package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.testing.ReferenceStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** The store as one node sees it: responses arrive by the scheduler of the node. Remembers what a checker wants to know. */
final class ObservedStore implements TokenStore {

    private static final Duration NOTICED = Duration.ofSeconds(2);

    /** The request to the provider, for {@link #awaits}. */
    static final String PRESENT = "present";

    private final ReferenceStore.Connection connection;
    private final Scheduler scheduler;
    private final InstantSource clock;

    /** Called with each record that an operation returned. */
    Consumer<Record> seen = record -> {};

    /** Called before each operation is sent, and before its response is passed on. Tests end or stop a node there. */
    Consumer<String> awaits = point -> {};

    /** False for a store in which an absent record is a sign-out. */
    boolean mayLoseWrites = true;

    private boolean losesResponses;
    private boolean losesNext;

    private final Map<String, Instant> leaseAskedAt = new HashMap<>();
    private final Map<String, List<Instant>> acquiredAt = new HashMap<>();
    private final Map<String, Instant> failedAt = new HashMap<>();
    private final Map<String, Instant> marksSeen = new HashMap<>();

    ObservedStore(ReferenceStore.Connection connection, Scheduler scheduler, InstantSource clock) {
        this.connection = connection;
        this.scheduler = scheduler;
        this.clock = clock;
    }

    /** Loses the responses from now on, those included whose operations were sent before. */
    void losesResponses(boolean lost) {
        losesResponses = lost;
    }

    /** Loses the response that {@link #awaits} has just been told of. */
    void losesResponse() {
        losesNext = true;
    }

    /** Passes the response of the store or of the provider, unless it is lost. A node that was stopped just now gets none. */
    <T> Mono<T> unlessLost(Mono<T> operation, String name) {
        return Mono.defer(() -> {
            awaits.accept(name);
            boolean lost = losesNext;
            losesNext = false;
            return operation
                    .materialize()
                    .filter(response -> !lost && arrives(name))
                    .switchIfEmpty(Mono.never())
                    .<T>dematerialize()
                    .publishOn(scheduler);
        });
    }

    private boolean arrives(String name) {
        awaits.accept(name + " responded");
        boolean lost = losesNext || (losesResponses && !name.equals(PRESENT));
        losesNext = false;
        return !lost;
    }

    /** The beginning of the last operation that granted or extended a lease of the key. */
    Instant leaseAskedAt(String key) {
        return leaseAskedAt.getOrDefault(key, Instant.EPOCH);
    }

    /** When the mark of another attempt for a refresh token was set, or null if the node has not seen one. */
    @Nullable Instant markSeen(String refreshToken) {
        return marksSeen.get(refreshToken);
    }

    /**
     * Returns true if the node asked for the lease of the key between two times, in order to refresh the record that is
     * stored.
     */
    boolean askedForLease(String key, Instant from, Instant to) {
        return acquiredAt.getOrDefault(key, List.of()).stream().anyMatch(at -> !at.isBefore(from) && at.isBefore(to));
    }

    /** Time at which an operation of the key last failed, or was noticed to have no response. */
    Instant failedAt(String key) {
        return failedAt.getOrDefault(key, Instant.EPOCH);
    }

    @Override
    public Mono<Entry> load(String key) {
        return run("load", key, () -> connection.load(key)).doOnNext(entry -> see(entry.record()));
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        List<Instant> asked = acquiredAt.computeIfAbsent(key, k -> new ArrayList<>());
        Instant now = clock.instant();
        asked.add(now);
        return lease(key, run("acquire", key, () -> connection.acquire(key, owner, view, lease)))
                .doOnNext(acquired -> {
                    Duration mark = acquired.otherMark();
                    Record record = acquired.record();
                    if (mark != null && record != null && record.token() != null) {
                        RefreshToken marked = record.token().refreshToken();
                        if (marked != null) {
                            marksSeen.putIfAbsent(
                                    marked.secret(), clock.instant().minus(mark));
                        }
                    }
                    if (acquired.outcome() == Outcome.MOVED) { // it had an older record, and needs no refresh
                        asked.remove(now);
                    }
                });
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return lease(key, run("extend", key, () -> connection.extend(key, owner, attempt, lease)));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return run("put " + kind, key, () -> connection.put(key, next, kind, owner, attempt))
                .doOnNext(entry -> see(entry.record()));
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return run("release", key, () -> connection.release(key, owner, attempt, pause, sent));
    }

    @Override
    public Flux<String> changes() {
        return connection.changes().publishOn(scheduler);
    }

    @Override
    public Duration grace() {
        return connection.grace();
    }

    @Override
    public Rotates rotates() {
        return connection.rotates();
    }

    @Override
    public boolean mayLoseWrites() {
        return mayLoseWrites;
    }

    private Mono<Acquired> lease(String key, Mono<Acquired> asked) {
        return Mono.defer(() -> {
            Instant begun = clock.instant();
            return asked.doOnNext(acquired -> {
                see(acquired.record());
                if (acquired.outcome() == Outcome.GRANTED) {
                    leaseAskedAt.put(key, begun);
                }
            });
        });
    }

    private <T> Mono<T> run(String name, String key, Supplier<Mono<T>> operation) {
        Mono<T> begun;
        try {
            begun = operation.get();
        } catch (RuntimeException thrown) {
            failed(name, key);
            throw thrown;
        }
        return Mono.defer(() -> {
            Instant start = clock.instant();
            AtomicBoolean responded = new AtomicBoolean();
            return unlessLost(begun.publishOn(scheduler), name)
                    .doOnError(error -> failed(name, key))
                    .doOnTerminate(() -> responded.set(true))
                    .doOnCancel(() -> {
                        if (!responded.get() && start.plus(NOTICED).isBefore(clock.instant())) {
                            failed(name, key);
                        }
                    });
        });
    }

    private void failed(String name, String key) {
        failedAt.put(key, clock.instant());
        awaits.accept(name + " failed");
    }

    private void see(@Nullable Record record) {
        if (record != null) {
            seen.accept(record);
        }
    }
}
