package io.tokenswap.samples.exchange.operation;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that files have new content. Orchestrators replace a mounted secret by exchanging a symbolic link, which file
 * system events do not report, so the contents are compared.
 */
public final class WatchedFile {

    private static final Logger log = LoggerFactory.getLogger(WatchedFile.class);

    private final String name;
    private final List<Path> files;
    private final Consumer<String> onChange;
    private byte[] seen;

    /**
     * @param name the setting that names the files
     * @param onChange gets the name when a file has changed, and may throw: the old content then stays in force
     */
    public WatchedFile(String name, List<Path> files, Consumer<String> onChange) throws IOException {
        this.name = name;
        this.files = files;
        this.onChange = onChange;
        this.seen = contents();
    }

    /** Looks for a change. Blocks. */
    public synchronized void check() {
        try {
            byte[] now = contents();
            if (!Arrays.equals(now, seen)) {
                onChange.accept(name);
                seen = now;
                log.warn("{} has changed and is in force.", name);
            }
        } catch (IOException | RuntimeException problem) {
            // Of the message of an own parser nothing is a secret. Others may quote the content.
            log.error(
                    "{} has changed and cannot be used ({}). The old content stays in force.",
                    name,
                    problem instanceof IllegalArgumentException
                            ? problem.getMessage()
                            : problem.getClass().getSimpleName());
        }
    }

    private byte[] contents() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (Path file : files) {
            all.writeBytes(Files.readAllBytes(file));
        }
        return all.toByteArray();
    }
}
