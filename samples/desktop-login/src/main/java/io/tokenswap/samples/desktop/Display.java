package io.tokenswap.samples.desktop;

import io.tokenswap.samples.desktop.DesktopLogin.BrowserChoice;
import java.io.Console;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Default way to sign in on this machine.
 *
 * @param choice the way that suits this machine
 * @param reason a sentence for the person
 */
record Display(BrowserChoice choice, String reason) {

    /** Programs that the library looks for. */
    private static final List<String> OPENERS = List.of("xdg-open", "gio", "kde-open", "wslview", "rundll32.exe");

    /**
     * Examines the machine.
     *
     * @param approvesByItself true if the provider can be set to approve without asking
     */
    static Display of(String os, Map<String, String> environment, boolean approvesByItself) {
        String obstacle = obstacle(os.toLowerCase(Locale.ROOT), environment);
        if (obstacle.isEmpty()) {
            return new Display(BrowserChoice.SYSTEM, "There is a display: signing in with the browser.");
        }
        return approvesByItself
                ? new Display(
                        BrowserChoice.HEADLESS,
                        obstacle + ": the program opens the sign-in page itself (--browser headless).")
                : new Display(BrowserChoice.PRINT, obstacle + ": open the URL in a browser on this machine.");
    }

    private static String obstacle(String os, Map<String, String> environment) {
        if (os.startsWith("windows") || os.startsWith("mac")) {
            return "";
        }
        boolean display = List.of("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME").stream()
                .anyMatch(name -> !environment.getOrDefault(name, "").isEmpty());
        if (!display) {
            return "There is no display";
        }
        boolean opener = Arrays.stream(environment.getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(directory -> OPENERS.stream().anyMatch(name -> isProgram(directory, name)));
        return opener ? "" : "There is no program that opens a browser (xdg-open)";
    }

    private static boolean isProgram(String directory, String name) {
        try {
            return Files.isExecutable(Path.of(directory, name));
        } catch (InvalidPathException malformed) {
            return false;
        }
    }

    /** Returns true if standard output is a terminal on which a line can be overwritten. */
    @SuppressWarnings("SystemConsoleNull") // on older JDKs it is
    static boolean isTerminal(Map<String, String> environment) {
        Console console = System.console();
        if (console == null || "dumb".equals(environment.get("TERM"))) {
            return false;
        }
        try {
            // Since JDK 22 there is a console even without a terminal, and a method to find out.
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException olderJdk) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }
}
