package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The opener of a browser is replaced as it can be on Linux. */
@EnabledOnOs(OS.LINUX)
class CliTest {

    @Test
    void signsInOnceKeepsTheTokenAndSignsOut(@TempDir Path classes, @TempDir Path home) throws Exception {
        try (LocalServers servers = LocalServers.start(Duration.ofHours(1), "http://localhost:4002/auth")) {
            LocalProgram cli = LocalProgram.compile(
                    Cli.class,
                    classes,
                    Map.of(
                            "https://auth.example.com",
                            servers.exchangeUri().toString(),
                            "https://api.spotify.com",
                            servers.provider().uri().toString(),
                            "System.getProperty(\"user.home\")",
                            "\"" + home + "\""));
            Path token = home.resolve(".spotify/token");

            assertThat(cli.run()).contains("\"id\":\"demo\"");
            String stored = Files.readString(token);
            assertThat(cli.run()).contains("\"id\":\"demo\"");
            assertThat(token).hasContent(stored); // a second login would have changed it

            servers.provider().revokeAll();
            assertThat(cli.run()).contains("\"id\":\"demo\""); // the browser was opened once more
            assertThat(Files.readString(token)).isNotEqualTo(stored);

            stored = Files.readString(token);
            cli.run("sign-out");
            assertThat(Files.exists(token) && Files.readString(token).equals(stored))
                    .isFalse();
            assertThat(cli.run()).contains("\"id\":\"demo\"");
            assertThat(Files.readString(token)).isNotEqualTo(stored);
        }
    }
}
