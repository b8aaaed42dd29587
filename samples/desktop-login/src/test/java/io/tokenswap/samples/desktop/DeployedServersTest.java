package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.exchange.ExchangeServer;
import io.tokenswap.samples.exchange.ExchangeServerConfig;
import io.tokenswap.samples.provider.DemoProvider;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
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

    /** The first row of the table. That each dialect refreshes is tested with a provider that enforces PKCE. */
    @Test
    void aDenialBehindOurExchangeServerEndsTheProgramAtOnce() {
        var refusing =
                Servers.start((request, response) -> response.sendRedirect(Servers.parameter(request, "redirect_uri")
                        + "?error=access_denied&state=" + Servers.parameter(request, "state")));
        try (ExchangeServer server = ExchangeServer.start(ExchangeServerConfig.from(Map.of(
                        "PORT",
                        "0",
                        "CLIENT_ID",
                        "client",
                        "CLIENT_SECRET",
                        "secret-of-this-test",
                        "PROVIDER_AUTHORIZE_URL",
                        Servers.url(refusing),
                        "PROVIDER_TOKEN_URL",
                        Servers.url(refusing),
                        "RETURN_URIS",
                        app.toString())))
                .blockOptional()
                .orElseThrow()) {
            Run run = Run.of("--exchange " + server.uri() + " --listen " + app + " --browser headless --json");

            assertThat(run.exitCode()).isEqualTo(5);
            assertThat(run.out()).contains("The sign-in was denied");
        } finally {
            refusing.disposeNow();
        }
    }

    @Test
    void theTableHasARowForEachServerAndNoOther() throws IOException {
        List<String> rows = new ArrayList<>();
        rows.add("| [samples/exchange-server](../exchange-server) | `--exchange URL` | yes, in each `--dialect` |"
                + " exit code 5 |");
        for (DeployedServer.Kind kind : DeployedServer.Kind.values()) {
            rows.add("| " + kind.title() + " | `" + kind.options() + "` | yes | exit code 5"
                    + (kind == DeployedServer.Kind.PHP ? ", as \"ended without a code\"" : "") + " |");
        }

        assertThat(table(Path.of("README.md"))).isEqualTo(rows);
    }

    @Test
    void theReadmeOfTheProjectListsTheSameServersInTheSameDialects() throws IOException {
        List<String> here = table(Path.of("README.md"));
        List<String> there = table(Path.of("..", "..", "README.md"));

        assertThat(there).hasSameSizeAs(here);
        for (int row = 1; row < here.size(); row++) {
            String[] cells = there.get(row).split(" \\| ", -1);
            String option = cells[1].replace("`", "").toLowerCase(Locale.ROOT).replace('_', '-');
            assertThat(here.get(row)).startsWith(cells[0] + " | ").contains(" --dialect " + option);
        }
    }

    /** Returns the rows of the table of servers. */
    private static List<String> table(Path page) throws IOException {
        return Files.readAllLines(page, StandardCharsets.UTF_8).stream()
                .dropWhile(line -> !line.startsWith("| server | "))
                .takeWhile(line -> line.startsWith("|"))
                .skip(2)
                .toList();
    }
}
