package io.tokenswap.session;

import io.tokenswap.KeyRing;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Records in a table of the application, leases in memory. The steps of a key run one after another, so that a step may read
 * the table, decide and write.
 *
 * <p>A sign-out removes the row. Its record stays in memory for a day, so that a late write of an older record is refused.
 */
final class OneProcessTokenStore implements TokenStore {

    private static final Duration REMEMBERED = Duration.ofHours(24);

    private final KeyRing keys;
    private final Function<String, Mono<String>> load;
    private final BiFunction<String, String, Mono<Void>> save;
    private final Function<String, Mono<Void>> remove;
    private final InstantSource clock;

    private final Turns turns = new Turns();
    private final Map<String, Slot> slots = new ConcurrentHashMap<>();
    private final Expiry expiry = new Expiry();

    OneProcessTokenStore(
            KeyRing keys,
            Function<String, Mono<String>> load,
            BiFunction<String, String, Mono<Void>> save,
            Function<String, Mono<Void>> remove,
            InstantSource clock) {
        this.keys = Objects.requireNonNull(keys, "keys");
        this.load = Objects.requireNonNull(load, "load");
        this.save = Objects.requireNonNull(save, "save");
        this.remove = Objects.requireNonNull(remove, "remove");
        this.clock = Objects.requireNonNull(clock, "clock");
    }

    @Override
    public Mono<Entry> load(String key) {
        return turns.run(key, () -> read(key).map(record -> new Entry(record.orElse(null), clock.instant())));
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        return turns.run(
                key,
                () -> read(key).map(read -> {
                    Record record = read.orElse(null);
                    Instant now = clock.instant();
                    LocalLease free = slot(key).lease;
                    Acquired refusal = free.refusal(record, view, now);
                    if (refusal != null) {
                        return refusal;
                    }
                    LocalLease granted = free.granted(owner, Objects.requireNonNull(record));
                    change(key, slot -> new Slot(granted, slot.signOut));
                    return Acquired.granted(record, now, granted.attempt(), null, null);
                }));
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return turns.run(
                key,
                () -> read(key).map(read -> {
                    Record record = read.orElse(null);
                    return slot(key).lease.isHeldBy(owner, attempt)
                            ? Acquired.granted(record, clock.instant(), attempt, null, null)
                            : Acquired.moved(record, clock.instant());
                }));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return turns.run(
                key,
                () -> read(key)
                        .onErrorResume(
                                UnreadableRecordException.class,
                                e -> e.yieldsTo(kind) ? Mono.just(Optional.empty()) : Mono.error(e))
                        .flatMap(stored -> kind.accepts(stored.orElse(null), next)
                                ? write(key, next).thenReturn(Optional.of(next))
                                : Mono.just(stored))
                        .map(stored -> {
                            change(key, slot -> new Slot(slot.lease.endedBy(owner, attempt), slot.signOut));
                            return new Entry(stored.orElse(null), clock.instant());
                        }));
    }

    /** A row that is missing was removed to sign the user out. */
    @Override
    public boolean mayLoseWrites() {
        return false;
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return turns.run(
                key,
                () -> Mono.fromRunnable(() -> {
                    Instant notBefore = clock.instant().plus(pause);
                    change(key, slot -> new Slot(slot.lease.releasedBy(owner, attempt, notBefore), slot.signOut));
                }));
    }

    /** Returns the record of the table, or the record of a sign-out if that is greater. */
    private Mono<Optional<Record>> read(String key) {
        return load.apply(key)
                .map(text -> Optional.of(TokenCodec.decode(key, text, keys)))
                .defaultIfEmpty(Optional.empty())
                .map(record -> {
                    Record signOut = slot(key).signOut;
                    if (signOut == null
                            || record.filter(row -> row.version().compareTo(signOut.version()) > 0)
                                    .isPresent()) {
                        return record;
                    }
                    return Optional.of(signOut);
                });
    }

    private Mono<Void> write(String key, Record next) {
        if (next.state() == State.OUT) {
            return remove.apply(key).then(Mono.fromRunnable(() -> change(key, slot -> new Slot(slot.lease, next))));
        }
        return save.apply(key, TokenCodec.encode(key, next, keys))
                .then(Mono.fromRunnable(() -> change(key, slot -> new Slot(slot.lease, null))));
    }

    private Slot slot(String key) {
        return slots.getOrDefault(key, Slot.EMPTY);
    }

    private void change(String key, UnaryOperator<Slot> change) {
        Instant now = clock.instant();
        Slot changed = change.apply(slot(key));
        Instant until = now.plus(REMEMBERED);
        slots.put(key, changed.until(until));
        expiry.add(key, until);
        expiry.poll(now, due -> {
            Slot kept = slots.computeIfPresent(
                    due, (k, slot) -> slot.lease.owner() == null && !slot.until.isAfter(now) ? null : slot);
            return kept == null ? null : kept.until;
        });
    }

    /**
     * State of a key that is kept in memory.
     *
     * @param lease its lease
     * @param signOut the sign-out that has removed the row
     * @param until when all of it may be forgotten, if the lease is free
     */
    private record Slot(LocalLease lease, @Nullable Record signOut, Instant until) {

        static final Slot EMPTY = new Slot(LocalLease.FREE, null);

        Slot(LocalLease lease, @Nullable Record signOut) {
            this(lease, signOut, Instant.MIN);
        }

        Slot until(Instant until) {
            return new Slot(lease, signOut, until);
        }
    }
}
