package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.samples.desktop.DesktopLogin.BrowserChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DisplayTest {

    @TempDir
    private Path programs;

    @BeforeEach
    void installAnOpener() throws IOException {
        Path opener = Files.createFile(programs.resolve("xdg-open"));
        assertThat(opener.toFile().setExecutable(true)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"})
    void withADisplayAndAnOpenerTheBrowserIsOpened(String variable) {
        Display display = Display.of("Linux", Map.of(variable, ":0", "PATH", "/nowhere:" + programs), true);
        assertThat(display.choice()).isEqualTo(BrowserChoice.SYSTEM);
        assertThat(display.reason()).contains("There is a display");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Windows 11", "Mac OS X"})
    void someSystemsAlwaysHaveADisplay(String os) {
        assertThat(Display.of(os, Map.of(), true).choice()).isEqualTo(BrowserChoice.SYSTEM);
    }

    @Test
    void withoutADisplayItSignsInByItselfWhereTheProviderPermits() {
        Map<String, String> environment = Map.of("DISPLAY", "", "PATH", programs.toString());
        Display permitted = Display.of("Linux", environment, true);
        assertThat(permitted.choice()).isEqualTo(BrowserChoice.HEADLESS);
        assertThat(permitted.reason()).contains("There is no display").contains("headless");
        Display other = Display.of("Linux", environment, false);
        assertThat(other.choice()).isEqualTo(BrowserChoice.PRINT);
        assertThat(other.reason()).contains("There is no display").contains("open the URL");
    }

    @Test
    void aDisplayWithoutAnOpenerIsNoneThatABrowserOpensOn() {
        Display display = Display.of("Linux", Map.of("DISPLAY", ":0", "PATH", "/nowhere"), true);
        assertThat(display.choice()).isEqualTo(BrowserChoice.HEADLESS);
        assertThat(display.reason()).contains("no program that opens a browser");
    }
}
