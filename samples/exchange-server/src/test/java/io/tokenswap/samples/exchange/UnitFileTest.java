package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files with which the server is deployed. */
class UnitFileTest {

    @Test
    @Tag("E89")
    @Tag("C72")
    void systemdFindsNothingWrongWithTheUnitAndItsSandbox(@TempDir Path directory) throws IOException {
        Path systemd = Path.of("/usr/bin/systemd-analyze");
        assumeTrue(Files.isExecutable(systemd));
        String unit = Files.readString(Path.of("exchange-server.service"));
        assertThat(unit.lines()).contains("DynamicUser=yes").noneMatch(line -> line.startsWith("User="));
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Path file = Files.writeString(
                directory.resolve("exchange-server.service"), unit.replace("/usr/bin/java", java.toString()));

        assertThat(output(systemd.toString(), "verify", file.toString())).isEmpty();
        assertThat(output(systemd.toString(), "security", "--offline=true", file.toString()))
                .containsPattern("Overall exposure level.*: [012]\\.[0-9]");
    }

    @Test
    @Tag("C72")
    void theImageRunsWithoutRootAndHoldsNoSecret() throws IOException {
        String image = Files.readString(Path.of("Dockerfile"));

        assertThat(image).contains("\nUSER 10001:10001\n").contains("\nENTRYPOINT [\"java\",");
        assertThat(image).doesNotContainPattern("(?m)^(ENV|ARG) .*(SECRET|KEY)");
    }

    private static String output(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.onExit().join();
        return text;
    }
}
