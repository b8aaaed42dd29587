package io.tokenswap.r2dbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.postgresql.MultiHostConnectionStrategy.TargetServerType;
import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.api.PostgresqlResult;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.session.TokenStore.UnreadableRecordException.Reason;
import io.tokenswap.testing.StrictProvider;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class R2dbcTokenStoreTest {

    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final Duration LEASE = Duration.ofSeconds(20);
    private static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00Z");
    private static final KeyRing KEYS = KeyRing.random();

    private static PostgresServer postgres;
    private static R2dbcTokenStore store;

    private final String key =
            TokenStore.key("user-" + ThreadLocalRandom.current().nextLong(Long.MAX_VALUE));

    @BeforeAll
    static void start() {
        postgres = PostgresServer.start();
        store = R2dbcTokenStore.builder(postgres.pool(4), KEYS).build();
        store.createTable().block(LONGEST);
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    @AfterEach
    void empty() {
        postgres.ask("DELETE FROM tokenswap_tokens");
    }

    private static Token token() {
        return Token.builder("canary-access", ISSUED)
                .refreshToken("canary-refresh")
                .build();
    }

    private static Record login() {
        return Record.login(ISSUED, ID, token());
    }

    private Record put(TokenStore store, Record record, Kind kind) {
        return Objects.requireNonNull(
                store.put(key, record, kind, "a", 0).block(LONGEST).record());
    }

    private String column(String name) {
        return postgres.ask("SELECT " + name + " FROM tokenswap_tokens WHERE key = '" + key + "'")
                .get(0);
    }

    @Test
    @Tag("D21")
    @Tag("E97")
    void tokensAreSealedAndVersionsAreInClear() {
        put(store, login(), Kind.LOGIN);

        assertThat(column("record"))
                .startsWith("{\"v\":1,\"since\":1893456000000,\"login\":\"" + ID + "\"")
                .doesNotContain("canary");
        assertThat(column("since || ' ' || login || ' ' || n || ' ' || p || ' ' || ended"))
                .isEqualTo("1893456000000 " + ID + " 0 0 false");
    }

    @Test
    void recordsLiveAsLongAsTheyAreOfUse() {
        put(store, login(), Kind.LOGIN);
        assertThat(daysLeft()).isEqualTo(180);
        put(store, login().dead(), Kind.DEAD);
        assertThat(daysLeft()).isEqualTo(1);

        R2dbcTokenStore shorter = R2dbcTokenStore.builder(postgres.pool(1), KEYS)
                .unused(Duration.ofDays(7))
                .build();
        put(shorter, login().refreshed(1, token()), Kind.REFRESH);
        assertThat(daysLeft()).isEqualTo(7);
        Token ending = Token.builder("a", ISSUED)
                .refreshToken("r")
                .grantExpiresAt(Instant.now().plus(Duration.ofDays(3)))
                .build();
        put(store, login().refreshed(2, ending), Kind.REFRESH);
        assertThat(daysLeft()).isEqualTo(3);
    }

    private long daysLeft() {
        return Math.round(
                Double.parseDouble(column("(expires_at / 1000 - extract(epoch FROM clock_timestamp())) / 86400")));
    }

    @Test
    void anExpiredRecordIsAbsentAndALoginRemovesOthersLikeIt() {
        put(store, login(), Kind.LOGIN);
        long attempt =
                store.acquire(key, "a", login().version(), LEASE).block(LONGEST).attempt();
        postgres.ask("UPDATE tokenswap_tokens SET expires_at = 1");

        assertThat(store.load(key).block(LONGEST).record()).isNull();
        Acquired extended = store.extend(key, "a", attempt, LEASE).block(LONGEST);
        assertThat(extended.outcome()).isEqualTo(Outcome.MOVED);
        assertThat(extended.record()).isNull();
        assertThat(store.acquire(key, "a", login().version(), LEASE)
                        .block(LONGEST)
                        .outcome())
                .isEqualTo(Outcome.MOVED);
        assertThat(store.put(key, login().refreshed(1, token()), Kind.REFRESH, "a", 0)
                        .block(LONGEST)
                        .record())
                .isNull();
        store.put(TokenStore.key("another"), login(), Kind.LOGIN, "a", 0).block(LONGEST);
        assertThat(postgres.ask("SELECT key FROM tokenswap_tokens")).containsExactly(TokenStore.key("another"));
    }

    @Test
    void aLoginRemovesAFewOfManyExpiredRecords() {
        put(store, login(), Kind.LOGIN);
        postgres.ask("INSERT INTO tokenswap_tokens SELECT 'key-' || i, v, since, login, n, p, ended, record, 1"
                + " FROM tokenswap_tokens, generate_series(1, 25) AS i");
        put(store, login(), Kind.LOGIN);

        assertThat(postgres.ask("SELECT key FROM tokenswap_tokens")).hasSize(26 - 10);
    }

    /** By another login that removes it, for example, or by an operator. */
    @Test
    void aLoginDoesNotWaitForAnExpiredRecordThatIsLocked() {
        put(store, login(), Kind.LOGIN);
        postgres.ask("UPDATE tokenswap_tokens SET expires_at = 1");
        PostgresqlConnection other = postgres.connections().create().block(LONGEST);
        other.beginTransaction().block(LONGEST);
        other.createStatement("SELECT key FROM tokenswap_tokens FOR UPDATE")
                .execute()
                .flatMap(result -> result.map((row, columns) -> row.get(0)))
                .blockLast(LONGEST);
        try {
            store.put(TokenStore.key("another"), login(), Kind.LOGIN, "a", 0).block(LONGEST);
        } finally {
            other.close().block(LONGEST);
        }

        assertThat(postgres.ask("SELECT key FROM tokenswap_tokens"))
                .containsExactlyInAnyOrder(key, TokenStore.key("another"));
    }

    @Test
    void anExpiredRecordIsReplacedByAnOlderLogin() {
        put(store, Record.login(ISSUED.plusSeconds(1), ID, token()), Kind.LOGIN);
        postgres.ask("UPDATE tokenswap_tokens SET expires_at = 1");

        assertThat(put(store, login(), Kind.LOGIN)).isEqualTo(login());
    }

    @Test
    @Tag("D35")
    void aDamagedRecordFailsByNameAndALaterLoginReplacesIt() {
        put(store, login(), Kind.LOGIN);
        postgres.ask("UPDATE tokenswap_tokens SET record = 'rubbish'");

        assertThatThrownBy(() -> store.load(key).block(LONGEST))
                .isInstanceOfSatisfying(
                        UnreadableRecordException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.CORRUPT));
        Record later = Record.login(ISSUED.plusSeconds(1), ID, token());
        assertThat(put(store, later, Kind.LOGIN)).isEqualTo(later);
    }

    @Test
    @Tag("D42")
    void aRecordOfANewerReleaseIsNeverReplaced() {
        put(store, login(), Kind.LOGIN);
        postgres.ask("UPDATE tokenswap_tokens SET v = 2, record = '{\"v\":2}'");
        Record later = Record.login(ISSUED.plusSeconds(1), ID, token());

        for (Kind kind : List.of(Kind.LOGIN, Kind.REFRESH, Kind.SIGN_OUT, Kind.REPAIR)) {
            assertThatThrownBy(() -> put(store, later, kind))
                    .isInstanceOfSatisfying(
                            UnreadableRecordException.class,
                            e -> assertThat(e.reason()).isEqualTo(Reason.NEWER_FORMAT));
        }
        assertThatThrownBy(
                        () -> store.acquire(key, "a", login().version(), LEASE).block(LONGEST))
                .isInstanceOf(UnreadableRecordException.class);
        assertThat(column("record || coalesce(lease_owner, '')")).isEqualTo("{\"v\":2}");
    }

    /** The row may have expired, and was filled again. */
    @Test
    @Tag("D23")
    void aMarkOfAnotherRecordIsNone() {
        put(store, login(), Kind.LOGIN);
        for (String another : List.of("mark_n = 1", "mark_login = '" + "f".repeat(32) + "'")) {
            postgres.ask(
                    "UPDATE tokenswap_tokens SET lease_owner = NULL, mark_login = login, mark_n = n, mark_at = 1, mark_p = 9");
            postgres.ask("UPDATE tokenswap_tokens SET " + another);

            assertThat(store.acquire(key, "a", login().version(), LEASE)
                            .block(LONGEST)
                            .otherMark())
                    .isNull();
        }
    }

    /** An operator may have forgotten it, or has dropped it for a time. */
    @Test
    void aTableWithoutItsIndexServesAsWell() {
        postgres.ask("DROP INDEX tokenswap_tokens_expires_at");
        try {
            assertThat(put(store, login(), Kind.LOGIN)).isEqualTo(login());
            assertThat(store.acquire(key, "a", login().version(), LEASE)
                            .block(LONGEST)
                            .outcome())
                    .isEqualTo(Outcome.GRANTED);
        } finally {
            store.createTable().block(LONGEST);
        }
        assertThat(postgres.ask("SELECT indexname FROM pg_indexes WHERE tablename = 'tokenswap_tokens'"))
                .contains("tokenswap_tokens_expires_at");
    }

    @Test
    void namesWithQuotesAreTakenAsTheyAre() {
        String odd = "it's \"odd\" \\ $1 é";
        put(store, login(), Kind.LOGIN);

        assertThat(store.acquire(key, odd, login().version(), LEASE)
                        .block(LONGEST)
                        .outcome())
                .isEqualTo(Outcome.GRANTED);
        assertThat(column("lease_owner")).isEqualTo(odd);
        assertThat(store.load(odd).block(LONGEST).record()).isNull();
        assertThat(store.put(odd, login(), Kind.LOGIN, "a", 0).block(LONGEST).record())
                .isEqualTo(login());
    }

    @Test
    void ofManyWhoAskAtOnceOneGetsTheLease() {
        put(store, login(), Kind.LOGIN);
        ConnectionPool pool = postgres.pool(10);
        R2dbcTokenStore parallel = R2dbcTokenStore.builder(pool, KEYS).build();

        List<Acquired> all = Flux.range(0, 50)
                .flatMap(i -> parallel.acquire(key, "node-" + i, login().version(), LEASE), 50)
                .collectList()
                .block(LONGEST);

        assertThat(all).extracting(Acquired::outcome).containsOnlyOnce(Outcome.GRANTED);
        assertThat(all)
                .filteredOn(acquired -> acquired.outcome() != Outcome.GRANTED)
                .extracting(Acquired::outcome)
                .containsOnly(Outcome.BUSY);
    }

    @Test
    @Tag("D36")
    void aMissingTableAndAMissingRightAreNamedWithTheRemedy() {
        R2dbcTokenStore missing = R2dbcTokenStore.builder(postgres.pool(1), KEYS)
                .table("no_such_table")
                .build();
        assertThatThrownBy(() -> missing.load(key).block(LONGEST))
                .hasMessageContaining("no_such_table does not exist")
                .hasMessageContaining("createTable()");

        postgres.ask("CREATE ROLE app LOGIN");
        PostgresqlConnectionFactory app = new PostgresqlConnectionFactory(
                postgres.configuration().username("app").build());
        R2dbcTokenStore limited = R2dbcTokenStore.builder(app, KEYS).build();
        assertThatThrownBy(() -> limited.load(key).block(LONGEST)).hasMessageContaining("no right to select, insert");
        postgres.ask("GRANT SELECT, INSERT, UPDATE, DELETE ON tokenswap_tokens TO app");
        assertThat(put(limited, login(), Kind.LOGIN)).isEqualTo(login());
    }

    @Test
    @Tag("D36")
    void aTableOfOtherColumnsIsNamedWithTheRemedy() {
        R2dbcTokenStore other = R2dbcTokenStore.builder(postgres.pool(1), KEYS)
                .table("other_columns")
                .build();
        other.createTable().block(LONGEST);
        put(other, login(), Kind.LOGIN);
        for (String change : List.of("ALTER COLUMN n TYPE text", "DROP COLUMN mark_p")) {
            postgres.ask("ALTER TABLE other_columns " + change);

            assertThatThrownBy(() ->
                            other.acquire(key, "a", login().version(), LEASE).block(LONGEST))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("other_columns has other columns than those of ddl()");
            postgres.ask("ALTER TABLE other_columns ALTER COLUMN n TYPE bigint USING n::bigint");
        }
    }

    /** The database may be set to the strictest isolation. It then refuses the second of two writes that meet. */
    @Test
    void aWriteThatMeetsAnotherIsRepeated() {
        PostgresqlConnectionFactory strict = new PostgresqlConnectionFactory(postgres.configuration()
                .options(Map.of("default_transaction_isolation", "serializable"))
                .build());
        R2dbcTokenStore isolated = R2dbcTokenStore.builder(strict, KEYS).build();
        put(store, login(), Kind.LOGIN);
        Record next = login().refreshed(1, token());
        CompletableFuture<TokenStore.Entry> waits;
        PostgresqlConnection other = postgres.connections().create().block(LONGEST);
        try {
            other.beginTransaction().block(LONGEST);
            run(other, "UPDATE tokenswap_tokens SET not_before = 0").block(LONGEST);
            waits = isolated.put(key, next, Kind.REFRESH, "a", 0).toFuture();
            awaitStatementsThatWait(1);
            other.commitTransaction().block(LONGEST);
        } finally {
            other.close().block(LONGEST);
        }

        assertThat(waits.join().record()).isEqualTo(next);
    }

    /** A trigger locks more within the statement of the store. Another transaction locks the same in the opposite order. */
    @Test
    void aWriteThatADeadlockHasUndoneIsRepeated() {
        PostgresqlConnectionFactory hasty = new PostgresqlConnectionFactory(postgres.configuration()
                .options(Map.of("deadlock_timeout", "10ms"))
                .build());
        put(store, login(), Kind.LOGIN);
        postgres.ask("CREATE FUNCTION lock_more() RETURNS trigger LANGUAGE plpgsql AS"
                + " 'BEGIN PERFORM pg_advisory_xact_lock(1); PERFORM pg_advisory_xact_lock(2); RETURN NEW; END'");
        postgres.ask("CREATE TRIGGER more AFTER UPDATE ON tokenswap_tokens FOR EACH ROW EXECUTE FUNCTION lock_more()");
        Record next = login().refreshed(1, token());
        CompletableFuture<TokenStore.Entry> undone;
        PostgresqlConnection gate = postgres.connections().create().block(LONGEST);
        PostgresqlConnection other = postgres.connections().create().block(LONGEST);
        try {
            run(gate, "SELECT pg_advisory_lock(1)").block(LONGEST);
            other.beginTransaction().block(LONGEST);
            run(other, "SET LOCAL deadlock_timeout = '1h'").block(LONGEST);
            run(other, "SELECT pg_advisory_xact_lock(2)").block(LONGEST);
            undone = R2dbcTokenStore.builder(hasty, KEYS)
                    .build()
                    .put(key, next, Kind.REFRESH, "a", 0)
                    .toFuture();
            awaitStatementsThatWait(1); // for the gate, with the row
            CompletableFuture<Void> row =
                    run(other, "SELECT 1 FROM tokenswap_tokens FOR UPDATE").toFuture();
            awaitStatementsThatWait(2);
            run(gate, "SELECT pg_advisory_unlock(1)").block(LONGEST);
            Mono.fromFuture(row).block(LONGEST);
            assertThat(undone).isNotDone();
            other.commitTransaction().block(LONGEST);
        } finally {
            gate.close().then(other.close()).block(LONGEST);
            postgres.ask("DROP FUNCTION lock_more CASCADE");
        }

        assertThat(undone.join().record()).isEqualTo(next);
    }

    private static Mono<Void> run(PostgresqlConnection connection, String sql) {
        return connection
                .createStatement(sql)
                .execute()
                .flatMap(PostgresqlResult::getRowsUpdated)
                .then();
    }

    /** Waits until as many statements wait for a lock. */
    private static void awaitStatementsThatWait(int number) {
        postgres.operator("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                .repeat()
                .filter(waiting -> waiting.size() >= number)
                .blockFirst(LONGEST);
    }

    @Test
    void aTableInASchemaIsCreatedOnce() {
        postgres.ask("CREATE SCHEMA auth");
        R2dbcTokenStore schema = R2dbcTokenStore.builder(postgres.pool(2), KEYS)
                .table("auth.tokens")
                .build();
        schema.createTable().then(schema.createTable()).block(LONGEST);

        assertThat(put(schema, login(), Kind.LOGIN)).isEqualTo(login());
        postgres.ask("UPDATE auth.tokens SET expires_at = 1");
        schema.put(TokenStore.key("another"), login(), Kind.LOGIN, "a", 0).block(LONGEST);
        assertThat(postgres.ask("SELECT key FROM auth.tokens")).containsExactly(TokenStore.key("another"));
        assertThat(schema.ddl()).contains("CREATE TABLE IF NOT EXISTS \"auth\".\"tokens\"");
        assertThatThrownBy(() -> R2dbcTokenStore.builder(postgres.pool(1), KEYS).table("tokens; DROP TABLE users"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aTableMayHaveAWordOfSqlAsItsName() {
        for (String word : List.of("grant", "user")) {
            R2dbcTokenStore odd =
                    R2dbcTokenStore.builder(postgres.pool(1), KEYS).table(word).build();
            odd.createTable().block(LONGEST);
            assertThat(put(odd, login(), Kind.LOGIN)).isEqualTo(login());
            Acquired acquired = odd.acquire(key, "a", login().version(), LEASE).block(LONGEST);
            assertThat(odd.extend(key, "a", acquired.attempt(), LEASE)
                            .block(LONGEST)
                            .outcome())
                    .isEqualTo(Outcome.GRANTED);
            Record next = login().refreshed(acquired.attempt(), token());
            assertThat(put(odd, next, Kind.REFRESH)).isEqualTo(next);
            odd.release(key, "a", acquired.attempt(), Duration.ZERO, true).block(LONGEST);

            postgres.ask("UPDATE \"" + word + "\" SET expires_at = 1");
            odd.put(TokenStore.key("another"), login(), Kind.LOGIN, "a", 0).block(LONGEST);
            assertThat(postgres.ask("SELECT key FROM \"" + word + "\"")).containsExactly(TokenStore.key("another"));
        }
    }

    /** PostgreSQL cuts a longer name, which would then be that of the table, so that there would be no index. */
    @Test
    void theLongestNameOfATableLeavesRoomForThatOfItsIndex() {
        String longest = "t".repeat(52);
        R2dbcTokenStore.builder(postgres.pool(1), KEYS)
                .table(longest)
                .build()
                .createTable()
                .block(LONGEST);

        assertThat(postgres.ask("SELECT indexname FROM pg_indexes WHERE tablename = '" + longest + "'"))
                .contains(longest + "_expires_at");
        assertThatThrownBy(() -> R2dbcTokenStore.builder(postgres.pool(1), KEYS).table(longest + "t"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 52");
    }

    @Test
    @Tag("D37")
    void aServerThatIsReadOnlyFailsByNameAndLosesNothing() {
        put(store, login(), Kind.LOGIN);
        PostgresqlConnectionFactory reader = new PostgresqlConnectionFactory(postgres.configuration()
                .options(Map.of("default_transaction_read_only", "on"))
                .build());
        R2dbcTokenStore standby = R2dbcTokenStore.builder(reader, KEYS).build();

        assertThat(standby.load(key).block(LONGEST).record()).isEqualTo(login());
        assertThatThrownBy(() -> put(standby, login().refreshed(1, token()), Kind.REFRESH))
                .hasMessageContaining("read-only")
                .hasMessageContaining("targetServerType=primary");
        assertThat(put(store, login().refreshed(1, token()), Kind.REFRESH)
                        .version()
                        .number())
                .isEqualTo(1);
    }

    @Test
    @Tag("E87")
    void ofTwoHostsTheWritableOneIsAsked() {
        try (PostgresServer standby = PostgresServer.start("fsync=off", "default_transaction_read_only=on")) {
            PostgresqlConnectionFactory both =
                    new PostgresqlConnectionFactory(PostgresqlConnectionConfiguration.builder()
                            .addHost("127.0.0.1", standby.port())
                            .addHost("127.0.0.1", postgres.port())
                            .username("postgres")
                            .password("unused")
                            .database("postgres")
                            .targetServerType(TargetServerType.PRIMARY)
                            .build());

            assertThat(put(R2dbcTokenStore.builder(both, KEYS).build(), login(), Kind.LOGIN))
                    .isEqualTo(login());
        }
        assertThat(store.load(key).block(LONGEST).record()).isEqualTo(login());
    }

    @Test
    void confirmedWritesSurviveACrashOfTheServer() {
        put(store, login(), Kind.LOGIN);
        Acquired acquired = store.acquire(key, "a", login().version(), LEASE).block(LONGEST);
        Record next = login().refreshed(acquired.attempt(), token());
        store.put(key, next, Kind.REFRESH, "a", acquired.attempt()).block(LONGEST);

        postgres.crash();

        assertThat(Mono.defer(() -> store.load(key)).retry(20).block(LONGEST).record())
                .isEqualTo(next);
    }

    @Test
    @Tag("D31")
    void aServerThatIsFrozenLosesNothingAndIsUsedWhenItIsThere() {
        R2dbcTokenStore frozen =
                R2dbcTokenStore.builder(postgres.connections(), KEYS).build();
        put(frozen, login(), Kind.LOGIN);
        postgres.freeze();
        try {
            assertThatThrownBy(() ->
                            frozen.load(key).timeout(Duration.ofMillis(300)).block(LONGEST))
                    .hasRootCauseInstanceOf(TimeoutException.class);
        } finally {
            postgres.thaw();
        }

        assertThat(frozen.load(key).block(LONGEST).record()).isEqualTo(login());
    }

    @Test
    void theThreadsOfTheDriverReadNoRecord() {
        put(store, login(), Kind.LOGIN);

        assertThat(store.load(key)
                        .map(entry -> Thread.currentThread().getName())
                        .block(LONGEST))
                .startsWith("tokenswap-r2dbc");
    }

    @ParameterizedTest
    @ValueSource(strings = {"transaction", "statement"})
    @Tag("E87")
    void aPoolerThatChangesTheConnectionOfEachTransactionNeedsNoSetting(String mode) {
        try (PgBouncer bouncer = PgBouncer.start(postgres, mode)) {
            PostgresqlConnectionFactory pooled = new PostgresqlConnectionFactory(
                    postgres.configuration().port(bouncer.port()).build());
            R2dbcTokenStore behind = R2dbcTokenStore.builder(pooled, KEYS).build();
            put(behind, login(), Kind.LOGIN);

            // More clients than connections to the server, so that each statement may meet another one.
            List<Record> stored = Flux.range(0, 40)
                    .flatMap(i -> behind.load(key), 20)
                    .mapNotNull(TokenStore.Entry::record)
                    .collectList()
                    .block(LONGEST);
            assertThat(stored).hasSize(40).containsOnly(login());
            Acquired acquired =
                    behind.acquire(key, "a", login().version(), LEASE).block(LONGEST);
            assertThat(acquired.outcome()).isEqualTo(Outcome.GRANTED);
            Record next = login().refreshed(acquired.attempt(), token());
            assertThat(behind.put(key, next, Kind.REFRESH, "a", acquired.attempt())
                            .block(LONGEST)
                            .record())
                    .isEqualTo(next);
        }
    }

    /** Acquire, look before the request, save, and the look of another node. */
    @Test
    void aRefreshTakesAtMostFiveStatements() {
        put(store, login(), Kind.LOGIN);
        AtomicInteger statements = new AtomicInteger();
        R2dbcTokenStore counted = R2dbcTokenStore.builder(
                        new CountingConnections(postgres.connections(), statements), KEYS)
                .build();
        StrictProvider provider = new StrictProvider();
        TokenSession session = TokenSession.builder(provider)
                .store(counted, "counted")
                .start(StrictProvider.token("counted", 1))
                .block(LONGEST);
        Token first = session.token().block(LONGEST);
        statements.set(0);

        session.invalidate(first);
        session.token().block(LONGEST);

        assertThat(provider.refreshes()).isEqualTo(1);
        assertThat(statements).hasValueBetween(2, 5);
        session.disposeLater().block(LONGEST);
    }
}
