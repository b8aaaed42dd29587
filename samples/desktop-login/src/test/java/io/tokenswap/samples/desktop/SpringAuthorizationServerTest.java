package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.provider.DemoProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The provider that the samples bring, with detection of reuse. */
class SpringAuthorizationServerTest extends ProviderContract {

    private final DemoProvider server = DemoProvider.builder()
            .redirectUris("http://127.0.0.1/callback", "http://127.0.0.1/auth", "http://127.0.0.1/redirect.php")
            .detectReuse(true)
            .start();

    @AfterAll
    void stop() {
        server.close();
    }

    @Override
    Provider provider() {
        return new Provider(
                server.authorizeUri(),
                server.tokenUri(),
                "demo-client",
                "demo-secret",
                List.of("user-read-private", "user-read-email"));
    }

    @Override
    Provider withoutRequiredPkce() {
        return provider();
    }

    @Override
    FormBrowser person() {
        return new FormBrowser("demo", "demo");
    }

    @Override
    void forgetConsents() {
        server.revokeAll();
    }

    @Override
    void endAllGrants() {
        server.revokeAll();
    }

    /** The tests of the contract are about this row of the table. */
    @Test
    void theReadmeSaysWhatWorksWithOurServer() throws IOException {
        assertThat(Path.of("..", "..", "README.md"))
                .content()
                .contains(
                        "| [samples/exchange-server](samples/exchange-server) | all | yes | with PKCE, in `JSON` | ends the login |");
    }
}
