package io.tokenswap.samples.webflux;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Rules of the settings. The error names the setting that breaks a rule. */
final class Check {

    private Check() {}

    static void that(boolean holds, String complaint) {
        if (!holds) {
            throw new IllegalArgumentException(complaint);
        }
    }

    static void present(String name, @Nullable Object value) {
        that(value != null, name + " is missing");
    }

    static void positive(String name, @Nullable Duration value) {
        that(value != null && !value.isNegative() && !value.isZero(), name + " must be more than zero");
    }

    /** Requires https, or a URL on this machine, because codes, cookies and tokens are sent there. */
    static void url(String name, URI url) {
        that(
                url.getHost() != null && url.getRawUserInfo() == null && url.getRawFragment() == null,
                name + " must be an absolute URL without user information and fragment, as https://example.com");
        that(
                "https".equals(url.getScheme()) || ("http".equals(url.getScheme()) && Loopback.isName(url.getHost())),
                name + " must start with https://: http:// will do on this machine only");
    }
}
