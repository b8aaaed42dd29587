package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link ChildProgram} that runs. */
final class ChildJvm implements AutoCloseable {

    private static final Duration LONG = Duration.ofSeconds(50);

    private final Process process;
    private final BufferedReader output;
    private final List<String> lines = new ArrayList<>();

    private ChildJvm(List<String> command) {
        try {
            this.process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.output = process.inputReader(StandardCharsets.UTF_8);
    }

    /** What runs the program: for {@link #wrapped}. */
    static List<String> command(List<String> options, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(options);
        command.addAll(List.of("-classpath", System.getProperty("java.class.path"), ChildProgram.class.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    static ChildJvm start(List<String> options, String... arguments) {
        return new ChildJvm(command(options, arguments));
    }

    static ChildJvm wrapped(List<String> command) {
        return new ChildJvm(command);
    }

    /** Reads until a line starts with a word; yields the rest of that line. */
    String await(String word) {
        try {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
                if (line.startsWith(word)) {
                    return line.substring(word.length()).strip();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("No " + word + " in " + lines);
    }

    Process process() {
        return process;
    }

    void ends(Duration within) throws InterruptedException {
        assertThat(process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS))
                .as("ended")
                .isTrue();
    }

    void ends() throws InterruptedException {
        ends(LONG);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
