package io.tokenswap.testing;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Permits short locks of libraries to BlockHound, which would do damage by its error inside them. No code of this project
 * runs there.
 *
 * <ul>
 * <li>Lettuce: every command takes the lock of its connection for about 100 ns. The error would leave the lock taken for
 *     ever, and each further command of the connection would spin.
 * <li>Netty: threads that allocate buffers at the same time sometimes wait for each other. The error would reach the
 *     handlers of a connection that is in good order. HTTP handlers then close it. Lettuce forgets a command instead, so
 *     that each later command gets the response of another one.
 * </ul>
 *
 * <p>BlockHound finds this class by itself. Without BlockHound on the class path it has no effect.
 */
public final class LibraryLocks implements BlockHoundIntegration {

    private static final String LETTUCE = "io.lettuce.core.protocol.SharedLock";
    private static final String NETTY = "io.netty.buffer.AdaptivePoolingAllocator$Magazine";

    /** Creates the integration, for BlockHound. */
    public LibraryLocks() {}

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.allowBlockingCallsInside(LETTUCE, "incrementWriters")
                .allowBlockingCallsInside(LETTUCE, "lockWritersExclusive")
                .allowBlockingCallsInside(NETTY, "free")
                .allowBlockingCallsInside(NETTY + "Group", "free");
    }
}
