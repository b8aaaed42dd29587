package io.tokenswap.r2dbc;

import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.testing.SharedTokenStoreContract;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The contract on a real PostgreSQL, with two stores of this process that share no connection. */
class R2dbcTokenStoreContractTest extends SharedTokenStoreContract {

    private static final KeyRing KEYS = KeyRing.random();

    private static PostgresServer postgres;
    private static R2dbcTokenStore one;
    private static R2dbcTokenStore two;

    @BeforeAll
    static void start() {
        postgres = PostgresServer.start("fsync=off");
        one = R2dbcTokenStore.builder(postgres.pool(4), KEYS).build();
        two = R2dbcTokenStore.builder(postgres.pool(4), KEYS).build();
        one.createTable().block();
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    @Override
    protected TokenStore store() {
        return one;
    }

    @Override
    protected TokenStore other(TokenStore store) {
        return two;
    }

    @Override
    protected int orders() {
        return 100;
    }

    @Override
    protected void pass(Duration duration) {
        pass(one, duration);
    }

    /** The clock of a real server cannot be moved: asks it for the time until it has come. */
    static void pass(TokenStore store, Duration duration) {
        Instant end = store.load("clock").block().now().plus(duration);
        store.load("clock")
                .map(Entry::now)
                .repeat()
                .filter(now -> now.isAfter(end))
                .blockFirst(Duration.ofMinutes(2));
    }
}
