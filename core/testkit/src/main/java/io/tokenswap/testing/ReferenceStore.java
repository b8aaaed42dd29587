package io.tokenswap.testing;

import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * A shared store in memory with leases that end, marks and faults, over a clock that a test controls. It plays the part
 * of an engine to which several nodes are connected: each node has a {@link Connection}. Safe for use by any thread.
 *
 * <pre>{@code
 * ReferenceStore engine = new ReferenceStore(clock, clock.scheduler());
 * ReferenceStore.Connection a = engine.connect();
 * ReferenceStore.Connection b = engine.connect();
 * a.fault(ReferenceStore.Fault.fails());     // only a cannot reach the engine
 * engine.failover(2);                        // the last two changes are lost
 * }</pre>
 */
public final class ReferenceStore {

    private static final int JOURNAL = 10_000;

    private final InstantSource clock;
    private final Scheduler scheduler;
    private final Map<String, Slot> slots = new HashMap<>();
    private final Deque<Change> journal = new ArrayDeque<>();
    private final List<Connection> connections = new CopyOnWriteArrayList<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private final List<String> changed = new ArrayList<>();

    private boolean frozen;
    private Duration grace = Duration.ZERO;
    private TokenStore.Rotates rotates = TokenStore.Rotates.LEARN;
    private Duration unused = Duration.ofDays(180);

    /**
     * Creates an empty store.
     *
     * @param clock the store's clock; it may differ from those of the nodes
     * @param scheduler delivers notifications and late responses
     */
    public ReferenceStore(InstantSource clock, Scheduler scheduler) {
        this.clock = Objects.requireNonNull(clock, "clock");
        this.scheduler = Objects.requireNonNull(scheduler, "scheduler");
    }

    /**
     * Creates an empty store on a clock that moves when a test says so.
     *
     * @param clock the clock and its scheduler
     */
    public ReferenceStore(VirtualClock clock) {
        this(clock, clock.scheduler());
    }

    /**
     * Sets the time for which the provider still accepts a used refresh token.
     *
     * @param grace the time, zero by default
     * @return this store
     */
    public ReferenceStore grace(Duration grace) {
        this.grace = grace;
        return this;
    }

    /**
     * Sets the rotation of the provider.
     *
     * @param rotates {@code LEARN} by default
     * @return this store
     */
    public ReferenceStore rotates(TokenStore.Rotates rotates) {
        this.rotates = rotates;
        return this;
    }

    /**
     * Connects a node.
     *
     * @return a connection without faults
     */
    public Connection connect() {
        Connection connection = new Connection();
        connections.add(connection);
        return connection;
    }

    /**
     * Returns the stored record without any fault.
     *
     * @param key a key
     * @return the record or null
     */
    public synchronized TokenStore.@Nullable Record record(String key) {
        return slot(key).record;
    }

    /**
     * Stops the engine: operations wait and take place in their order when it is thawed, also those for which no caller
     * waits any more.
     */
    public synchronized void freeze() {
        frozen = true;
    }

    /** Continues a frozen engine. */
    public void thaw() {
        List<Runnable> runnable;
        synchronized (this) {
            frozen = false;
            runnable = List.copyOf(waiting);
            waiting.clear();
        }
        runnable.forEach(Runnable::run);
        notifyConnections();
    }

    /**
     * Counts the changes so far: each write, each lease that was granted, extended, ended or paused.
     *
     * @return the number of changes that {@link #failover(int)} can lose
     */
    public synchronized int changes() {
        return journal.size();
    }

    /**
     * Loses the last changes, of records and of leases, as the failover to a replica does that is behind. All connections report
     * {@link TokenStore#ANY_KEY}.
     *
     * @param lost the number of changes
     */
    public void failover(int lost) {
        synchronized (this) {
            for (int i = 0; i < lost && !journal.isEmpty(); i++) {
                Change change = journal.removeLast();
                slots.put(change.key, change.before);
            }
        }
        connections.forEach(connection -> connection.emit(TokenStore.ANY_KEY));
    }

