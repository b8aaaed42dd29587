package io.tokenswap.samples.provider;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Keeps Tomcat's start and stop messages off standard error. Tomcat logs to {@code java.util.logging}; a level that the
 * host has set is not changed.
 */
final class QuietTomcat {

    /** References to the loggers, because the JDK forgets the level of a logger that is not referenced. */
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
