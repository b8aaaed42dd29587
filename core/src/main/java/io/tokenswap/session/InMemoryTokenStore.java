package io.tokenswap.session;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Store of one process. Each operation is one atomic step of a map. */
final class InMemoryTokenStore implements TokenStore {

    private static final Duration UNUSED = Duration.ofDays(180);

    private final Map<String, Slot> slots = new ConcurrentHashMap<>();
    private final Expiry expiry = new Expiry();
    private final InstantSource clock;

    InMemoryTokenStore(InstantSource clock) {
        this.clock = Objects.requireNonNull(clock, "clock");
    }

    @Override
    public Mono<Entry> load(String key) {
        return Mono.fromSupplier(() -> {
            Slot slot = slots.get(key);
            return new Entry(slot == null ? null : slot.record, clock.instant());
        });
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        return step(key, (slot, now) -> {
            Acquired refusal = slot.lease.refusal(slot.record, view, now);
            if (refusal != null) {
                return new Step<>(slot, refusal);
            }
            Record record = Objects.requireNonNull(slot.record);
            LocalLease granted = slot.lease.granted(owner, record);
            return new Step<>(
                    new Slot(record, granted, slot.expiresAt),
                    Acquired.granted(record, now, granted.attempt(), null, null));
        });
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return step(
                key,
                (slot, now) -> new Step<>(
                        slot,
                        slot.lease.isHeldBy(owner, attempt)
                                ? Acquired.granted(slot.record, now, attempt, null, null)
                                : Acquired.moved(slot.record, now)));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return this.<Entry>step(key, (slot, now) -> {
                    boolean accepted = kind.accepts(slot.record, next);
                    Record stored = accepted ? next : slot.record;
                    Instant end = accepted ? next.expiresAt(now, UNUSED) : slot.expiresAt;
                    return new Step<>(
                            new Slot(stored, slot.lease.endedBy(owner, attempt), end), new Entry(stored, now));
                })
                .doOnNext(entry -> removeExpired(key, entry.now()));
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return this.<Boolean>step(
                        key,
                        (slot, now) -> new Step<>(
                                new Slot(
                                        slot.record,
                                        slot.lease.releasedBy(owner, attempt, now.plus(pause)),
                                        slot.expiresAt),
                                true))
                .then();
    }

    @Override
    public boolean mayLoseWrites() {
        return false;
    }

    /** Notes the expiry of this key, and removes the records of other keys that have expired. */
    private void removeExpired(String written, Instant now) {
        Slot slot = slots.get(written);
        if (slot != null && slot.record != null) {
            expiry.add(written, slot.expiresAt);
        }
        expiry.poll(now, key -> {
            Slot kept = slots.computeIfPresent(
                    key, (k, old) -> old.lease.owner() == null && !old.expiresAt.isAfter(now) ? null : old);
            return kept == null ? null : kept.expiresAt;
        });
    }

    private <T> Mono<T> step(String key, Change<T> change) {
        return Mono.fromSupplier(() -> {
            Step<T>[] taken = Step.none();
            slots.compute(key, (k, slot) -> {
                Step<T> step = change.apply(slot == null ? Slot.EMPTY : slot, clock.instant());
                taken[0] = step;
                return step.slot.isEmpty() ? null : step.slot;
            });
            return taken[0].result;
        });
    }

    private interface Change<T> {
        Step<T> apply(Slot slot, Instant now);
    }

    private record Step<T>(Slot slot, T result) {
        @SuppressWarnings({"unchecked", "rawtypes"})
        static <T> Step<T>[] none() {
            return new Step[1];
        }
    }

    private record Slot(@Nullable Record record, LocalLease lease, Instant expiresAt) {

        static final Slot EMPTY = new Slot(null, LocalLease.FREE, Instant.MAX);

        boolean isEmpty() {
            return record == null && lease.equals(LocalLease.FREE);
        }
    }
}