    /** Loses all leases, marks and pauses and keeps the records, as an engine does that keeps them in different places. */
    public void loseLeases() {
        synchronized (this) {
            slots.replaceAll((key, slot) -> new Slot(slot.record, slot.expiresAt, Lease.FREE));
            journal.clear();
        }
        connections.forEach(connection -> connection.emit(TokenStore.ANY_KEY));
    }

    /**
     * Removes a record and keeps its lease, as an engine does that evicts.
     *
     * @param key a key
     */
    public synchronized void evict(String key) {
        slots.computeIfPresent(key, (k, slot) -> new Slot(null, Instant.MAX, slot.lease));
        journal.clear();
    }

    private Slot slot(String key) {
        Slot slot = slots.getOrDefault(key, Slot.EMPTY);
        return slot.expiresAt.isAfter(clock.instant()) ? slot : new Slot(null, Instant.MAX, slot.lease);
    }

    private void replace(String key, Slot next) {
        journal.add(new Change(key, slots.getOrDefault(key, Slot.EMPTY)));
        if (journal.size() > JOURNAL) {
            journal.removeFirst();
        }
        slots.put(key, next);
    }

    private synchronized TokenStore.Entry load(String key) {
        return new TokenStore.Entry(slot(key).record, clock.instant());
    }

    private synchronized TokenStore.Acquired acquire(
            String key, String owner, TokenStore.Version view, Duration length) {
        Instant now = clock.instant();
        Slot slot = slot(key);
        TokenStore.Record record = slot.record;
        Lease lease = slot.lease;
        if (record == null
                || record.state() != TokenStore.State.LIVE
                || !record.version().equals(view)) {
            return TokenStore.Acquired.moved(record, now);
        }
        if (lease.until.isAfter(now)) {
            return TokenStore.Acquired.busy(record, now, Duration.between(now, lease.until));
        }
        if (lease.notBefore.isAfter(now)) {
            return TokenStore.Acquired.paused(record, now, Duration.between(now, lease.notBefore));
        }
        long attempt = 1 + Math.max(lease.attempt, view.attempt());
        Mark other = lease.mark != null && lease.mark.of.isSibling(view) ? lease.mark : null;
        Mark mark = other == null ? new Mark(view, now, attempt) : other;
        Instant until = now.plus(length);
        replace(key, slot.with(new Lease(owner, attempt, until, mark, Instant.MIN)));
        Duration age = other == null ? null : Duration.between(other.at, now);
        return TokenStore.Acquired.granted(record, now, attempt, until, age);
    }

    private synchronized TokenStore.Acquired extend(String key, String owner, long attempt, Duration length) {
        Instant now = clock.instant();
        Slot slot = slot(key);
        if (!slot.lease.isHeldBy(owner, attempt) || !slot.lease.until.isAfter(now)) {
            return TokenStore.Acquired.moved(slot.record, now);
        }
        Instant until = now.plus(length);
        replace(key, slot.with(slot.lease.until(until)));
        return TokenStore.Acquired.granted(slot.record, now, attempt, until, null);
    }

    private synchronized TokenStore.Entry put(
            String key, TokenStore.Record next, TokenStore.Kind kind, String owner, long attempt) {
        Instant now = clock.instant();
        Slot slot = slot(key);
        Lease lease = slot.lease;
        Slot changed = slot;
        if (kind.accepts(slot.record, next)) {
            if (lease.mark != null && !lease.mark.of.isSibling(next.version())) {
                lease = lease.withoutMark();
            }
            changed = new Slot(next, next.expiresAt(now, unused), lease);
        }
        if (lease.isHeldBy(owner, attempt)) {
            changed = changed.with(lease.ended(lease.notBefore));
        }
        if (!changed.equals(slot)) {
            replace(key, changed);
            this.changed.add(key); // a write alone is reported: waiting nodes poll for a lease
        }
        return new TokenStore.Entry(changed.record, now);
    }

    private synchronized boolean release(String key, String owner, long attempt, Duration pause, boolean sent) {
        Slot slot = slot(key);
        Lease lease = slot.lease;
        if (lease.isHeldBy(owner, attempt)) {
            Lease ended = lease.ended(clock.instant().plus(pause));
            boolean own = lease.mark != null && lease.mark.attempt == attempt;
            replace(key, slot.with(!sent && own ? ended.withoutMark() : ended));
        }
        return true;
    }

