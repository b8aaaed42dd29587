package io.tokenswap.r2dbc;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.R2dbcException;
import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenCodec;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * Tokens in a table of PostgreSQL 12 or newer, shared by several instances of a service. Tokens are sealed; versions
 * and times are in clear.
 *
 * <pre>{@code
 * R2dbcTokenStore store = R2dbcTokenStore.builder(connections, keys).grace(Duration.ofSeconds(30)).build();
 * Mono<Void> ready = store.createTable();
 * }</pre>
 *
 * <p>Each operation is one statement in most cases, and never a transaction of several. All times are those of the
 * server. The database user needs the rights to select, insert, update and delete on the table. The right to create it
 * is needed by {@link #createTable()} only.
 *
 * <p>Instances hear of changes by their polls: this store does not use {@code LISTEN}, prepared statements or locks of
 * a session, so that it works behind PgBouncer in transaction mode. Give it a factory that pools connections, for
 * example {@code ConnectionPool} of {@code r2dbc-pool}, and that leads to the primary ({@code targetServerType=primary}
 * where the URL has several hosts).
 *
 * <p>A confirmed write survives a crash of the server, unless {@code synchronous_commit} is off. It survives a failover
 * if a standby confirms it too ({@code synchronous_standby_names}).
 *
 * <p>Expired records are removed by later logins, ten at a time. This store does not close the factory that it was
 * given.
 *
 * <p>Immutable and safe for use by any thread. Results are emitted on threads of this class. No method blocks, and
 * nothing happens before subscription. Cancelling returns the connection to the factory; the statement may still take
 * place. Errors are those of the driver, except that a missing table, a table of other columns, a missing right and a
 * server that is read-only become an {@link IllegalStateException} that names the remedy. A statement that conflicts with
 * another one, where the isolation of transactions is strict, is repeated up to five times.
 */
public final class R2dbcTokenStore implements TokenStore {

    /**
     * Two threads for all stores of the process, which seal, open and read records. The event loops of the driver do
     * none of it, and Reactor's schedulers belong to the application, which may keep them busy or shut them down.
     */
    private static final class Worker {
        static final Scheduler SCHEDULER = Schedulers.newParallel("tokenswap-r2dbc", 2, true);
    }

    /** A lease can end between the statement that asks for it and the look at the reason why it was not granted. */
    private static final int TRIES = 5;

    private final ConnectionFactory connections;
    private final KeyRing keys;
    private final Statements statements;
    private final Duration grace;
    private final Rotates rotates;
    private final Duration unused;
    private final InstantSource clock = InstantSource.system();

    private R2dbcTokenStore(Builder builder) {
        this.connections = builder.connections;
        this.keys = builder.keys;
        this.statements = new Statements(builder.table);
        this.grace = builder.grace;
        this.rotates = builder.rotates;
        this.unused = builder.unused;
    }

    /**
     * Starts a store over connections to PostgreSQL.
     *
     * @param connections opens connections, or takes them from a pool
     * @param keys seals the tokens; all instances need a key in common
     * @return a new builder
     */
    public static Builder builder(ConnectionFactory connections, KeyRing keys) {
        return new Builder(connections, keys);
    }

    /**
     * Creates the table and its index if they do not exist. {@link #ddl()} shows the statements for a migration tool.
     *
     * @return empty when the table is there; cold: each subscription creates it
     */
    public Mono<Void> createTable() {
        return rows(statements.createTable())
                .thenMany(rows(statements.createIndex()))
                .then();
    }

    /**
     * Returns the statements of {@link #createTable()}.
     *
     * @return two statements of SQL, each with a semicolon
     */
    public String ddl() {
        return statements.createTable() + ";\n" + statements.createIndex() + ";\n";
    }

    @Override
    public Mono<Entry> load(String key) {
        return look(key).map(row -> entry(key, row));
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        return tryAcquire(key, owner, view, lease, TRIES);
    }

    private Mono<Acquired> tryAcquire(String key, String owner, Version view, Duration lease, int tries) {
        return rows(statements.acquire(key, owner, view, lease))
                .next()
                .map(row -> granted(key, row))
                .switchIfEmpty(Mono.defer(() -> look(key).flatMap(row -> {
                    Acquired refused = refused(key, view, row);
                    return refused != null
                            ? Mono.just(refused)
                            : tries > 1
                                    ? tryAcquire(key, owner, view, lease, tries - 1)
                                    : Mono.just(Acquired.busy(
                                            Objects.requireNonNull(record(key, row)), row.time(), Duration.ZERO));
                })));
    }

    /** Returns the reason why a lease is not granted, or null if there is none any more. */
    private @Nullable Acquired refused(String key, Version view, StoredRow row) {
        Record record = record(key, row);
        if (record == null || record.state() != State.LIVE || !record.version().equals(view)) {
            return Acquired.moved(record, row.time());
        }
        if (row.leaseUntil() > row.now()) {
            return Acquired.busy(record, row.time(), row.until(row.leaseUntil()));
        }
        return row.notBefore() > row.now() ? Acquired.paused(record, row.time(), row.until(row.notBefore())) : null;
    }

    private Acquired granted(String key, StoredRow row) {
        return Acquired.granted(record(key, row), row.time(), row.attempt(), row.leaseEnd(), row.otherMarkAge());
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return rows(statements.extend(key, owner, attempt, lease))
                .next()
                .map(row -> Acquired.granted(record(key, row), row.time(), attempt, row.leaseEnd(), null))
                .switchIfEmpty(Mono.defer(() -> look(key).map(row -> Acquired.moved(record(key, row), row.time()))));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return Mono.defer(() -> {
                    Instant now = clock.instant();
                    Duration lifetime = Duration.between(now, next.expiresAt(now, unused));
                    String text = TokenCodec.encode(key, next, keys);
                    Mono<StoredRow> written = rows(statements.put(
                                    key, next.version(), text, lifetime, kind, owner, attempt))
                            .next();
                    Mono<StoredRow> refused =
                            rows(statements.endLease(key, owner, attempt)).then(look(key));
                    Mono<Entry> stored = written.switchIfEmpty(refused).map(row -> entry(key, row));
                    return kind == Kind.LOGIN ? stored.delayUntil(login -> sweep()) : stored;
                })
                .subscribeOn(Worker.SCHEDULER);
    }

    /** Removes a few expired rows. The login is stored already, so that a failure here costs nothing. */
    private Mono<Void> sweep() {
        return rows(statements.sweep()).then().onErrorComplete();
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return rows(statements.release(key, owner, attempt, pause, sent)).then();
    }

    @Override
    public Duration grace() {
        return grace;
    }

    @Override
    public Rotates rotates() {
        return rotates;
    }

    private Mono<StoredRow> look(String key) {
        return rows(statements.look(key)).next();
    }

    private Flux<StoredRow> rows(String sql) {
        return Flux.usingWhen(
                        connections.create(),
                        connection -> Flux.from(connection.createStatement(sql).execute())
                                .concatMap(result -> result.map((row, columns) -> StoredRow.of(row))),
                        Connection::close)
                .retryWhen(Retry.max(TRIES)
                        .filter(R2dbcTokenStore::isConflict)
                        .onRetryExhaustedThrow((retry, signal) -> signal.failure()))
                .publishOn(Worker.SCHEDULER)
                .onErrorMap(R2dbcException.class, this::named);
    }

    /** A statement met another one in a database of strict isolation, or in a deadlock: it was undone as a whole. */
    private static boolean isConflict(Throwable error) {
        return error instanceof R2dbcException conflict
                && ("40001".equals(conflict.getSqlState()) || "40P01".equals(conflict.getSqlState()));
    }

    /** Names the remedy where the driver's message does not. */
    private Throwable named(R2dbcException error) {
        String state = Objects.requireNonNullElse(error.getSqlState(), "");
        String remedy = switch (state) {
            case "42P01" ->
                "The table " + statements.table()
                        + " does not exist. Create it by createTable() or with the statements of ddl().";
            case "42703", "42804", "42883" ->
                "The table " + statements.table() + " has other columns than those of ddl() (" + error.getMessage()
                        + ").";
            case "42501" ->
                "The database user has no right to select, insert, update and delete on the table " + statements.table()
                        + ".";
            case "25006" ->
                "This PostgreSQL is read-only. Connect to the primary, for example by" + " targetServerType=primary.";
            default -> null;
        };
        return remedy == null ? error : new IllegalStateException(remedy, error);
    }

    private Entry entry(String key, StoredRow row) {
        return new Entry(record(key, row), row.time());
    }

    private @Nullable Record record(String key, StoredRow row) {
        String text = row.record();
        return text == null ? null : TokenCodec.decode(key, text, keys);
    }

    @Override
    public String toString() {
        return "R2dbcTokenStore[" + statements.table() + "]";
    }

    /** Options of an {@link R2dbcTokenStore}. Not safe for use by several threads. */
    public static final class Builder {

        private final ConnectionFactory connections;
        private final KeyRing keys;
        private String table = "tokenswap_tokens";
        private Duration grace = Duration.ZERO;
        private Rotates rotates = Rotates.LEARN;
        private Duration unused = Duration.ofDays(180);

        private Builder(ConnectionFactory connections, KeyRing keys) {
            this.connections = Objects.requireNonNull(connections, "connections");
            this.keys = Objects.requireNonNull(keys, "keys");
        }

        /**
         * Sets the table.
         *
         * @param table the name, {@code tokenswap_tokens} by default: at most 52 small letters, digits and underscores,
         *     with or without a schema and a dot before it
         * @return this builder
         */
        public Builder table(String table) {
            this.table = new Statements(table).table();
            return this;
        }

        /**
         * Sets how long the provider accepts a used refresh token again.
         *
         * @param grace the time, zero by default; 30 seconds behind the exchange server of this project
         * @return this builder
         */
        public Builder grace(Duration grace) {
            if (grace.isNegative()) {
                throw new IllegalArgumentException("A grace is not negative: " + grace);
            }
            this.grace = grace;
            return this;
        }

        /**
         * Sets whether the provider returns a new refresh token at each refresh.
         *
         * @param rotates {@link Rotates#LEARN} by default
         * @return this builder
         */
        public Builder rotates(Rotates rotates) {
            this.rotates = Objects.requireNonNull(rotates, "rotates");
            return this;
        }

        /**
         * Sets the time after which an unused token is removed, where the end of its grant is not known.
         *
         * @param unused the time since the last write, 180 days by default, at least a day
         * @return this builder
         */
        public Builder unused(Duration unused) {
            if (unused.compareTo(Duration.ofDays(1)) < 0) {
                throw new IllegalArgumentException("Tokens are kept for a day at least, not " + unused);
            }
            this.unused = unused;
            return this;
        }

        /**
         * Completes the store. Nothing is connected yet.
         *
         * @return a new store
         */
        public R2dbcTokenStore build() {
            return new R2dbcTokenStore(this);
        }
    }
}
