package io.tokenswap.samples.exchange;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * Keeps the connections within the files that the process may open. A process without a file left cannot accept a connection, and
 * cannot connect to the provider either.
 */
final class FileLimit {

    /** Files that a process needs besides its connections: libraries, event loops, metrics. */
    private static final long OTHER_FILES = 400;

    private FileLimit() {}

    /** Returns the most connections that the server takes. */
    static int connections(ExchangeServerConfig config) {
        return connections(config.connectionLimits.connections(), config.providerConnections, files());
    }

    static int connections(int wanted, int toProvider, long files) {
        long left = files - toProvider - OTHER_FILES;
        // Under a limit that is too low for anything, a quarter of it still serves.
        return (int) Math.min(wanted, Math.max(left, files / 4));
    }

    /** Returns the number of files that the process may have open. */
    static long files() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                ? system.getMaxFileDescriptorCount()
                : Long.MAX_VALUE;
    }
}
