package io.tokenswap.testing;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Permits the lock of a Lettuce connection to BlockHound. Every command takes the lock for about 100 ns. BlockHound's error
 * inside it would leave the lock taken for ever, and each further command of the connection would spin. No code of this
 * project runs inside these methods.
 *
 * <p>BlockHound finds this class by itself. Without BlockHound or Lettuce on the class path it has no effect.
 */
public final class LettuceLock implements BlockHoundIntegration {

    private static final String LOCK = "io.lettuce.core.protocol.SharedLock";

    /** Creates the integration, for BlockHound. */
    public LettuceLock() {}

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.allowBlockingCallsInside(LOCK, "incrementWriters")
                .allowBlockingCallsInside(LOCK, "lockWritersExclusive");
    }
}
