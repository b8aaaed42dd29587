package io.tokenswap.r2dbc;

import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Version;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The SQL of one table. Each statement is atomic and complete: it needs no transaction around it and no state of its
 * connection.
 *
 * <p>Values are part of the text, as numbers or as hexadecimal digits. The driver therefore sends each statement by the
 * simple query protocol, without a prepared statement: a pooler that gives each transaction another connection, such as
 * PgBouncer, needs no setting.
 *
 * <p>A row holds the record, and the lease beside it. Times are milliseconds of the server's clock. A row whose
 * {@code expires_at} has passed counts as absent.
 */
final class Statements {

    /** The name of the index is longer than that of the table, and PostgreSQL cuts names at 63 characters. */
    private static final Pattern TABLE = Pattern.compile("([a-z_][a-z0-9_]{0,62}\\.)?[a-z_][a-z0-9_]{0,51}");

    /** The format of the records that this release writes, see {@link io.tokenswap.session.TokenCodec}. */
    private static final int FORMAT = 1;

    /** Rows that a login removes because they have expired. A few for each login keep the table from growing. */
    private static final int SWEPT = 10;

    private static final String CLOCK =
            "WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) ";

    private static final String NOW = "(SELECT now FROM clock)";

    private final String table;

    /** The name in quotes, because it may be a word of SQL. */
    private final String quoted;

    Statements(String table) {
        if (!TABLE.matcher(table).matches()) {
            throw new IllegalArgumentException(
                    "The table has a name of at most 52 small letters, digits and underscores, with or without a schema before a dot, not: "
                            + table);
        }
        this.table = table;
        this.quoted = '"' + table.replace(".", "\".\"") + '"';
    }

    String table() {
        return table;
    }

    String createTable() {
        return """
                CREATE TABLE IF NOT EXISTS %s (
                  key text PRIMARY KEY,
                  v integer NOT NULL,
                  since bigint NOT NULL,
                  login text COLLATE "C" NOT NULL,
                  n bigint NOT NULL,
                  p bigint NOT NULL,
                  ended boolean NOT NULL,
                  record text NOT NULL,
                  expires_at bigint NOT NULL,
                  lease_owner text,
                  lease_p bigint NOT NULL DEFAULT 0,
                  lease_until bigint NOT NULL DEFAULT 0,
                  not_before bigint NOT NULL DEFAULT 0,
                  mark_login text,
                  mark_n bigint,
                  mark_at bigint,
                  mark_p bigint
                )""".formatted(quoted);
    }

    String createIndex() {
        String name = table.substring(table.indexOf('.') + 1);
        return "CREATE INDEX IF NOT EXISTS " + name + "_expires_at ON " + quoted + " (expires_at)";
    }

    /** Always one row. */
    String look(String key) {
        return CLOCK + "SELECT t.*, clock.now FROM clock LEFT JOIN " + quoted + " t ON t.key = " + text(key)
                + " AND t.expires_at > clock.now";
    }

    /** One row if the lease is granted. */
    String acquire(String key, String owner, Version view, Duration lease) {
        String attempt = "greatest(t.lease_p, t.p) + 1";
        String marked = "(t.mark_login = t.login AND t.mark_n = t.n) IS TRUE";
        return CLOCK + "UPDATE " + quoted + " t SET lease_owner = " + text(owner) + ", lease_p = " + attempt
                + ", lease_until = clock.now + " + lease.toMillis()
                + ", mark_login = t.login, mark_n = t.n"
                + ", mark_at = CASE WHEN " + marked + " THEN t.mark_at ELSE clock.now END"
                + ", mark_p = CASE WHEN " + marked + " THEN t.mark_p ELSE " + attempt + " END"
                + " FROM clock WHERE t.key = " + text(key) + " AND t.v <= " + FORMAT
                + " AND NOT t.ended AND t.since = " + view.since().toEpochMilli() + " AND t.login = "
                + text(view.login()) + " AND t.n = " + view.number() + " AND t.p = " + view.attempt()
                + " AND t.ended = "
                + view.ended()
                + " AND (t.lease_owner IS NULL OR t.lease_until <= clock.now) AND t.not_before <= clock.now"
                + " AND t.expires_at > clock.now RETURNING t.*, clock.now";
    }

    /** One row if the attempt holds the lease. */
    String extend(String key, String owner, long attempt, Duration lease) {
        return CLOCK + "UPDATE " + quoted + " t SET lease_until = clock.now + " + lease.toMillis()
                + " FROM clock WHERE "
                + held(key, owner, attempt)
                + " AND t.lease_until > clock.now AND t.expires_at > clock.now RETURNING t.*, clock.now";
    }

