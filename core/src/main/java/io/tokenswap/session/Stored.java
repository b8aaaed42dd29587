package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.Version;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Knowledge of a session about its record in the store. Immutable; all sessions without a store share {@link #NONE}. Times are
 * those of the monotonic clock, in milliseconds.
 *
 * @param best the record with the greatest version that was ever seen or written here, sign-outs included
 * @param seenAt when {@code best} was last seen in the store or saved there
 * @param work what is in progress; {@link Work#NONE}, which all of them share, while the session sleeps
 * @param keepsRefreshToken true if a response of the provider showed that it does not rotate refresh tokens
 * @param reachableSince the time since which no operation of the store has failed; {@link Phase#NEVER} if the last one failed
 */
record Stored(@Nullable Record best, long seenAt, Work work, boolean keepsRefreshToken, long reachableSince) {

    static final Stored NONE = new Stored(null, 0, Work.NONE, false, Phase.NEVER);

    /**
     * Values that only a session at work has.
     *
     * @param unsaved the write that the store has not confirmed yet
     * @param spare a successor obtained here of the same refresh token as {@code best}, which another node obtained later
     * @param lease the lease that an attempt here holds
     * @param waitingSince the time since which the session has waited for a mark of another attempt; {@link Phase#NEVER} if
     *     there is none
     */
    record Work(
            @Nullable Unsaved unsaved,
            @Nullable Record spare,
            @Nullable Lease lease,
            long waitingSince) {

        static final Work NONE = new Work(null, null, null, Phase.NEVER);

        static Work of(@Nullable Unsaved unsaved, @Nullable Record spare, @Nullable Lease lease, long waitingSince) {
            return unsaved == null && spare == null && lease == null && waitingSince == Phase.NEVER
                    ? NONE
                    : new Work(unsaved, spare, lease, waitingSince);
        }
    }

    Stored(
            @Nullable Record best,
            long seenAt,
            @Nullable Unsaved unsaved,
            @Nullable Record spare,
            @Nullable Lease lease,
            boolean keepsRefreshToken,
            long reachableSince,
            long waitingSince) {
        this(best, seenAt, Work.of(unsaved, spare, lease, waitingSince), keepsRefreshToken, reachableSince);
    }

    static Stored of(Record record, long elapsed) {
        return new Stored(record, elapsed, Work.NONE, false, elapsed);
    }

    /** Returns the write that the store has not confirmed yet, or null. */
    @Nullable Unsaved unsaved() {
        return work.unsaved;
    }

    /** Returns the spare, or null. */
    @Nullable Record spare() {
        return work.spare;
    }

    /** Returns the lease that an attempt here holds, or null. */
    @Nullable Lease lease() {
        return work.lease;
    }

    /** Returns the time since which the session has waited for a mark, or {@link Phase#NEVER}. */
    long waitingSince() {
        return work.waitingSince;
    }

    /** Returns true if there is a store to look at. */
    boolean isPresent() {
        return best != null;
    }

    /** Returns true if work for the store is pending that must continue without a caller: a save, or a lease to be kept. */
    boolean isPending() {
        return work.unsaved != null || work.lease != null;
    }

    /** Returns the time at which {@link #begun} has something to begin. */
    long dueAt() {
        long save = work.unsaved == null || work.unsaved.running ? Phase.NEVER : work.unsaved.retryAt;
        long extend = work.lease == null ? Phase.NEVER : work.lease.extendAt;
        return Math.min(save, extend);
    }

    /** Begins the save or the extension of the lease that is due. */
    Stored begun(long elapsed, long leaseLength) {
        Unsaved save = work.unsaved;
        if (save != null && !save.running && elapsed >= save.retryAt) {
            save = save.begun();
        }
        Lease held = work.lease;
        if (held != null && elapsed >= held.extendAt) {
            held = held.extending(elapsed + leaseLength / 3);
        }
        return with(save, held);
    }

    /** Compares with a record that was seen: positive if it is greater than all before it. */
    int compare(@Nullable Record record) {
        if (record == null || best == null) {
            return record == null ? -1 : 1;
        }
        return record.version().compareTo(best.version());
    }

    /**
     * Returns where in the jitter the next refresh is placed, from 0 inclusive to 1 exclusive. Nodes that share a
     * record agree on it, except for a thirtieth part (a second of the default jitter): if the first node dies during
     * its refresh, another one must be due within the grace of the provider. The rest scatters the nodes, so that most
     * find the record of the first one.
     *
     * @param own a random number of this node
     */
    double placeInJitter(double own) {
        if (best == null) {
            return own;
        }
        String login = best.version().login();
        long number = best.version().number();
        if (work.unsaved != null && work.unsaved.record == null) { // a login that has no version yet
            login = work.unsaved.login;
            number = 0;
        }
        long mixed = Long.parseUnsignedLong(login.substring(0, 16), 16) + 0x9E3779B97F4A7C15L * (number + 1);
        mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        double shared = ((mixed ^ (mixed >>> 31)) >>> 11) * 0x1p-53;
        return (29 * shared + own) / 30;
    }

    /** A login or sign-out that has no version yet goes ahead of whatever is in the store. */
    boolean isCommanded() {
        return work.unsaved != null && work.unsaved.record == null;
    }

    /** Returns true if the store has not confirmed a login yet. */
    boolean isLoginUnsaved() {
        return work.unsaved != null && work.unsaved.kind == Kind.LOGIN;
    }

    /** Takes a greater record that was seen in the store. What was not saved yet is smaller, and so is not needed any more. */
    Stored adopted(Record record, long elapsed) {
        Record before = best;
        Record own = before != null && before.version().isSibling(record.version()) && before.token() != null
                ? before
                : work.spare != null && work.spare.version().isSibling(record.version()) ? work.spare : null;
        return new Stored(
                record,
                elapsed,
                null,
                own,
                null,
                keepsRefreshToken,
                reachableSince,
                before != null && before.version().isSibling(record.version()) ? work.waitingSince : Phase.NEVER);
    }

    /** A refresh succeeded here: the result is the greatest record from now on, and must be saved. */
    Stored obtained(Record record, long attempt, boolean sameRefreshToken, long elapsed) {
        return new Stored(
                record,
                seenAt,
                Unsaved.of(Kind.REFRESH, record, attempt, elapsed),
                null,
                work.lease,
                keepsRefreshToken || sameRefreshToken,
                reachableSince,
                Phase.NEVER);
    }

    /** The user signed in or out here. */
    Stored commanded(Kind kind, @Nullable Token token, String login, Moment moment) {
        Version floor = best == null ? null : best.version();
        // The write ends the lease, because a lease that is not ended would block the key.
        long attempt = work.lease != null ? work.lease.attempt : work.unsaved != null ? work.unsaved.attempt : 0;
        if (work.unsaved != null && work.unsaved.record == null && work.unsaved.floor != null) {
            floor = work.unsaved.floor;
        }
        return new Stored(
                best,
                seenAt,
                Unsaved.command(kind, token, login, moment, floor, attempt),
                null,
                null,
                keepsRefreshToken,
                reachableSince,
                Phase.NEVER);
    }

    /** The store's clock gave the command its version. It is written with this version however often that is repeated. */
    Stored fixed(Unsaved command, Unsaved fixed) {
        return command.equals(work.unsaved)
                ? new Stored(
                        fixed.record,
                        seenAt,
                        fixed,
                        work.spare,
                        work.lease,
                        keepsRefreshToken,
                        reachableSince,
                        work.waitingSince)
                : this;
    }

    /** The store confirmed a write, and ended the lease of its attempt with it. */
    Stored saved(Unsaved write, long elapsed) {
        return work.unsaved == null || !work.unsaved.isSameAs(write)
                ? this
                : new Stored(best, elapsed, null, work.spare, null, keepsRefreshToken, reachableSince, Phase.NEVER);
    }

    /** The store holds another token under the version of a write: that token counts, so that all nodes agree. */
    Stored yielded(Unsaved write, Record stored, long elapsed) {
        Stored saved = saved(write, elapsed);
        return saved.equals(this)
                ? this
                : new Stored(
                        stored, elapsed, null, null, saved.work.lease, keepsRefreshToken, reachableSince, Phase.NEVER);
    }

    Stored saveFailed(Unsaved write, long retryAt) {
        return work.unsaved == null || !work.unsaved.isSameAs(write)
                ? this
                : with(work.unsaved.failed(retryAt), work.lease);
    }

    Stored saveNow(long elapsed) {
        return work.unsaved == null || work.unsaved.running ? this : with(work.unsaved.begun(), work.lease);
    }

    /** An operation of the store succeeded or failed. */
    Stored reached(boolean success, long elapsed) {
        long since = success ? Math.min(reachableSince, elapsed) : Phase.NEVER;
        return since == reachableSince
                ? this
                : new Stored(
                        best,
                        seenAt,
                        work.unsaved,
                        work.spare,
                        work.lease,
                        keepsRefreshToken,
                        since,
                        work.waitingSince);
    }

    Stored seen(long elapsed) {
        return new Stored(
                best,
                elapsed,
                work.unsaved,
                work.spare,
                work.lease,
                keepsRefreshToken,
                reachableSince,
                work.waitingSince);
    }

    Stored leased(@Nullable Lease lease) {
        return with(work.unsaved, lease);
    }

    /** Gives up the lease, unless a write that is pending ends it. */
    Stored withoutLease() {
        return work.lease != null && work.unsaved != null && work.unsaved.attempt == work.lease.attempt
                ? this
                : leased(null);
    }

    /**
     * Returns true if an attempt holds the lease. A command, a greater record and the end of the session take the lease away.
     */
    boolean isLeasedBy(long attempt) {
        return work.lease != null && work.lease.attempt == attempt;
    }

    /** A token that was obtained here is a sibling of a greater record: it is kept in case the provider refuses that one. */
    Stored spared(Record record) {
        return best == null || !best.version().isSibling(record.version()) || best.equals(record)
                ? this
                : new Stored(
                        best,
                        seenAt,
                        work.unsaved,
                        record,
                        work.lease,
                        keepsRefreshToken,
                        reachableSince,
                        work.waitingSince);
    }

    Stored waiting(long since) {
        return new Stored(best, seenAt, work.unsaved, work.spare, work.lease, keepsRefreshToken, reachableSince, since);
    }

    /** The provider refused the refresh token for good. A store that loses the refusal gets it back from here. */
    Stored ended(Record record, long elapsed) {
        return compare(record) <= 0
                ? this
                : new Stored(
                        record,
                        elapsed,
                        work.unsaved,
                        null,
                        work.lease,
                        keepsRefreshToken,
                        reachableSince,
                        work.waitingSince);
    }

    /** The spare takes the place of the sibling that the provider refused. */
    Stored spareUsed(Record record) {
        return new Stored(
                record, seenAt, work.unsaved, null, work.lease, keepsRefreshToken, reachableSince, work.waitingSince);
    }

    private Stored with(@Nullable Unsaved unsaved, @Nullable Lease lease) {
        return Objects.equals(unsaved, work.unsaved) && Objects.equals(lease, work.lease)
                ? this
                : new Stored(
                        best, seenAt, unsaved, work.spare, lease, keepsRefreshToken, reachableSince, work.waitingSince);
    }

    /**
     * A write that the store has not confirmed yet. A refresh has its version from the start. A login or a sign-out
     * gets it from the store's clock, and keeps it for all repeats.
     *
     * @param kind the reason for the write
     * @param record the record, null for a command that has no version yet
     * @param token the token of a login
     * @param login the random id of the login or sign-out
     * @param happenedAt when the user signed in or out
     * @param floor the greatest version that was known by then: the command is greater in any case
     * @param attempt the attempt whose lease the write ends, 0 for none
     * @param failures the number of failures so far
     * @param retryAt when the write is due
     * @param running true while the write is in flight
     */
    record Unsaved(
            Kind kind,
            @Nullable Record record,
            @Nullable Token token,
            String login,
            Moment happenedAt,
            @Nullable Version floor,
            long attempt,
            int failures,
            long retryAt,
            boolean running) {

        /** A login or a sign-out that has no version yet. */
        static Unsaved command(
                Kind kind,
                @Nullable Token token,
                String login,
                Moment happenedAt,
                @Nullable Version floor,
                long attempt) {
            return new Unsaved(kind, null, token, login, happenedAt, floor, attempt, 0, happenedAt.elapsed(), true);
        }

        static Unsaved of(Kind kind, Record record, long attempt, long elapsed) {
            Moment now = new Moment(0, elapsed);
            return new Unsaved(kind, record, null, record.version().login(), now, null, attempt, 0, elapsed, true);
        }

        /** Returns true if both are the same write, even if it was given a version or failed in between. */
        boolean isSameAs(Unsaved other) {
            return kind == other.kind
                    && login.equals(other.login)
                    && (record == null
                            || other.record == null
                            || record.version().equals(other.record.version()));
        }

        /**
         * Gives the command its version: the time at which it happened, by the store's clock.
         *
         * @param asked the moment at which the store was asked for its clock
         */
        Unsaved at(Instant storeNow, Moment asked) {
            Instant since = storeNow.minusMillis(asked.since(happenedAt))
                    .truncatedTo(ChronoUnit.MILLIS); // as versions are compared
            if (floor != null && !since.isAfter(floor.since())) {
                since = floor.since().plusMillis(1);
            }
            Record versioned = kind == Kind.SIGN_OUT
                    ? Record.signOut(since, login)
                    : Record.login(since, login, Objects.requireNonNull(token));
            return new Unsaved(kind, versioned, token, login, happenedAt, floor, attempt, failures, retryAt, running);
        }

        Unsaved begun() {
            return new Unsaved(kind, record, token, login, happenedAt, floor, attempt, failures, retryAt, true);
        }

        Unsaved failed(long retryAt) {
            return new Unsaved(kind, record, token, login, happenedAt, floor, attempt, failures + 1, retryAt, false);
        }
    }

    /**
     * The lease of an attempt.
     *
     * @param attempt the number of the attempt
     * @param begunAt when the request began that granted or last extended the lease
     * @param extendAt when to extend it; {@link Phase#NEVER} for a lease that cannot end before its holder
     * @param endless true if the lease cannot end before its holder
     * @param acquiredAt when the lease was granted
     * @param markedAt when another attempt announced a presentation of the same refresh token; {@link Phase#NEVER} for none
     * @param presentedAt when this attempt first presented the refresh token; {@link Phase#NEVER} if it has not
     */
    record Lease(
            long attempt,
            long begunAt,
            long extendAt,
            boolean endless,
            long acquiredAt,
            long markedAt,
            long presentedAt) {

        static Lease granted(
                long attempt, long begunAt, Duration length, boolean endless, @Nullable Duration otherMark) {
            return new Lease(
                    attempt,
                    begunAt,
                    endless ? Phase.NEVER : begunAt + length.toMillis() / 3,
                    endless,
                    begunAt,
                    otherMark == null ? Phase.NEVER : begunAt - otherMark.toMillis(),
                    Phase.NEVER);
        }

        boolean hasOtherMark() {
            return markedAt != Phase.NEVER;
        }

        /** Returns true if the lease was requested or extended less than a given time ago. */
        boolean isWithin(long millis, long elapsed) {
            return endless || elapsed - begunAt < millis;
        }

        Lease extending(long next) {
            return new Lease(attempt, begunAt, next, endless, acquiredAt, markedAt, presentedAt);
        }

        Lease extended(long begunAt, Duration length) {
            return new Lease(
                    attempt,
                    Math.max(this.begunAt, begunAt),
                    endless ? Phase.NEVER : begunAt + length.toMillis() / 3,
                    endless,
                    acquiredAt,
                    markedAt,
                    presentedAt);
        }

        Lease presented(long elapsed) {
            return presentedAt != Phase.NEVER
                    ? this
                    : new Lease(attempt, begunAt, extendAt, endless, acquiredAt, markedAt, elapsed);
        }
    }
}
