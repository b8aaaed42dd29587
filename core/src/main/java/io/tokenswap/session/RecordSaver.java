package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.session.RecordStore.StoreFailure;
import io.tokenswap.session.Stored.Lease;
import io.tokenswap.session.Stored.Unsaved;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import java.time.Duration;
import java.util.Objects;
import reactor.core.publisher.Mono;

/**
 * Writes to the store what the state says is unsaved, and keeps the lease until then. The state holds one write at a
 * time, the greatest one: a store keeps the greatest version, so smaller ones need not be written any more.
 */
final class RecordSaver {

    private static final long LONGEST_BACKOFF = 5_000;
    private static final long FIRST_BACKOFF = 200;

    private final SessionEngine session;
    private final RecordStore store;

    RecordSaver(SessionEngine session, RecordStore store) {
        this.session = session;
        this.store = store;
    }

    /** Carries out what a change of the state began. */
    void react(Phase before, Phase after) {
        Unsaved write = after.stored().unsaved();
        Unsaved earlier = before.stored().unsaved();
        if (write != null && write.running() && (earlier == null || !earlier.running() || !write.isSameAs(earlier))) {
            session.dispatch(() -> save(write));
        }
        Lease lease = after.stored().lease();
        Lease held = before.stored().lease();
        if (lease != null
                && held != null
                && lease.attempt() == held.attempt()
                && lease.extendAt() != held.extendAt()
                && lease.begunAt() == held.begunAt()) {
            session.dispatch(() -> extend(lease));
        }
        if (held != null && !after.stored().isLeasedBy(held.attempt()) && isAbandoned(held, before, after)) {
            session.dispatch(
                    () -> store.release(held.attempt(), Duration.ZERO, true).subscribe());
        }
    }

    /** Returns true if an attempt lost its lease in another way than by ending it, so that the lease is still to be ended. */
    @SuppressWarnings("ReferenceEquality") // attempts have an identity
    private static boolean isAbandoned(Lease held, Phase before, Phase after) {
        Unsaved write = before.stored().unsaved();
        Unsaved next = after.stored().unsaved();
        boolean endsLater = next != null && next.attempt() == held.attempt();
        boolean sameRecord =
                Objects.equals(before.stored().best(), after.stored().best());
        boolean saved = write != null && write.attempt() == held.attempt() && next == null && sameRecord;
        boolean byAttempt = before.getClass() == after.getClass()
                && before.attempt() == after.attempt()
                && sameRecord
                && Objects.equals(write, next)
                && !(after instanceof ClosedPhase closed && closed.inFlight() == null);
        return !endsLater && !saved && !byAttempt;
    }

    private void save(Unsaved write) {
        versioned(write)
                .flatMap(fixed -> store.put(Objects.requireNonNull(fixed.record()), fixed.kind(), fixed.attempt())
                        .flatMap(entry -> accepted(fixed, entry)))
                .subscribe(nothing -> {}, error -> failed(write, error));
    }

    /** A command gets its version from the store's clock, once. */
    private Mono<Unsaved> versioned(Unsaved write) {
        if (write.record() != null) {
            return Mono.just(write);
        }
        return store.loadFor(write.kind()).mapNotNull(read -> {
            Unsaved fixed = write.at(read.now(), read.asked());
            session.change((phase, moment) -> phase.with(phase.stored().fixed(write, fixed)));
            Unsaved current = session.current().stored().unsaved();
            return current != null && current.isSameAs(fixed) ? current : null; // superseded meanwhile
        });
    }

    private Mono<Void> accepted(Unsaved write, Entry entry) {
        Record record = Objects.requireNonNull(write.record());
        Record stored = entry.record();
        if (stored != null && entry.holds(record.version())) {
            if (isOther(stored, record)) {
                return contested(write, record, stored);
            }
            session.change((phase, moment) -> phase.saved(write, moment, session.settings()));
            return Mono.empty();
        }
        if (stored != null && stored.version().compareTo(record.version()) > 0) {
            session.change((phase, moment) -> phase.adopted(stored, moment, session.settings()));
            return Mono.empty();
        }
        if (stored == null && !store.engine().mayLoseWrites()) {
            session.change((phase, moment) ->
                    phase.saved(write, moment, session.settings()).removed(record, moment, session.settings()));
            return Mono.empty();
        }
        // The store has lost the record that this one follows: put it back as what it is now.
        return store.put(record, Kind.REPAIR, write.attempt()).flatMap(repaired -> accepted(write, repaired));
    }

    /** Returns true if one version has two tokens. */
    private static boolean isOther(Record stored, Record written) {
        Token one = stored.token();
        Token other = written.token();
        return one != null && other != null && !one.accessToken().equals(other.accessToken());
    }

    /**
     * Decides between two tokens of one version. Nodes that refresh without the store, at a provider that does not
     * rotate, have no lease, and so no number of an attempt that only one of them has. The later token stays, under the
     * number of a later attempt.
     */
    private Mono<Void> contested(Unsaved write, Record record, Record stored) {
        boolean later = Objects.requireNonNull(record.token())
                .issuedAt()
                .isAfter(Objects.requireNonNull(stored.token()).issuedAt());
        if (!later) {
            take(write, stored);
            return Mono.empty();
        }
        Record raised = record.withAttempt(stored.version().attempt() + 1);
        return store.put(raised, Kind.REFRESH, write.attempt()).flatMap(entry -> {
            Record now = entry.record();
            if (now == null || !entry.holds(raised.version()) || isOther(now, raised)) {
                return accepted(write, entry);
            }
            take(write, raised);
            return Mono.empty();
        });
    }

    private void take(Unsaved write, Record stored) {
        session.change((phase, moment) -> phase.yielded(write, stored, moment, session.settings()));
    }

    private void failed(Unsaved write, Throwable error) {
        session.storeFailed(error instanceof StoreFailure failure ? Objects.requireNonNull(failure.getCause()) : error);
        session.change((phase, moment) -> {
            Unsaved current = phase.stored().unsaved();
            int failures = current == null || !current.isSameAs(write) ? 0 : current.failures();
            long retryAt = moment.elapsed() + backoff(failures);
            return phase.with(phase.stored().reached(false, 0)).saveFailed(write, retryAt, moment, session.settings());
        });
    }

    private long backoff(int failures) {
        long backoff = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF << Math.min(failures, 10));
        return backoff - (long) (backoff * 0.3 * session.settings().nextRandom());
    }

    private void extend(Lease lease) {
        long begunAt = session.settings().elapsed();
        store.extend(lease.attempt())
                .subscribe(
                        extended -> session.change((phase, moment) -> {
                            Lease held = phase.stored().lease();
                            if (held == null || held.attempt() != lease.attempt()) {
                                return phase;
                            }
                            return phase.with(phase.stored()
                                    .leased(
                                            extended.outcome() == Outcome.GRANTED
                                                    ? held.extended(
                                                            begunAt,
                                                            session.settings().leaseLength())
                                                    : null)); // it has ended: a refusal may be another node's doing
                        }),
                        error -> {
                            session.change(
                                    (phase, moment) -> phase.with(phase.stored().reached(false, 0)));
                            session.storeFailed(Objects.requireNonNullElse(error.getCause(), error));
                        });
    }
}
