package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The program on a terminal, which {@code script} of util-linux provides. */
@EnabledOnOs(OS.LINUX)
@Timeout(300)
class TerminalTest {

    private static final String CLEAR_LINE = "\r\u001B[2K";
    private static final char CTRL_C = 3;

    @Test
    void ctrlCLeavesAnEmptyLineForThePrompt() throws IOException {
        assumeThat(Path.of("/usr/bin/script")).isExecutable();
        try (EmbeddedSystem system = EmbeddedSystem.withDemoProvider(
                List.of(URI.create("http://127.0.0.1:0/auth")), Duration.ofHours(1), true)) {
            String screen = interrupted(
                    "--browser headless --listen http://127.0.0.1:0/auth --exchange " + system.exchangeUri());
            assertThat(screen).contains("next refresh within");
            assertThat(screen.substring(screen.lastIndexOf(CLEAR_LINE))).isEqualTo(CLEAR_LINE);
        }
    }

    /** Returns everything that a run shows, which Ctrl-C ends while the last line counts down. */
    private static String interrupted(String options) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String command = java + " -cp " + System.getProperty("java.class.path") + " " + DesktopLogin.class.getName()
                + " " + options;
        ProcessBuilder terminal = new ProcessBuilder("script", "-qec", command, "/dev/null").redirectErrorStream(true);
        terminal.environment().put("TERM", "xterm");
        Process process = terminal.start();
        try (Reader output = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)) {
            StringBuilder shown = new StringBuilder();
            boolean interrupted = false;
            for (int next = output.read(); next >= 0; next = output.read()) {
                shown.append((char) next);
                if (!interrupted && shown.indexOf("next refresh within") >= 0) {
                    interrupted = true;
                    process.getOutputStream().write(CTRL_C);
                    process.getOutputStream().flush();
                }
            }
            return shown.toString();
        } finally {
            process.destroyForcibly();
        }
    }
}
