package io.tokenswap.samples.exchange;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A copy of the packaged server, and an archive for it. A copy, because an archive is bound to the path of its
 * jar.
 *
 * @param option the option of the JVM that uses the archive
 */
record ServerArchive(Path jar, String option) {

    static final Path PACKAGED = Path.of("../../../../samples/exchange-server/target/exchange-server.jar")
            .toAbsolutePath()
            .normalize();

    /**
     * Makes an archive, or returns null if the server is not packaged.
     *
     * @param kind {@code classes} as in the image, or {@code profiles}
     */
    static @Nullable ServerArchive make(String kind) throws IOException {
        if (!Files.exists(PACKAGED)) {
            System.out.println("There is no " + PACKAGED + ", so that nothing is measured with an archive");
            return null;
        }
        Path directory = Files.createTempDirectory("archive");
        Path jar = Files.copy(PACKAGED, directory.resolve(PACKAGED.getFileName()));
        ProcessBuilder script = new ProcessBuilder(
                        PACKAGED.resolveSibling("../archive").normalize().toString(), directory.toString(), kind)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        Path java = Path.of(ProcessHandle.current().info().command().orElse("java"));
        script.environment().merge("PATH", java.getParent() + ":", (path, folder) -> folder + path);
        String option = new String(script.start().getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (!option.startsWith("-XX:")) {
            throw new IOException("No archive was made");
        }
        return new ServerArchive(jar, option);
    }

    List<String> arguments() {
        return List.of(option, "-jar", jar.toString());
    }
}
