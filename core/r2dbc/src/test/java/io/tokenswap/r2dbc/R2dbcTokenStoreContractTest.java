package io.tokenswap.r2dbc;

import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.SharedTokenStoreContract;
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
}
