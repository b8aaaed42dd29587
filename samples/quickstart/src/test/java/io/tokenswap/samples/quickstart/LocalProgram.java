package io.tokenswap.samples.quickstart;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * A program of this module, compiled from its source with other addresses: the source names servers of the internet,
 * the test runs servers on loopback addresses. Nothing else of the program differs.
 */
final class LocalProgram {

    private static final String PACKAGE = LocalProgram.class.getPackageName();
    private static final Path SOURCES = Path.of("src/main/java", PACKAGE.replace('.', '/'));

    private final String name;
    private final Path classes;

    private LocalProgram(String name, Path classes) {
        this.name = name;
        this.classes = classes;
    }

    /** Compiles a program. Each text to replace must be in its source. */
    static LocalProgram compile(Class<?> program, Path classes, Map<String, String> replacements) {
        String source = read(program);
        for (Map.Entry<String, String> replacement : replacements.entrySet()) {
            if (!source.contains(replacement.getKey())) {
                throw new AssertionError(program.getSimpleName() + " does not contain " + replacement.getKey());
            }
            source = source.replace(replacement.getKey(), replacement.getValue());
        }
        compile(program.getName(), source, classes);
        return new LocalProgram(program.getName(), classes);
    }

    private static String read(Class<?> program) {
        try {
            return Files.readString(SOURCES.resolve(program.getSimpleName() + ".java"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void compile(String name, String source, Path classes) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        JavaFileObject file =
                new SimpleJavaFileObject(
                        URI.create("string:///" + name.replace('.', '/') + ".java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        StringWriter messages = new StringWriter();
        List<String> options =
                List.of("-proc:none", "-d", classes.toString(), "-classpath", System.getProperty("java.class.path"));
        boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(file))
                .call();
        if (!compiled) {
            throw new AssertionError(messages.toString());
        }
    }

    /** Loads the program into this process. */
    Class<?> load() {
        try {
            URL[] urls = {classes.toUri().toURL()};
            // The parent has the original of the program, so it is asked for all other classes only.
            ClassLoader loader = new URLClassLoader(urls, getClass().getClassLoader()) {
                @Override
                protected Class<?> loadClass(String className, boolean resolve) throws ClassNotFoundException {
                    synchronized (getClassLoadingLock(className)) {
                        Class<?> loaded = findLoadedClass(className);
                        if (loaded != null) {
                            return loaded;
                        }
                        return className.equals(name) || className.startsWith(name + "$")
                                ? findClass(className)
                                : super.loadClass(className, resolve);
                    }
                }
            };
            return loader.loadClass(name);
        } catch (IOException | ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    /** Starts the program in its own process, whose browser is {@link Visitor}. */
    Process start(Map<String, String> environment, String... args) throws IOException {
        Path opener = classes.resolve("xdg-open");
        Files.writeString(
                opener,
                "#!/bin/sh\nexec '" + java() + "' -cp '" + System.getProperty("java.class.path") + "' "
                        + Visitor.class.getName() + " \"$1\"\n");
        Files.setPosixFilePermissions(opener, PosixFilePermissions.fromString("rwx------"));
        String classPath = classes + File.pathSeparator + System.getProperty("java.class.path");
        List<String> command = Stream.concat(Stream.of(java(), "-cp", classPath, name), Stream.of(args))
                .toList();
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("DISPLAY", ":0");
        builder.environment().merge("PATH", classes.toString(), (old, own) -> own + File.pathSeparator + old);
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** Runs the program to its end and returns what it has printed. */
    String run(String... args) throws IOException, InterruptedException {
        Process process = start(Map.of(), args);
        try {
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new AssertionError(name + " did not end well: " + output);
            }
            return output;
        } finally {
            process.destroyForcibly();
        }
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }
}
