package io.tokenswap.samples.desktop;

import io.tokenswap.callback.Browser;
import io.tokenswap.samples.provider.DemoProvider;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** The provider that the samples bring. */
class SpringAuthorizationServerTest extends ProviderContract {

    private final DemoProvider server = DemoProvider.builder()
            .redirectUris("http://127.0.0.1/callback", "http://127.0.0.1/auth")
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
    Browser person() {
        return new FormBrowser("demo", "demo");
    }

    @Override
    void endAllGrants() {
        server.revokeAll();
    }
}
