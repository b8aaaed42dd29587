package io.tokenswap.session;

import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.Version;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Lease of one key within one process. The lease cannot end before its holder, so it has neither an end nor a mark. Immutable:
 * the stores keep the lease beside the record and replace both in one step.
 *
 * @param owner the owner of the attempt that holds the lease, null if it is free
 * @param attempt the number of the last attempt
 * @param notBefore the end of the pause
 */
record LocalLease(@Nullable String owner, long attempt, Instant notBefore) {

    static final LocalLease FREE = new LocalLease(null, 0, Instant.MIN);

    /** Returns the refusal of the lease, or null if the lease can be granted. */
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

    /** Returns the lease after a write of an attempt. */
    LocalLease endedBy(String owner, long attempt) {
        return isHeldBy(owner, attempt) ? new LocalLease(null, attempt, notBefore) : this;
    }

    /** Returns the lease after an attempt has released it. */
    LocalLease releasedBy(String owner, long attempt, Instant notBefore) {
        return isHeldBy(owner, attempt) ? new LocalLease(null, attempt, notBefore) : this;
    }
}
