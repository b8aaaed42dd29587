package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.provider.DemoProvider;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The rows of the table of this sample: the program with its options, against servers that behave as the deployed ones. */
class DeployedServersTest {

    private final URI app = URI.create("http://127.0.0.1:" + Servers.freePort() + "/auth");

    private String options(DeployedServer server) {
        return server.options() + " --listen " + app + " --browser headless --json ";
    }

    @ParameterizedTest
    @EnumSource
    void theProgramSignsInAndRefreshesThreeTimes(DeployedServer.Kind kind) {
        try (DemoProvider provider = DemoProvider.builder()
                        .redirectUris("http://127.0.0.1/callback", "http://127.0.0.1/redirect.php")
                        .accessTokenLifetime(Duration.ofSeconds(2))
                        .autoApprove(true)
                        .start();
                DeployedServer server = DeployedServer.hop(
                        kind,
                        new ProviderContract.Provider(
                                provider.authorizeUri(), provider.tokenUri(), "demo-client", "demo-secret", List.of()),
                        app)) {
            Run run = Run.of(options(server) + "--refreshes 3").succeeds();

            assertThat(run.eventNames()).containsExactly("authorize", "token", "token", "token", "token");
        }
    }

    @ParameterizedTest
    @EnumSource
    @Tag("A13")
    void aDenialEndsTheProgramAtOnce(DeployedServer.Kind kind) {
        var refusing =
                Servers.start((request, response) -> response.sendRedirect(Servers.parameter(request, "redirect_uri")
                        + "?error=access_denied&state=" + Servers.parameter(request, "state")));
        URI authorize = URI.create(Servers.url(refusing));
        try (DeployedServer server = DeployedServer.hop(
                kind, new ProviderContract.Provider(authorize, authorize, "client", "secret", List.of()), app)) {
            Run run = Run.of(options(server));

            assertThat(run.exitCode()).isEqualTo(5);
            assertThat(run.out())
                    .contains(kind == DeployedServer.Kind.PHP ? "ended without a code" : "The sign-in was denied");
        } finally {
            refusing.disposeNow();
        }
    }

    @ParameterizedTest
    @EnumSource
    void theTableNamesTheOptions(DeployedServer.Kind kind) {
        assertThat(Path.of("README.md"))
                .content()
                .contains("| " + kind.title() + " | `" + kind.options() + "` | yes | exit code 5"
                        + (kind == DeployedServer.Kind.PHP ? ", as \"ended without a code\"" : "") + " |");
    }
}
