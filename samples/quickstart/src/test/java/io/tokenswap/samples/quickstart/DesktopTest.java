package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The opener of a browser is replaced as it can be on Linux. */
@EnabledOnOs(OS.LINUX)
class DesktopTest {

    @Test
    void signsInAndPrintsTheUser(@TempDir Path classes) throws Exception {
        try (LocalServers servers = LocalServers.start(Duration.ofHours(1), "http://localhost:4002/auth")) {
            String output = LocalProgram.compile(
                            Desktop.class,
                            classes,
                            Map.of(
                                    "https://auth.example.com",
                                    servers.exchangeUri().toString(),
                                    "https://api.spotify.com",
                                    servers.provider().uri().toString()))
                    .run();
            assertThat(output).contains("\"id\":\"demo\"");
        }
    }
}
