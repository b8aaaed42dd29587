package io.tokenswap.samples.provider;

import java.time.Clock;
import java.time.Duration;
import java.util.Set;

/** Options of a {@link DemoProvider.Builder}. */
record Settings(
        int port,
        String clientId,
        String clientSecret,
        Set<String> redirectUris,
        Duration accessTokenLifetime,
        boolean autoApprove,
        boolean rotateRefreshTokens,
        boolean detectReuse,
        Set<String> scopes,
        Clock clock) {

    @Override
    public String toString() {
        return "Settings[port=" + port + ", clientId=" + clientId + "]";
    }
}
