package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bounds the classes that a program loads until it can log in, which take most of the time of its start. They are counted
 * in the log of the JVM, and depend on the JDK but not on the load of the machine.
 */
@Timeout(120)
class StartUpTest {

    /** Without the framework for logging, whose start would be most of it. */
    private static final String CLASS_PATH = Arrays.stream(
                    System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("logback"))
            .collect(Collectors.joining(File.pathSeparator));

    @TempDir
    private Path directory;

    @Test
    void fewClassesAreLoadedBeyondABareServer() throws IOException {
        long bare = count("server");

        assertThat(count("listening") - bare).as("when the receiver listens").isBetween(1L, 60L);
        assertThat(count("browser") - bare).as("when the browser opens").isBetween(1L, 160L);
    }

    private long count(String moment) throws IOException {
        Path log = directory.resolve(moment + ".log");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xlog:class+load:file=" + log,
                        "-classpath",
                        CLASS_PATH,
                        StartUpClasses.class.getName(),
                        moment)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(output.lines().anyMatch("REACHED"::equals)).as(moment).isTrue();
        } finally {
            process.destroyForcibly().onExit().join();
        }
        try (var lines = Files.lines(log)) {
            return lines.takeWhile(line -> !line.contains(StartUpClasses.Reached.class.getName() + " "))
                    .filter(line -> line.contains(" source: "))
                    .count();
        }
    }
}
