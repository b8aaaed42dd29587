package io.tokenswap.session;

import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.Version;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The lease of one key within one process. It cannot end before its holder, so that it has neither an end nor a mark. Immutable: the
 * stores keep it beside the record and replace both in one step.
 *
 * @param owner the owner of the attempt that holds the lease, null if it is free
 * @param attempt the number of the last attempt
 * @param notBefore the end of the pause
 */
record LocalLease(@Nullable String owner, long attempt, Instant notBefore) {

    static final LocalLease FREE = new LocalLease(null, 0, Instant.MIN);

    /** The refusal to grant the lease, or null if it can be granted. */
    @Nullable Acquired refusal(@Nullable Record record, Version view, Instant now) {
        if (record == null || record.state() != State.LIVE || !record.version().equals(view)) {
            return Acquired.moved(record, now);
        }
        if (owner != null) {
            return Acquired.busy(record, now, Duration.ZERO);
        }
        return notBefore.isAfter(now) ? Acquired.paused(record, now, Duration.between(now, notBefore)) : null;
    }

    LocalLease granted(String owner, Record record) {
        return new LocalLease(owner, 1 + Math.max(attempt, record.version().attempt()), Instant.MIN);
    }

    boolean isHeldBy(String owner, long attempt) {
        return owner.equals(this.owner) && attempt == this.attempt;
    }

    /** The lease after a write of an attempt. */
    LocalLease endedBy(String owner, long attempt) {
        return isHeldBy(owner, attempt) ? new LocalLease(null, attempt, notBefore) : this;
    }

    /** The lease after an attempt gave it up. */
    LocalLease releasedBy(String owner, long attempt, Instant notBefore) {
        return isHeldBy(owner, attempt) ? new LocalLease(null, attempt, notBefore) : this;
    }
}
