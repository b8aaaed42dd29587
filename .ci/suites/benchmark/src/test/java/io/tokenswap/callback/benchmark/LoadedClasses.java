package io.tokenswap.callback.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The classes that a process has loaded when its receiver listens, and when it would open the browser, beyond those of a bare
 * Reactor Netty server that listens. Each is counted in a separate process, from the log of the JVM. The counts depend on the
 * JDK, and on nothing else.
 */
public final class LoadedClasses {

    private LoadedClasses() {}

    public static void main(String[] args) throws IOException {
        long bare = count("Reactor Netty");
        long listening = count("tokenswap");
        long browser = count("browser");
        System.out.printf(
                "JDK %s: bare Reactor Netty server %d; receiver %d more when it listens, %d more when the browser opens%n",
                Runtime.version().feature(), bare, listening - bare, browser - bare);
    }

    private static long count(String contender) throws IOException {
        Path log = Files.createTempFile("classes", ".log");
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xlog:class+load:file=" + log,
                        "-cp",
                        StartUp.CLASS_PATH,
                        Receivers.class.getName(),
                        contender)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            if (output.readLine() == null) {
                throw new IOException(contender + " did not start");
            }
        } finally {
            process.destroyForcibly().onExit().join();
        }
        try (var lines = Files.lines(log)) {
            return lines.takeWhile(line -> !line.contains(Receivers.Listening.class.getName() + " "))
                    .filter(line -> line.contains(" source: "))
                    .count();
        } finally {
            Files.delete(log);
        }
    }
}
