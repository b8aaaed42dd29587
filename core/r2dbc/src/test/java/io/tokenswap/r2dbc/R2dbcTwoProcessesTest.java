package io.tokenswap.r2dbc;

import io.r2dbc.spi.ConnectionFactory;
import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.SharedTokenStoreContract;
import io.tokenswap.testing.StoreProcess;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The contract on a real PostgreSQL, with one node in this process and one in another. */
class R2dbcTwoProcessesTest extends SharedTokenStoreContract {

    private static PostgresServer postgres;
    private static StoreProcess process;
    private static R2dbcTokenStore store;

    @BeforeAll
    static void start() {
        byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        String key = Base64.getEncoder().encodeToString(secret);
        postgres = PostgresServer.start("fsync=off");
        store = store(postgres.pool(4), key);
        store.createTable().block();
        process = StoreProcess.start(R2dbcTwoProcessesTest.class, String.valueOf(postgres.port()), key);
    }

    @AfterAll
    static void stop() {
        process.close();
        postgres.close();
    }

    /** The other process: serves the store of the other node. */
    public static void main(String[] arguments) throws IOException {
        StoreProcess.serve(store(PostgresServer.pool(Integer.parseInt(arguments[0]), 4), arguments[1]));
    }

    private static R2dbcTokenStore store(ConnectionFactory connections, String key) {
        return R2dbcTokenStore.builder(connections, KeyRing.of(key)).build();
    }

    @Override
    protected TokenStore store() {
        return store;
    }

    @Override
    protected TokenStore other(TokenStore store) {
        return process.store();
    }

    @Override
    protected int orders() {
        return 20;
    }
}
