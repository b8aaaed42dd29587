package io.tokenswap.r2dbc;

import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.NodesContract;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sessions of several nodes on one real PostgreSQL. */
class R2dbcNodesTest extends NodesContract {

    private static final KeyRing KEYS = KeyRing.random();
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private PostgresServer postgres;

    @BeforeEach
    void start() {
        postgres = PostgresServer.start("fsync=off", "max_connections=60");
    }

    @AfterEach
    void stop() {
        postgres.close();
    }

    @Override
    protected TokenStore connect() {
        R2dbcTokenStore store = R2dbcTokenStore.builder(postgres.pool(10), KEYS).build();
        store.createTable().block(LONGEST);
        return store;
    }

    @Test
    @Tag("D41")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void presentEachOfTenThousandRefreshTokensOnce() {
        refreshes(3, 100, 100);
    }
}