    /** The operations, for faults that strike some of them. */
    public enum Operation {
        /** {@link TokenStore#load}. */
        LOAD,
        /** {@link TokenStore#acquire}. */
        ACQUIRE,
        /** {@link TokenStore#extend}. */
        EXTEND,
        /** {@link TokenStore#put}. */
        PUT,
        /** {@link TokenStore#release}. */
        RELEASE
    }

    /** Fault of one operation. */
    public static final class Fault {

        private static final Fault NONE = new Fault(false, false, scheduler -> Mono.empty(), scheduler -> Mono.empty());

        private final boolean thrown;
        private final boolean empty;
        private final Function<Scheduler, Mono<Void>> request;
        private final Function<Scheduler, Mono<Void>> response;

        private Fault(
                boolean thrown,
                boolean empty,
                Function<Scheduler, Mono<Void>> request,
                Function<Scheduler, Mono<Void>> response) {
            this.thrown = thrown;
            this.empty = empty;
            this.request = request;
            this.response = response;
        }

        /**
         * Nothing goes wrong.
         *
         * @return no fault
         */
        public static Fault none() {
            return NONE;
        }

        /**
         * The operation does not take place and fails.
         *
         * @return a fault
         */
        public static Fault fails() {
            return failsWith(() -> new IllegalStateException("The store is unreachable"));
        }

        /**
         * The operation does not take place and fails.
         *
         * @param error makes the error
         * @return a fault
         */
        public static Fault failsWith(Supplier<? extends Throwable> error) {
            return new Fault(false, false, scheduler -> Mono.error(error), scheduler -> Mono.empty());
        }

        /**
         * The method of the store throws.
         *
         * @return a fault
         */
        public static Fault throwsException() {
            return new Fault(true, false, scheduler -> Mono.empty(), scheduler -> Mono.empty());
        }

        /**
         * The operation takes place and completes without a value, which no store may do.
         *
         * @return a fault
         */
        public static Fault completesEmpty() {
            return new Fault(false, true, scheduler -> Mono.empty(), scheduler -> Mono.empty());
        }

        /**
         * The operation does not take place and never ends.
         *
         * @return a fault
         */
        public static Fault neverResponds() {
            return new Fault(false, false, scheduler -> Mono.never(), scheduler -> Mono.empty());
        }

        /**
         * The operation takes place at once and never ends.
         *
         * @return a fault
         */
        public static Fault losesResponse() {
            return new Fault(false, false, scheduler -> Mono.empty(), scheduler -> Mono.never());
        }

        /**
         * The operation takes place at once and fails, as it does when the connection breaks meanwhile.
         *
         * @return a fault
         */
        public static Fault failsAfterwards() {
            return new Fault(
                    false,
                    false,
                    scheduler -> Mono.empty(),
                    scheduler -> Mono.error(new IllegalStateException("The connection to the store was lost")));
        }

        /**
         * The operation takes place late, also if no caller waits for it any more.
         *
         * @param delay how late
         * @return a fault
         */
        public static Fault late(Duration delay) {
            return new Fault(
                    false, false, scheduler -> Mono.delay(delay, scheduler).then(), scheduler -> Mono.empty());
        }

        /**
         * The operation takes place at once and its response is late.
         *
         * @param delay how late
         * @return a fault
         */
        public static Fault lateResponse(Duration delay) {
            return new Fault(
                    false,
                    false,
                    scheduler -> Mono.empty(),
                    scheduler -> Mono.delay(delay, scheduler).then());
        }
    }

    /** The connection of one node, with the faults that strike this node only. */
    public final class Connection implements TokenStore {

        private final Sinks.Many<String> changes = Sinks.many().multicast().directBestEffort();
        private volatile BiFunction<Operation, String, Fault> faults = (operation, key) -> Fault.NONE;
        private volatile boolean deaf;

        private Connection() {}

        /**
         * Strikes every operation of this connection from now on.
         *
         * @param fault the fault; {@link Fault#none()} ends it
         */
        public void fault(Fault fault) {
            faults = (operation, key) -> fault;
        }

