package io.tokenswap.samples.provider;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Keeps Tomcat's news of starting and stopping off standard error. It logs to {@code java.util.logging}; a level that
 * the host has chosen stays as it is.
 */
final class QuietTomcat {

    /** Held, because the JDK forgets the level of a logger that nobody holds. */
    private static final List<Logger> LOGGERS =
            List.of(Logger.getLogger("org.apache.catalina"), Logger.getLogger("org.apache.coyote"));

    private QuietTomcat() {}

    static void arrange() {
        for (Logger logger : LOGGERS) {
            if (logger.getLevel() == null) {
                logger.setLevel(Level.WARNING);
            }
        }
    }
}
