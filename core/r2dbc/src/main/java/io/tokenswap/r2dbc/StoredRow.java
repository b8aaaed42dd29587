package io.tokenswap.r2dbc;

import io.r2dbc.spi.Row;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A row, and the server's time when it was read. Without a record if the key has none.
 *
 * @param record the text of the record
 * @param now milliseconds of the server's clock
 * @param attempt the last attempt that was granted
 * @param leaseUntil the end of the lease, 0 if no attempt has it
 * @param notBefore the end of the pause
 * @param otherMark the time of the mark if another attempt than the last one has set it
 */
record StoredRow(
        @Nullable String record,
        long now,
        long attempt,
        long leaseUntil,
        long notBefore,
        @Nullable Long otherMark) {

    static StoredRow of(Row row) {
        long now = number(row, "now");
        if (row.get("record", String.class) == null) {
            return new StoredRow(null, now, 0, 0, 0, null);
        }
        long attempt = number(row, "lease_p");
        boolean own = row.get("mark_login", String.class) == null || number(row, "mark_p") == attempt;
        return new StoredRow(
                row.get("record", String.class),
                now,
                attempt,
                row.get("lease_owner", String.class) == null ? 0 : number(row, "lease_until"),
                number(row, "not_before"),
                own ? null : number(row, "mark_at"));
    }

    private static long number(Row row, String column) {
        return Objects.requireNonNull(row.get(column, Long.class), column);
    }

    Instant time() {
        return Instant.ofEpochMilli(now);
    }

    Instant leaseEnd() {
        return Instant.ofEpochMilli(leaseUntil);
    }

    Duration until(long time) {
        return Duration.ofMillis(Math.max(time - now, 0));
    }

    @Nullable Duration otherMarkAge() {
        return otherMark == null ? null : Duration.ofMillis(now - otherMark);
    }
}
