package stores;

import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import io.tokenswap.KeyRing;
import io.tokenswap.r2dbc.R2dbcTokenStore;

/** Keeps a token in PostgreSQL. Arguments: the port of a server, and a port where nothing listens. */
public final class Main {

    private Main() {}

    public static void main(String[] args) {
        KeyRing keys = KeyRing.random();
        R2dbcTokenStore.builder(pool(args[0]), keys).build().createTable().block();
        Sessions.moveBetween(() -> R2dbcTokenStore.builder(pool(args[0]), keys).build());
        Sessions.fail(R2dbcTokenStore.builder(pool(args[1]), keys).build());
        System.exit(0);
    }

    private static ConnectionFactory pool(String port) {
        return ConnectionFactories.get("r2dbc:pool:postgresql://postgres:unused@127.0.0.1:" + port + "/postgres?maxSize=4");
    }
}
