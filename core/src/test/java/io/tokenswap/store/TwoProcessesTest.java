package io.tokenswap.store;

import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.StoreProcess;
import io.tokenswap.testing.TokenStoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/** The contract of a store with one node in this process and one in another. */
@Tag("D11")
class TwoProcessesTest extends TokenStoreContract {

    @TempDir
    static Path directory;

    private static StoreProcess process;

    @BeforeAll
    static void start() {
        process = WorkerProcess.start("serve", directory.toString());
    }

    @AfterAll
    static void stop() {
        process.close();
    }

    @Override
    protected TokenStore store() {
        return FileTokenStore.ofDirectory(directory);
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
