package io.tokenswap.samples.webflux;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/** What BlockHound takes for waiting and is none. */
public final class AllowedBlocking implements BlockHoundIntegration {

    @Override
    public void applyTo(BlockHound.Builder builder) {
        // Reads the kernel's generator through a file, /dev/urandom, which never waits.
        builder.allowBlockingCallsInside("java.security.SecureRandom", "nextBytes");
    }
}
