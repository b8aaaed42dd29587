package io.tokenswap.store;

import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenStore;
import io.tokenswap.testing.TokenStoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/** Two stores in one process over the same files are two connections. */
@Tag("D14")
class FileTokenStoreContractTest extends TokenStoreContract {

    private static final KeyRing KEYS = KeyRing.random();

    @TempDir
    Path directory;

    @Override
    protected TokenStore store() {
        return FileTokenStore.ofDirectory(directory).sealedWith(KEYS);
    }

    @Override
    protected TokenStore other(TokenStore store) {
        return FileTokenStore.ofDirectory(directory).sealedWith(KEYS);
    }

    @Override
    protected int orders() {
        return 20;
    }
}