        /**
         * Asks a function for the fault of each operation from now on, once for each call of a method.
         *
         * @param faults returns the fault of an operation and a key
         */
        public void faults(BiFunction<Operation, String, Fault> faults) {
            this.faults = Objects.requireNonNull(faults, "faults");
        }

        /**
         * Loses the notifications.
         *
         * @param deaf true to lose them from now on
         */
        public void losesChanges(boolean deaf) {
            this.deaf = deaf;
        }

        /** Ends all faults and reports {@link TokenStore#ANY_KEY}, as after a reconnect. */
        public void reconnect() {
            fault(Fault.NONE);
            deaf = false;
            emit(ANY_KEY);
        }

        private void emit(String key) {
            if (!deaf) {
                scheduler.schedule(() -> {
                    synchronized (changes) {
                        changes.tryEmitNext(key);
                    }
                });
            }
        }

        @Override
        public Mono<Entry> load(String key) {
            return run(Operation.LOAD, key, () -> ReferenceStore.this.load(key));
        }

        @Override
        public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
            return run(Operation.ACQUIRE, key, () -> ReferenceStore.this.acquire(key, owner, view, lease));
        }

        @Override
        public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
            return run(Operation.EXTEND, key, () -> ReferenceStore.this.extend(key, owner, attempt, lease));
        }

        @Override
        public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
            return run(Operation.PUT, key, () -> ReferenceStore.this.put(key, next, kind, owner, attempt));
        }

        @Override
        public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
            return run(Operation.RELEASE, key, () -> ReferenceStore.this.release(key, owner, attempt, pause, sent))
                    .then();
        }

        @Override
        public Flux<String> changes() {
            return changes.asFlux();
        }

        @Override
        public Duration grace() {
            return grace;
        }

        @Override
        public Rotates rotates() {
            return rotates;
        }

        /** Runs an operation to its end, whether or not a caller waits for it. */
        private <T> Mono<T> run(Operation operation, String key, Supplier<T> step) {
            Fault fault = faults.apply(operation, key);
            if (fault.thrown) {
                throw new IllegalStateException("The store throws");
            }
            return Mono.defer(() -> {
                Sinks.One<T> result = Sinks.one();
                fault.request
                        .apply(scheduler)
                        .then(Mono.<T>create(sink -> whenThawed(() -> sink.success(step.get()))))
                        .flatMap(value -> fault.response.apply(scheduler).thenReturn(value))
                        .filter(value -> !fault.empty)
                        .subscribe(result::tryEmitValue, result::tryEmitError, result::tryEmitEmpty);
                return result.asMono();
            });
        }
    }

    private void whenThawed(Runnable step) {
        synchronized (this) {
            if (frozen) {
                waiting.add(step);
                return;
            }
        }
        step.run();
        notifyConnections();
    }

    /** Notifies the connections. Runs outside the step, because subscribers must not run under its lock. */
    private void notifyConnections() {
        List<String> keys;
        synchronized (this) {
            keys = List.copyOf(changed);
            changed.clear();
        }
        keys.forEach(key -> connections.forEach(connection -> connection.emit(key)));
    }

    private record Change(String key, Slot before) {}

    private record Slot(TokenStore.@Nullable Record record, Instant expiresAt, Lease lease) {

        static final Slot EMPTY = new Slot(null, Instant.MAX, Lease.FREE);

        Slot with(Lease next) {
            return new Slot(record, expiresAt, next);
        }
    }

    private record Mark(TokenStore.Version of, Instant at, long attempt) {}

    private record Lease(
            @Nullable String owner,
            long attempt,
            Instant until,
            @Nullable Mark mark,
            Instant notBefore) {

        static final Lease FREE = new Lease(null, 0, Instant.MIN, null, Instant.MIN);

        boolean isHeldBy(String owner, long attempt) {
            return owner.equals(this.owner) && attempt == this.attempt;
        }

        Lease until(Instant until) {
            return new Lease(owner, attempt, until, mark, notBefore);
        }

        Lease withoutMark() {
            return new Lease(owner, attempt, until, null, notBefore);
        }

        Lease ended(Instant notBefore) {
            return new Lease(null, attempt, Instant.MIN, mark, notBefore);
        }
    }
}
