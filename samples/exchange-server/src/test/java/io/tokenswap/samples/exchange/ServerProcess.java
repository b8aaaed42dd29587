package io.tokenswap.samples.exchange;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The program as its own process, with the logging of the packaged program. */
final class ServerProcess implements AutoCloseable {

    private final Process process;
    private final URI uri;

    private ServerProcess(Process process, URI uri) {
        this.process = process;
        this.uri = uri;
    }

    /** Starts a process and waits until it listens. */
    static ServerProcess start(Map<String, String> variables) throws IOException {
        return start(variables, List.of());
    }

    /** @param before a command that ends with running its arguments, for example with a lower limit */
    static ServerProcess start(Map<String, String> variables, List<String> before) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-Dlogback.configurationFile="
                        + Path.of("src/main/program/logback.xml").toAbsolutePath(),
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> all = new HashMap<>(
                Map.of("PORT", "0", "CLIENT_ID", "client", "CLIENT_SECRET", Exchange.SECRET, "DRAIN_DELAY", "0s"));
        all.putAll(variables);
        builder.environment().clear();
        builder.environment().putAll(all);
        Process process = builder.start();
        BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String prefix = "Exchange server at ";
        String line = out.readLine();
        if (line == null || !line.startsWith(prefix)) {
            process.destroyForcibly();
            throw new IllegalStateException(line + " " + lines(process));
        }
        return new ServerProcess(process, URI.create(line.substring(prefix.length())));
    }

    URI uri() {
        return uri;
    }

    /** Sends the signal that asks for an end, and returns the exit code. */
    int stop() throws InterruptedException {
        process.toHandle().destroy();
        if (!process.waitFor(40, TimeUnit.SECONDS)) {
            throw new IllegalStateException("The process did not end");
        }
        return process.exitValue();
    }

    /** Ends the process as a power cut does. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** What the process has written to stderr. It must have ended. */
    List<String> log() {
        return lines(process);
    }

    private static List<String> lines(Process process) {
        return new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))
                .lines()
                .toList();
    }

    @Override
    public void close() {
        kill();
    }
}