    /** One row if the record is accepted. Ends the lease of the attempt in the same step. */
    String put(String key, Version next, String record, Duration lifetime, Kind kind, String owner, long attempt) {
        return switch (kind) {
            case LOGIN, SIGN_OUT, REPAIR -> upsert(key, next, record, lifetime, owner, attempt);
            case REFRESH ->
                update(key, next, record, lifetime, owner, attempt) + " AND " + VERSION + " < " + version(next)
                        + RETURNING;
            case DEAD ->
                update(key, next, record, lifetime, owner, attempt) + " AND t.login = "
                        + text(next.login()) + " AND t.n = " + next.number() + " AND t.p = " + next.attempt()
                        + RETURNING;
        };
    }

    private static final String VERSION = "(t.since, t.login, t.n, t.p, t.ended)";
    private static final String RETURNING = " RETURNING t.*, clock.now";

    private String upsert(String key, Version next, String record, Duration lifetime, String owner, long attempt) {
        return CLOCK + "INSERT INTO " + quoted + " AS t (key, v, since, login, n, p, ended, record, expires_at) SELECT "
                + text(key) + ", " + FORMAT + ", " + next.since().toEpochMilli() + ", " + text(next.login()) + ", "
                + next.number() + ", " + next.attempt() + ", " + next.ended() + ", " + text(record) + ", now + "
                + lifetime.toMillis() + " FROM clock ON CONFLICT (key) DO UPDATE SET "
                + assignments("EXCLUDED.", owner, attempt)
                + " WHERE t.v <= " + FORMAT + " AND (t.expires_at <= " + NOW + " OR " + VERSION
                + " < (EXCLUDED.since, EXCLUDED.login, EXCLUDED.n, EXCLUDED.p, EXCLUDED.ended)) RETURNING t.*, " + NOW
                + " AS now";
    }

    private String update(String key, Version next, String record, Duration lifetime, String owner, long attempt) {
        return CLOCK + ", next AS (SELECT " + FORMAT + " AS v, " + next.since().toEpochMilli() + "::bigint AS since, "
                + text(next.login()) + " AS login, " + next.number() + "::bigint AS n, " + next.attempt()
                + "::bigint AS p, "
                + next.ended() + " AS ended, " + text(record) + " AS record, " + NOW + " + " + lifetime.toMillis()
                + " AS expires_at) UPDATE " + quoted + " t SET " + assignments("next.", owner, attempt)
                + " FROM clock, next WHERE t.key = " + text(key) + " AND t.v <= " + FORMAT
                + " AND t.expires_at > clock.now";
    }

    /** The record of a source, without a mark of another record, and without the lease of the attempt. */
    private static String assignments(String source, String owner, long attempt) {
        String kept = "t.mark_login = " + source + "login AND t.mark_n = " + source + "n";
        return "v = " + source + "v, since = " + source + "since, login = " + source + "login, n = " + source
                + "n, p = " + source
                + "p, ended = " + source + "ended, record = " + source + "record, expires_at = " + source + "expires_at"
                + ", mark_login = CASE WHEN " + kept + " THEN t.mark_login END"
                + ", lease_owner = CASE WHEN t.lease_owner = " + text(owner) + " AND t.lease_p = " + attempt
                + " THEN NULL ELSE t.lease_owner END";
    }

    /** One row if the attempt held the lease. */
    String endLease(String key, String owner, long attempt) {
        return CLOCK + "UPDATE " + quoted + " t SET lease_owner = NULL FROM clock WHERE " + held(key, owner, attempt)
                + RETURNING;
    }

    /** One row if the attempt held the lease. */
    String release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return CLOCK + "UPDATE " + quoted + " t SET lease_owner = NULL, not_before = clock.now + " + pause.toMillis()
                + (sent ? "" : ", mark_login = CASE WHEN t.mark_p = t.lease_p THEN NULL ELSE t.mark_login END")
                + " FROM clock WHERE " + held(key, owner, attempt) + RETURNING;
    }

    String sweep() {
        return CLOCK + "DELETE FROM " + quoted + " WHERE key IN (SELECT t.key FROM " + quoted
                + " t, clock WHERE t.expires_at <= clock.now LIMIT " + SWEPT + " FOR UPDATE OF t SKIP LOCKED)";
    }

    private static String held(String key, String owner, long attempt) {
        return "t.key = " + text(key) + " AND t.lease_owner = " + text(owner) + " AND t.lease_p = " + attempt;
    }

    private static String version(Version version) {
        return "(" + version.since().toEpochMilli() + ", " + text(version.login()) + ", " + version.number() + ", "
                + version.attempt() + ", " + version.ended() + ")";
    }

    /** Returns a text as digits, which cannot end the literal that holds them. */
    private static String text(String value) {
        return "convert_from(decode('" + HexFormat.of().formatHex(value.getBytes(StandardCharsets.UTF_8))
                + "', 'hex'), 'UTF8')";
    }
}
