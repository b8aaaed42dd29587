package io.tokenswap.samples.exchange;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Permits the lock of a Lettuce connection, which every command takes for about 100 ns. BlockHound's error inside it
 * would leave the lock taken for ever, and each further command of the connection would spin. No code of this project
 * runs inside these methods.
 */
public final class LettuceLock implements BlockHoundIntegration {

    private static final String LOCK = "io.lettuce.core.protocol.SharedLock";

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.allowBlockingCallsInside(LOCK, "incrementWriters")
                .allowBlockingCallsInside(LOCK, "lockWritersExclusive");
    }
}
